/** Subcommands of agnhost about TCP connections themselves. Models test/images/agnhost: port-forward-tester, tcp-reset, net. */
import type { Duplex } from 'node:stream'
import { isRecord } from '../../../apimachinery/json.ts'
import { NetworkError } from '../../../network/network.ts'
import { Exited, SIGNALS, type Process } from '../process.ts'
import { parseFlags } from './flags.ts'
import { bodyOf, forever, reply, say, serve, untilSignal } from './web.ts'

const LINGER_MS = 500
const MAX_CHUNK = 16 * 1024 * 1024

function accepted({ sandbox }: Process, port: number): Promise<Duplex> {
  return new Promise((resolve) => {
    const listener = sandbox.listen(port, 'TCP', ({ stream }) => {
      listener.close()
      stream.on('error', () => stream.destroy())
      resolve(stream)
    })
  })
}

async function numberOf(process: Process, name: string): Promise<number> {
  const text = process.env.get(name) ?? ''
  if (/^\d+$/.test(text)) return Number(text)
  await process.out(`Error parsing ${name} ${JSON.stringify(text)}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax\n`)
  throw new Exited(1)
}

/** Sends chunks to the first who connects, after what it expects of them. */
export async function portForwardTester(process: Process): Promise<number> {
  const stream = await process.block(accepted(process, await numberOf(process, 'BIND_PORT')))
  await process.out('Accepted client connection\n')
  const expected = process.env.get('EXPECTED_CLIENT_DATA') ?? ''
  if (expected !== '') {
    const got = await process.block(readBytes(stream, Buffer.byteLength(expected)))
    if (got.length !== Buffer.byteLength(expected)) {
      await process.out(`Expected to read ${expected.length} bytes from client, but got ${got.length} instead. err=EOF\n`)
      return 2
    }
    if (got.toString() !== expected) {
      await process.out(`Expect to read ${JSON.stringify(expected)}, but got ${JSON.stringify(got.toString())}. err=<nil>\n`)
      return 3
    }
    await process.out('Received expected client data\n')
  }
  const [chunks, size, intervalMs] = [await numberOf(process, 'CHUNKS'), Math.min(MAX_CHUNK, await numberOf(process, 'CHUNK_SIZE')), await numberOf(process, 'CHUNK_INTERVAL')]
  for (let i = 0; i < chunks; i++) {
    if (!stream.write(Buffer.alloc(size, 'x'))) await process.block(new Promise<void>((resolve) => void stream.once('drain', resolve).once('close', resolve)))
    if (i + 1 < chunks) await process.sleep(intervalMs)
  }
  await process.out('Shutting down connection\n')
  stream.end()
  await process.sleep(LINGER_MS)
  stream.destroy()
  await process.out('Done\n')
  return 0
}

/** As one read of a socket that the client fills in one write; fewer when it ends. */
function readBytes(stream: Duplex, length: number): Promise<Buffer> {
  return new Promise((resolve) => {
    let got = Buffer.alloc(0)
    const done = () => {
      stream.off('data', take)
      stream.pause()
      resolve(got.subarray(0, length))
    }
    const take = (chunk: Buffer) => {
      got = Buffer.concat([got, chunk])
      if (got.length >= length) done()
    }
    stream.on('data', take)
    stream.once('end', done).once('close', done)
  })
}

/** Resets every connection once something came by it. */
export async function tcpReset(process: Process): Promise<number> {
  const port = parseFlags(process.args).number('port', 8080)
  process.sandbox.listen(port, 'TCP', ({ stream, remoteAddress, remotePort }) => {
    stream.on('error', () => stream.destroy())
    stream.once('data', () => {
      say(process, `TCP request from ${remoteAddress}:${remotePort}`)
      stream.destroy(new NetworkError('ECONNRESET', 'connection reset by peer'))
    })
  })
  say(process, `Serving on port ${port}.\n`)
  await untilSignal(process)
  say(process, 'Shutting down after receiving signal: terminated.\n')
  say(process, 'Awaiting pod deletion.\n')
  return 0
}

type Runner = (process: Process, options: Record<string, unknown>, log: (line: string) => void) => Promise<void>

const portIn = (address: unknown) => Number(String(address).slice(String(address).lastIndexOf(':') + 1))
const seconds = (value: unknown) => (typeof value === 'number' ? value * 1000 : 0)

const RUNNERS: Readonly<Record<string, Runner>> = {
  'nat-closewait-server': async (process, { LocalAddr, PostFinTimeoutSeconds }, log) => {
    log(`Server listening on ${String(LocalAddr)}`)
    const stream = await accepted(process, portIn(LocalAddr))
    log('Client connected')
    stream.end()
    log(`Server sent FIN, waiting ${String(PostFinTimeoutSeconds)} seconds`)
    await process.sleep(seconds(PostFinTimeoutSeconds))
    stream.destroy()
    log('Done')
  },
  'nat-closewait-client': async (process, { RemoteAddr, TimeoutSeconds, PostFinTimeoutSeconds, LeakConnection }, log) => {
    const { network, party } = process.sandbox
    const address = String(RemoteAddr)
    const stream = await process.block(network.connect(party, { host: address.slice(0, address.lastIndexOf(':')), port: portIn(address) }))
    log('Connected to server')
    const end = readBytes(stream, 1)
    const got = await process.block(seconds(TimeoutSeconds) > 0 ? Promise.race([end, process.clock.sleep(seconds(TimeoutSeconds)).then(() => undefined)]) : end)
    if (got === undefined) throw new NetworkError('ETIMEDOUT', `read tcp ${address}: i/o timeout`)
    if (got.length > 0) throw new NetworkError('ECONNRESET', 'Got data but expected EOF')
    log(`Server has half-closed the connection, waiting ${String(PostFinTimeoutSeconds)} seconds`)
    await process.sleep(seconds(PostFinTimeoutSeconds))
    if (!LeakConnection) stream.destroy()
    log('Done')
  },
}

interface Outcome {
  output: string
  problem?: string
}

async function run(process: Process, name: string, options: string): Promise<Outcome> {
  const runner = RUNNERS[name]
  if (!runner) return { output: '', problem: `Invalid runner: '${name}', see --help` }
  const lines: string[] = []
  try {
    const parsed: unknown = JSON.parse(options)
    await runner(process, isRecord(parsed) ? parsed : {}, (line) => lines.push(`# ${line}\n`))
    return { output: lines.join('') }
  } catch (error) {
    if (error instanceof SyntaxError) return { output: '', problem: `Invalid options JSON: ${error.message}` }
    if (!(error instanceof NetworkError)) throw error
    return { output: lines.join(''), problem: error.message }
  }
}

/** Plays one part of a test of a connection, or waits to be told over HTTP which. */
export async function net(process: Process): Promise<number> {
  const flags = parseFlags(process.args)
  const [runner, address] = [flags.get('runner'), flags.get('serve')]
  const delay = flags.number('delay-shutdown', 0)
  if (delay > 0) process.handlers.set(SIGNALS.TERM ?? 15, () => process.clock.after(delay * 1000, () => process.kill(0)))
  if (!runner && !address) {
    say(process, 'Must set either --runner or --serve, see --help')
    return 1
  }
  if (!address) {
    const { output, problem } = await run(process, runner ?? '', flags.get('options') ?? '')
    if (problem !== undefined) say(process, `Error: ${problem}`)
    await process.out(`output:\n\n${output}`)
    return problem === undefined ? 0 : 1
  }
  serve(process, portIn(address), {
    '/': async ({ request, response, url }) => {
      const [, where, name = '', ...more] = url.pathname.split('/')
      if (where !== 'run' || more.length > 0) return reply(response, where === 'run' ? 400 : 404, `invalid request to run: ${url.pathname}\n`)
      const body = (await bodyOf(request)).toString()
      if (body === '') return reply(response, 400, 'Missing request body\n')
      const { output, problem } = await run(process, name, body)
      reply(response, problem === undefined ? 200 : 500, problem === undefined ? `ok\noutput:\n\n${output}` : `Error from runner: ${problem}\noutput:\n\n${output}\n`)
    },
  })
  say(process, `Running server on ${address}`)
  return forever(process)
}
