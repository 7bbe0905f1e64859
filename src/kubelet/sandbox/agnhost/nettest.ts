/** `agnhost nettest`: finds its peers by a Service and tells whether all were reached. Models test/images/agnhost/nettest. */
import { isRecord } from '../../../apimachinery/json.ts'
import { inCluster, type InCluster } from '../in-cluster.ts'
import { Exited, SIGNALS, type Process } from '../process.ts'
import { parseFlags } from './flags.ts'
import { bodyOf, fetchText, forever, reply, say, serve } from './web.ts'

const PAUSE_MS = 5000
const ROUNDS = 15
const MAX_LOG = 500

interface State {
  Hostname: string
  Sent: Record<string, number>
  Received: Record<string, number>
  Errors: string[]
  Log: string[]
  StillContactingPeers: boolean
}

interface Wanted {
  service: string
  namespace: string
  peers: number
}

export async function nettest(process: Process): Promise<number> {
  const flags = parseFlags(process.args)
  const wanted: Wanted = { service: flags.get('service') ?? 'nettest', namespace: flags.get('namespace') ?? 'default', peers: flags.number('peers', 8) }
  if (wanted.service === '') {
    say(process, 'Must provide -service flag.')
    return 1
  }
  const state: State = { Hostname: process.sandbox.hostname, Sent: {}, Received: {}, Errors: [], Log: [], StillContactingPeers: true }
  let quit: (code: number) => void = () => {}
  const ended = new Promise<number>((resolve) => (quit = resolve))
  const delay = flags.number('delay-shutdown', 0)
  if (delay > 0) process.handlers.set(SIGNALS.TERM ?? 15, () => process.clock.after(delay * 1000, () => quit(0)))
  serve(process, flags.number('port', 8080), {
    '/quit': () => quit(0),
    '/read': ({ response }) => reply(response, 200, JSON.stringify(state, undefined, '\t')),
    '/status': ({ response }) => reply(response, 200, verdict(state, wanted)),
    '/write': async ({ request, response }) => {
      const told: unknown = JSON.parse((await bodyOf(request)).toString())
      const source = isRecord(told) && typeof told.Source === 'string' ? told.Source : ''
      if (source === '') state.Errors.push(`${state.Hostname}: Got request with no source`)
      else state.Received[source] = (state.Received[source] ?? 0) + 1
      reply(response, 200, `${JSON.stringify({ Hostname: state.Hostname })}\n`)
    },
  })
  const contacting = contactOthers(process, state, wanted)
  contacting.catch((error: unknown) => quit(error instanceof Exited ? error.code : 1))
  return Promise.race([process.block(ended), forever(process)])
}

function verdict({ Sent, Received, StillContactingPeers }: State, { peers }: Wanted): string {
  if (Object.keys(Sent).length >= peers && Object.keys(Received).length >= peers) return 'pass'
  return StillContactingPeers ? 'running' : 'fail'
}

function note({ Log }: State, line: string): void {
  Log.push(line)
  if (Log.length > MAX_LOG) Log.shift()
}

async function contactOthers(process: Process, state: State, wanted: Wanted): Promise<void> {
  const api = await inCluster(process)
  for (let round = 0; round < ROUNDS; round++) {
    const endpoints = await process.block(endpointsOf(api, state, wanted))
    if (endpoints.length < wanted.peers) note(state, `${wanted.namespace}/${wanted.service} has ${endpoints.length} endpoints (${endpoints.map(({ host }) => host).join(' ')}), which is less than ${wanted.peers} as expected. Waiting for all endpoints to come up.`)
    for (const target of endpoints) await process.block(contact(process, state, target))
    await process.sleep(PAUSE_MS)
  }
  state.StillContactingPeers = false
}

interface Peer {
  host: string
  port: number
}

async function endpointsOf(api: InCluster, state: State, { namespace, service }: Wanted): Promise<Peer[]> {
  const { status, body } = await api.call({ path: `/api/v1/namespaces/${namespace}/endpoints/${service}` }).catch((error: Error) => ({ status: 0, body: Buffer.from(error.message) }))
  if (status !== 200) {
    note(state, `Unable to read the endpoints for ${namespace}/${service}: ${body.toString()}.`)
    return []
  }
  const { subsets = [] } = JSON.parse(body.toString()) as { subsets?: { addresses?: { ip: string }[]; ports?: { port: number }[] }[] }
  return subsets.flatMap(({ addresses = [], ports = [] }) => addresses.flatMap(({ ip }) => ports.map(({ port }) => ({ host: ip, port }))))
}

async function contact(process: Process, state: State, target: Peer): Promise<void> {
  const url = `http://${target.host}:${target.port}`
  note(state, `Attempting to contact ${url}`)
  try {
    const { text } = await fetchText(process, target, 'write', { body: JSON.stringify({ Source: state.Hostname, Dest: url }) })
    const { Hostname } = JSON.parse(text) as { Hostname: string }
    state.Sent[Hostname] = (state.Sent[Hostname] ?? 0) + 1
  } catch (error) {
    note(state, `Warning: unable to contact the endpoint "${url}": ${(error as Error).message}`)
  }
}
