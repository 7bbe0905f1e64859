/** `agnhost netexec`: servers over HTTP, UDP and SCTP for tests of networks. Models test/images/agnhost/netexec. */
import { randomText } from './random-text.ts'
import { Pipe } from '../io.ts'
import { SIGNALS, type Process } from '../process.ts'
import { ROOT } from '../vfs.ts'
import { requestHttp } from '../http-client.ts'
import { parseDuration } from '../../../apimachinery/go-duration.ts'
import { parseFlags } from './flags.ts'
import { bodyOf, reply, say, serve, serveDatagrams, type Exchange, type Handler } from './web.ts'

const DIAL_TIMEOUT_MS = 5000

export async function netexec(process: Process): Promise<number> {
  const flags = parseFlags(process.args)
  const httpPort = flags.number('http-port', 8080)
  const { sandbox } = process
  let exit: (code: number) => void = () => {}
  const exited = new Promise<number>((resolve) => (exit = resolve))
  const state = { isEnding: false }
  process.handlers.set(SIGNALS.TERM ?? 15, () => {
    state.isEnding = true
    const delay = flags.number('delay-shutdown', 0)
    if (delay > 0) say(process, `Sleeping ${delay} seconds before terminating...`)
    process.clock.after(delay * 1000, () => exit(0))
  })
  const datagram = (port: number, remote: string) => (text: string) => command(process, text, { port, remote })
  for (const [protocol, port] of [['UDP', flags.number('udp-port', 8081)], ['SCTP', flags.number('sctp-port', -1)]] as const) {
    if (port < 0) continue
    sandbox.listen(port, protocol, ({ stream, remoteAddress, remotePort }) => serveDatagrams(stream, datagram(port, `${remoteAddress}:${remotePort}`)))
    say(process, `Started ${protocol} server on port ${port}`)
  }
  const routes = handlers(process, { httpPort, exit, state })
  const override = flags.get('http-override')
  const cert = flags.get('tls-cert-file')
  const read = async (path: string) => (await sandbox.fs.readFile(process.path(path), ROOT)).toString()
  const tls = cert ? { tls: { cert: await read(cert), key: await read(flags.get('tls-private-key-file') ?? '') } } : {}
  serve(process, httpPort, override === undefined ? routes : { '/': overridden(override, routes) }, tls)
  say(process, `Started HTTP server on port ${httpPort}`)
  return process.block(exited)
}

function overridden(path: string, routes: Readonly<Record<string, Handler>>): Handler {
  const url = new URL(path, 'http://localhost')
  return (exchange) => (routes[url.pathname] ?? routes['/'])?.({ ...exchange, url, query: url.searchParams })
}

function command(process: Process, text: string, { port, remote }: { port: number; remote: string }): string {
  const [name = '', ...words] = text.trim().split(' ')
  switch (name.toLowerCase()) {
    case 'hostname':
      return process.sandbox.hostname
    case 'echo':
      return words.join(' ')
    case 'clientip':
      return remote
    case 'serverport':
      return String(port)
    default:
      return ''
  }
}

interface NetexecState {
  httpPort: number
  exit(code: number): void
  state: { isEnding: boolean }
}

function handlers(process: Process, { httpPort, exit, state }: NetexecState): Record<string, Handler> {
  const { hostname, clock } = process.sandbox
  const peer = ({ request }: Exchange) => {
    const { remoteAddress, remotePort } = request.socket as { remoteAddress?: string; remotePort?: number }
    return `${remoteAddress}:${remotePort}`
  }
  const host: Handler = ({ response }) => {
    say(process, 'GET /hostname')
    reply(response, 200, hostname)
  }
  return {
    '/': ({ response }) => {
      say(process, 'GET /')
      reply(response, 200, `NOW: ${new Date(clock.now()).toISOString().replace('T', ' ').replace('Z', '000000 +0000 UTC')}`)
    },
    '/clientip': (exchange) => reply(exchange.response, 200, peer(exchange)),
    '/serverport': ({ response }) => reply(response, 200, String(httpPort)),
    '/hostname': host,
    '/hostName': host,
    '/echo': ({ response, query }) => {
      say(process, `GET /echo?msg=${query.get('msg') ?? ''}&code=${query.get('code') ?? ''}`)
      reply(response, Number(query.get('code') || 200), query.get('msg') ?? '')
    },
    '/header': ({ request, response, query }) => {
      const key = query.get('key')
      const all: Record<string, string[]> = {}
      for (let i = 0; i < request.rawHeaders.length; i += 2) (all[request.rawHeaders[i] ?? ''] ??= []).push(request.rawHeaders[i + 1] ?? '')
      reply(response, 200, key ? String(request.headers[key.toLowerCase()] ?? '') : JSON.stringify(all))
    },
    '/healthz': ({ response }) => reply(response, 200, ''),
    '/readyz': ({ response }) => (state.isEnding ? reply(response, 503, 'shutting down') : reply(response, 200, 'ok')),
    '/redirect': ({ response, query }) => reply(response, Number(query.get('code') || 302), '', { Location: query.get('location') ?? '' }),
    '/shutdown': () => exit(0),
    '/exit': ({ response, query }) => {
      const waitMs = Number(parseDuration(query.get('wait') || '0')) / 1e6
      clock.after(waitMs, () => exit(Number(query.get('code') || 0)))
      if (query.get('timeout')) reply(response, 200, '')
    },
    '/shell': (exchange) => shell(process, exchange),
    '/upload': (exchange) => upload(process, exchange),
    '/dial': (exchange) => dial(process, exchange),
  }
}

async function shell(process: Process, { request, response, query }: Exchange): Promise<void> {
  const form = request.method === 'POST' ? new URLSearchParams((await bodyOf(request)).toString()) : query
  const script = form.get('shellCommand') ?? form.get('cmd') ?? query.get('shellCommand') ?? query.get('cmd') ?? ''
  say(process, `GET /shell?cmd=${script}`)
  const pipe = new Pipe()
  const started = process.sandbox.start({ argv: ['/bin/sh', '-c', script], env: process.env, cwd: process.cwd, cred: process.cred, fds: new Map([[0, { take: () => null }], [1, pipe.writer], [2, { put: pipe.writer.put, drained: pipe.writer.drained }]]) })
  if ('problem' in started) return reply(response, 417, JSON.stringify({ error: started.problem }))
  const chunks: Buffer[] = []
  for (;;) {
    const got = pipe.reader.take?.(65_536)
    if (got === null) break
    if (got) chunks.push(got)
    else await pipe.reader.readable?.()
  }
  const code = await started.process.exited
  const output = { output: Buffer.concat(chunks).toString(), ...(code === 0 ? {} : { error: `exit status ${code}` }) }
  reply(response, code === 0 ? 200 : 417, JSON.stringify(output))
}

async function upload(process: Process, { request, response }: Exchange): Promise<void> {
  const body = await bodyOf(request)
  const [, boundary = ''] = /boundary="?([^";]+)/.exec(request.headers['content-type'] ?? '') ?? []
  const start = body.indexOf('\r\n\r\n')
  const end = body.lastIndexOf(`\r\n--${boundary}`)
  if (!boundary || start < 0 || end < start) return reply(response, 500, JSON.stringify({ error: 'Unable to upload file.' }))
  const name = `/uploads/upload${randomText(process, 9)}`
  process.sandbox.fs.writeFile(name, body.subarray(start + 4, end), { cred: process.cred, mode: 0o600 })
  reply(response, 201, JSON.stringify({ output: name.slice('/uploads/'.length) }))
}

async function dial(process: Process, { response, query }: Exchange): Promise<void> {
  const request = query.get('request') ?? ''
  if (!request) return reply(response, 400, 'request parameter not specified. <nil>\n')
  const tries = Number(query.get('tries') || 1)
  if (!(tries >= 0 && tries <= 10_000)) return reply(response, 400, `tries parameter is invalid. strconv.Atoi: parsing "${query.get('tries')}": invalid syntax\n`)
  const target = { host: query.get('host') ?? '', port: Number(query.get('port')) }
  const protocol = (query.get('protocol') || 'http').toLowerCase()
  const responses: string[] = []
  const errors: string[] = []
  for (let i = 0; i < tries; i++) {
    try {
      responses.push(protocol === 'http' ? await dialHttp(process, target, request) : await dialDatagram(process, target, { request, protocol }))
    } catch (error) {
      errors.push(error instanceof Error ? error.message : String(error))
    }
  }
  reply(response, 200, JSON.stringify({ ...(responses.length > 0 ? { responses } : {}), ...(errors.length > 0 ? { errors } : {}) }))
}

interface Target {
  host: string
  port: number
}

async function dialHttp({ sandbox }: Process, target: Target, request: string): Promise<string> {
  const { clock, network, party } = sandbox
  const answer = await requestHttp({ connect: () => network.connect(party, target, { timeoutMs: DIAL_TIMEOUT_MS }), clock, timeoutMs: DIAL_TIMEOUT_MS, path: `/${request}`, headers: { Host: `${target.host}:${target.port}`, Connection: 'close' }, maxBytes: 1 << 20 })
  return answer.body.toString()
}

async function dialDatagram({ sandbox }: Process, target: Target, { request, protocol }: { request: string; protocol: string }): Promise<string> {
  const { clock, network, party } = sandbox
  const stream = await network.connect(party, target, { protocol: protocol === 'sctp' ? 'SCTP' : 'UDP', timeoutMs: DIAL_TIMEOUT_MS })
  try {
    stream.write(Buffer.from(request))
    return await Promise.race([
      new Promise<string>((resolve, reject) => {
        stream.once('data', (data: Buffer) => resolve(data.toString().trim()))
        stream.once('error', reject)
      }),
      clock.sleep(DIAL_TIMEOUT_MS).then(() => Promise.reject(new Error(`reading from ${protocol} connection failed. err:'read ${protocol} ${target.host}:${target.port}: i/o timeout'`))),
    ])
  } finally {
    stream.destroy()
  }
}

