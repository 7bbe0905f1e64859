/** `agnhost netexec`: servers over HTTP, UDP and SCTP for tests of networks. Models test/images/agnhost/netexec. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../../../clock.ts'
import { randomText } from './random-text.ts'
import { Pipe } from '../io.ts'
import { SIGNALS, type Process } from '../process.ts'
import type { Target } from '../../../network/network.ts'
import { parseDuration } from '../../../apimachinery/go-duration.ts'
import { parseFlags } from './flags.ts'
import { bodyOf, fetchText, formOf, peerOf, readTls, redirect, reply, say, serve, serveDatagrams, type Exchange, type Handler } from './web.ts'

const DIAL_TIMEOUT_MS = 5000

export async function netexec(process: Process): Promise<number> {
  const flags = parseFlags(process.args)
  const httpPort = flags.number('http-port', 8080)
  const { sandbox } = process
  let exit: (code: number) => void = () => {}
  const exited = new Promise<number>((resolve) => (exit = resolve))
  const state = { isEnding: false, isReady: flags.number('udp-port', 8081) >= 0 || flags.number('sctp-port', -1) >= 0 }
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
  const tls = cert ? { tls: await readTls(process, { cert, key: flags.get('tls-private-key-file') }) } : {}
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
  /** Ready is who serves datagrams. */
  state: { isEnding: boolean; isReady: boolean }
}

function handlers(process: Process, { httpPort, exit, state }: NetexecState): Record<string, Handler> {
  const { hostname, clock } = process.sandbox
  const noted = (name: string, handler: (exchange: Exchange, form: URLSearchParams) => Promise<void> | void, ...told: readonly string[]): Handler => async (exchange) => {
    const form = await formOf(exchange)
    const query = told.map((key) => `${key}=${form.get(key) ?? ''}`).join('&')
    say(process, `GET ${name}${query ? `?${query}` : ''}`)
    await handler(exchange, form)
  }
  const health: Handler = ({ response }) => reply(response, state.isReady ? 200 : 412, '')
  return {
    '/': noted('/', ({ response }) => reply(response, 200, `NOW: ${goTime(clock.now())}`)),
    '/clientip': noted('/clientip', ({ request, response }) => reply(response, 200, peerOf(request))),
    '/serverport': noted('/serverport', ({ response }) => reply(response, 200, String(httpPort))),
    '/hostname': noted('/hostname', ({ response }) => reply(response, 200, hostname)),
    '/hostName': noted('/hostName', ({ response }) => reply(response, 200, hostname)),
    '/echo': noted('/echo', ({ response }, form) => echo(response, form), 'msg', 'code'),
    '/header': noted('/header', ({ request, response }, form) => reply(response, 200, headersOf(request, form.get('key'))), 'key'),
    '/healthz': noted('/healthz', health),
    '/readyz': noted('/readyz', (exchange) => (state.isEnding ? reply(exchange.response, 503, 'shutting down') : state.isReady ? reply(exchange.response, 200, 'ok') : health(exchange))),
    '/redirect': noted('/redirect', redirectAsTold, 'location', 'code'),
    '/shutdown': noted('/shutdown', () => exit(0)),
    '/exit': noted('/exit', ({ response }, form) => leave(clock, { response, form, exit }), 'code', 'timeout', 'wait'),
    '/shell': (exchange) => shell(process, exchange),
    '/upload': noted('/upload', (exchange) => upload(process, exchange)),
    '/dial': noted('/dial', (exchange) => dial(process, exchange), 'host', 'protocol', 'port', 'request', 'tries'),
  }
}

function redirectAsTold(exchange: Exchange, form: URLSearchParams): void {
  const code = form.get('code') ?? ''
  if (code !== '' && !/^[-+]?\d+$/.test(code)) reply(exchange.response, 200, `argument 'code' must be an integer or empty, got ${JSON.stringify(code)}\n`)
  else redirect(exchange, form.get('location') ?? '', Number(code) || 302)
}

function goTime(ms: number): string {
  return new Date(ms).toISOString().replace('T', ' ').replace('Z', '000000 +0000 UTC')
}

function echo(response: ServerResponse, form: URLSearchParams): void {
  const code = form.get('code') ?? ''
  if (code !== '' && !/^\d+$/.test(code)) return reply(response, 200, `argument 'code' must be an integer or empty, got ${JSON.stringify(code)}\n`)
  reply(response, Number(code || 200), form.get('msg') ?? '')
}

function headersOf({ headers, rawHeaders }: IncomingMessage, key: string | null): string {
  if (key) return String(headers[key.toLowerCase()] ?? '')
  const all: Record<string, string[]> = {}
  for (let i = 0; i < rawHeaders.length; i += 2) (all[rawHeaders[i] ?? ''] ??= []).push(rawHeaders[i + 1] ?? '')
  return JSON.stringify(all)
}

/** Without a timeout it ends in the middle of the answer. */
function leave(clock: Clock, { response, form, exit }: { response: ServerResponse; form: URLSearchParams; exit(code: number): void }): void {
  for (const name of ['timeout', 'wait']) {
    const text = form.get(name) ?? ''
    if (text !== '' && durationMs(text) === undefined) return reply(response, 200, `argument '${name}' must be a valid golang duration or empty, got ${JSON.stringify(text)}\n`)
  }
  const code = form.get('code') ?? ''
  if (!/^\d*$/.test(code)) return reply(response, 200, `argument 'code' must be an integer [0-127] or empty, got ${JSON.stringify(code)}\n`)
  clock.after(durationMs(form.get('wait') || '0') ?? 0, () => {
    if (form.get('timeout')) reply(response, 200, '')
    exit(Number(code || 0))
  })
}

function durationMs(text: string): number | undefined {
  try {
    return Number(parseDuration(text)) / 1e6
  } catch {
    return undefined
  }
}

async function shell(process: Process, exchange: Exchange): Promise<void> {
  const { response } = exchange
  const form = await formOf(exchange)
  const script = form.get('shellCommand') || (form.get('cmd') ?? '')
  say(process, `GET /shell?cmd=${script}`)
  const pipe = new Pipe()
  const started = process.sandbox.start({ argv: ['/bin/sh', '-c', script], env: process.env, cwd: process.cwd, cred: process.cred, fds: new Map([[0, { take: () => null }], [1, pipe.writer], [2, { put: pipe.writer.put, drained: pipe.writer.drained }]]) })
  if ('problem' in started) return reply(response, 200, JSON.stringify({ error: started.problem }))
  const chunks: Buffer[] = []
  for (;;) {
    const got = pipe.reader.take?.(65_536)
    if (got === null) break
    if (got) chunks.push(got)
    else await pipe.reader.readable?.()
  }
  const code = await started.process.exited
  const text = Buffer.concat(chunks).toString()
  reply(response, 200, JSON.stringify({ ...(text === '' ? {} : { output: text }), ...(code === 0 ? {} : { error: `exit status ${code}` }) }))
}

async function upload(process: Process, { request, response }: Exchange): Promise<void> {
  const body = await bodyOf(request)
  const [, boundary = ''] = /boundary="?([^";]+)/.exec(request.headers['content-type'] ?? '') ?? []
  const start = body.indexOf('\r\n\r\n')
  const end = body.lastIndexOf(`\r\n--${boundary}`)
  if (!boundary || start < 0 || end < start) return reply(response, 500, JSON.stringify({ error: 'Unable to upload file.' }))
  const name = `/uploads/upload${randomText(process, 9)}`
  process.sandbox.fs.writeFile(name, body.subarray(start + 4, end), { cred: process.cred, mode: 0o700 })
  say(process, `Wrote upload to ${name}`)
  reply(response, 201, JSON.stringify({ output: name }))
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
      responses.push(protocol === 'http' ? (await fetchText(process, target, request)).text : await dialDatagram(process, target, { request, protocol }))
    } catch (error) {
      errors.push(error instanceof Error ? error.message : String(error))
    }
  }
  reply(response, 200, JSON.stringify({ ...(responses.length > 0 ? { responses } : {}), ...(errors.length > 0 ? { errors } : {}) }))
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

