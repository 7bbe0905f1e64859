/** nginx: reads its configuration, serves files, answers and passes on what `location` says. Models nginx as charts use it. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { requestHttp } from '../http-client.ts'
import { serveHttp } from '../http-server.ts'
import { FsError } from '../nodes.ts'
import { includeAll, locationFor, NginxError, parseNginx, type Directive } from '../nginx-conf.ts'
import { SIGNALS, type Process, type Program } from '../process.ts'
import { Pattern } from '../shell/pattern.ts'
import { strftime } from '../strftime.ts'
import { contentOf, join, normalize } from '../vfs.ts'
import { bodyOf } from '../agnhost/web.ts'
import { NetworkError } from '../../../network/network.ts'

const VERSION = 'nginx/1.29.0'
const TYPES: Readonly<Record<string, string>> = { html: 'text/html', htm: 'text/html', css: 'text/css', js: 'application/javascript', json: 'application/json', txt: 'text/plain', svg: 'image/svg+xml', png: 'image/png', xml: 'text/xml' }
const PROXY_TIMEOUT_MS = 60_000
const MAX_PROXIED = 16 * 1024 * 1024

async function nginx(process: Process): Promise<number> {
  const flag = (name: string) => process.args[process.args.indexOf(name) + 1]
  const file = process.args.includes('-c') ? (flag('-c') ?? '') : '/etc/nginx/nginx.conf'
  if (process.args.includes('-v')) {
    await process.err(`nginx version: ${VERSION}\n`)
    return 0
  }
  if (process.args.includes('-s')) {
    process.sandbox.main?.signal((flag('-s') === 'reload' ? SIGNALS.HUP : SIGNALS.QUIT) ?? 3)
    return 0
  }
  let servers: Directive[]
  try {
    servers = await configuration(process, file)
  } catch (error) {
    if (!(error instanceof NginxError)) throw error
    await process.err(`${strftime('%Y/%m/%d %H:%M:%S', process.clock.now())} [emerg] 1#1: ${error.message}\nnginx: [emerg] ${error.message}\n`)
    return 1
  }
  if (process.args.includes('-t')) {
    await process.err(`nginx: the configuration file ${file} syntax is ok\nnginx: configuration file ${file} test is successful\n`)
    return 0
  }
  const ended = new Promise<number>((resolve) => {
    for (const name of ['TERM', 'INT', 'QUIT'] as const) process.handlers.set(SIGNALS[name] ?? 15, () => resolve(0))
  })
  let listeners = listen(process, servers)
  process.handlers.set(SIGNALS.HUP ?? 1, () => {
    void configuration(process, file).then((reloaded) => {
      for (const listener of listeners) listener.close()
      listeners = listen(process, reloaded)
    }, () => {})
  })
  for (const line of ['using the "epoll" event method', VERSION, 'start worker processes']) await notice(process, line)
  return process.block(ended)
}

function notice(process: Process, text: string): Promise<void> {
  return process.err(`${strftime('%Y/%m/%d %H:%M:%S', process.clock.now())} [notice] ${process.pid}#${process.pid}: ${text}\n`)
}

async function configuration(process: Process, file: string): Promise<Directive[]> {
  const { fs } = process.sandbox
  const read = async (pattern: string) => {
    const path = normalize(pattern, '/etc/nginx')
    const slash = path.lastIndexOf('/')
    if (!path.includes('*')) return fs.tryResolve(path) ? [{ path, text: (await fs.readFile(path, process.cred)).toString() }] : []
    if (!fs.tryResolve(path.slice(0, slash))) return []
    const matcher = new Pattern(path.slice(slash + 1))
    const names = fs.list(path.slice(0, slash)).map(([name]) => name).filter((name) => matcher.matches(name) && !name.startsWith('.'))
    return Promise.all(names.map(async (name) => ({ path: join(path.slice(0, slash), name), text: (await fs.readFile(join(path.slice(0, slash), name), process.cred)).toString() })))
  }
  const [main] = await read(file)
  if (!main) throw new NginxError(`open() "${file}" failed (2: No such file or directory)`)
  const all = await includeAll(parseNginx(main.text, main.path), read)
  return all.filter((d) => d.name === 'http').flatMap((d) => (d.block ?? []).filter((b) => b.name === 'server' || b.name === 'upstream'))
}

function listen(process: Process, all: readonly Directive[]) {
  const upstreams = new Map(all.filter((d) => d.name === 'upstream').map((d) => [d.args[0] ?? '', d]))
  const byPort = new Map<number, Directive[]>()
  for (const server of all.filter((d) => d.name === 'server')) {
    const listens = (server.block ?? []).filter((d) => d.name === 'listen').map((d) => d.args[0] ?? '80')
    for (const address of listens.length > 0 ? listens : ['80']) {
      if (address.startsWith('[')) continue
      const port = Number(address.split(':').at(-1))
      byPort.set(port, [...(byPort.get(port) ?? []), server])
    }
  }
  return [...byPort].map(([port, servers]) => serveHttp(process.sandbox, port, (request, response) => {
    const host = (request.headers.host ?? '').split(':')[0] ?? ''
    const server = servers.find((s) => (s.block ?? []).some((d) => d.name === 'server_name' && d.args.some((n) => new Pattern(n).matches(host)))) ?? servers[0]
    if (server) void answer({ process, server, upstreams, request, response }).catch(() => response.destroy())
  }))
}

interface Exchange {
  process: Process
  server: Directive
  upstreams: ReadonlyMap<string, Directive>
  request: IncomingMessage
  response: ServerResponse
}

async function answer(exchange: Exchange): Promise<void> {
  const { process, server, request } = exchange
  void process.sandbox.tick(50)
  const [path = '/'] = (request.url ?? '/').split('?')
  const location = locationFor(server, decodeURIComponent(path))
  const find = (name: string) => [...(location?.block ?? []), ...(server.block ?? [])].find((d) => d.name === name)
  const returned = find('return')
  if (returned) return respond(exchange, Number(returned.args[0]), fill(returned.args[1] ?? '', exchange), find)
  const proxied = location?.block?.find((d) => d.name === 'proxy_pass')
  if (proxied) return pass(exchange, proxied.args[0] ?? '', location?.args.at(-1) ?? '/')
  const alias = location?.block?.find((d) => d.name === 'alias')?.args[0]
  const root = find('root')?.args[0] ?? '/etc/nginx/html'
  const placeOf = (p: string) => (alias === undefined ? join(root, normalize(p)) : join(alias, normalize(p.slice((location?.args.at(-1) ?? '').length))))
  const tries = find('try_files')?.args ?? ['$uri']
  for (const candidate of tries) {
    if (/^=\d+$/.test(candidate)) return respond(exchange, Number(candidate.slice(1)), '', find)
    const file = fileAt(process, placeOf(candidate.replace('$uri', decodeURIComponent(path))), find('index')?.args ?? ['index.html'])
    if (file === 'forbidden') return respond(exchange, 403, '', find)
    if (file) return respond(exchange, 200, await contentOf(file.node), find, TYPES[file.path.slice(file.path.lastIndexOf('.') + 1)] ?? 'application/octet-stream')
  }
  await process.err(`${strftime('%Y/%m/%d %H:%M:%S', process.clock.now())} [error] 29#29: *1 open() "${placeOf(path)}" failed (2: No such file or directory), client: ${peer(request)}, server: localhost, request: "${request.method} ${request.url} HTTP/1.1", host: "${request.headers.host ?? ''}"\n`)
  return respond(exchange, 404, '', find)
}

function fileAt(process: Process, path: string, index: readonly string[]) {
  const { fs } = process.sandbox
  const found = fs.tryResolve(path)
  const file = found?.node.kind === 'dir' ? index.map((name) => fs.tryResolve(join(found.path, name))).find((f) => f !== undefined) : found
  if (!file) return found ? 'forbidden' : undefined
  try {
    fs.allow(file.node, 4, process.cred)
    return file
  } catch (error) {
    if (error instanceof FsError) return 'forbidden'
    throw error
  }
}

const REASONS: Readonly<Record<number, string>> = { 301: 'Moved Permanently', 302: 'Found', 403: 'Forbidden', 404: 'Not Found', 500: 'Internal Server Error', 502: 'Bad Gateway', 503: 'Service Temporarily Unavailable', 504: 'Gateway Time-out' }

async function respond(exchange: Exchange, status: number, body: string | Buffer, find: (name: string) => Directive | undefined, type?: string): Promise<void> {
  const { process, request, response } = exchange
  const isRedirect = status >= 301 && status <= 308 && status !== 304
  const headers: Record<string, string> = { Server: VERSION, ...(isRedirect ? { Location: body.toString() } : {}) }
  const page = REASONS[status] !== undefined && (isRedirect || body.length === 0)
  const bytes = page ? Buffer.from(`<html>\r\n<head><title>${status} ${REASONS[status]}</title></head>\r\n<body>\r\n<center><h1>${status} ${REASONS[status]}</h1></center>\r\n<hr><center>${VERSION}</center>\r\n</body>\r\n</html>\r\n`) : Buffer.from(body)
  const added = find('add_header')
  if (added) headers[added.args[0] ?? ''] = fill(added.args[1] ?? '', exchange)
  response.writeHead(status, { ...headers, 'Content-Type': type ?? (page ? 'text/html' : (find('default_type')?.args[0] ?? 'text/plain')), 'Content-Length': bytes.length })
  response.end(request.method === 'HEAD' ? undefined : bytes)
  await note(process, request, { status, length: bytes.length })
}

function fill(text: string, { request, process }: Exchange): string {
  const known: Record<string, string> = { host: (request.headers.host ?? '').split(':')[0] ?? '', hostname: process.sandbox.hostname, request_uri: request.url ?? '', uri: (request.url ?? '').split('?')[0] ?? '', remote_addr: peer(request), scheme: 'http', server_addr: process.sandbox.party.ip, request_method: request.method ?? '' }
  return text.replace(/\$\{?(\w+)\}?/g, (all, name: string) => known[name] ?? all).replaceAll('\\n', '\n')
}

async function pass(exchange: Exchange, target: string, prefix: string): Promise<void> {
  const { process, upstreams, request, response } = exchange
  const url = new URL(fill(target, exchange))
  const upstream = upstreams.get(url.hostname)
  const servers = (upstream?.block ?? []).filter((d) => d.name === 'server').map((d) => d.args[0] ?? '')
  const chosen = servers[process.sandbox.random.int(Math.max(1, servers.length))]
  const [host = '', port] = chosen === undefined ? [url.hostname, url.port] : chosen.split(':')
  const hasPath = /^\w+:\/\/[^/]+\//.test(target)
  const path = hasPath ? `${url.pathname}${(request.url ?? '/').slice(prefix.length)}` : (request.url ?? '/')
  const { network, party, clock } = process.sandbox
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(request.headers)) if (typeof value === 'string' && name !== 'connection' && name !== 'content-length') headers[name] = value
  try {
    const body = await bodyOf(request)
    const result = await requestHttp({ connect: () => network.connect(party, { host, port: Number(port || 80) }, { timeoutMs: PROXY_TIMEOUT_MS }), clock, timeoutMs: PROXY_TIMEOUT_MS, path, method: request.method ?? 'GET', headers: { ...headers, host: url.host, Connection: 'close' }, ...(body.length > 0 ? { body } : {}), maxBytes: MAX_PROXIED })
    const kept = Object.entries(result.headers).filter(([name]) => !['connection', 'transfer-encoding', 'keep-alive', 'content-length'].includes(name))
    response.writeHead(result.status, { ...Object.fromEntries(kept), Server: VERSION, 'Content-Length': result.body.length })
    response.end(request.method === 'HEAD' ? undefined : result.body)
    await note(process, request, { status: result.status, length: result.body.length })
  } catch (error) {
    if (response.headersSent) return
    await process.err(`${strftime('%Y/%m/%d %H:%M:%S', clock.now())} [error] 29#29: *1 ${error instanceof NetworkError && error.code === 'ENOTFOUND' ? `${host} could not be resolved (3: Host not found)` : 'connect() failed (111: Connection refused) while connecting to upstream'}, client: ${peer(request)}, request: "${request.method} ${request.url} HTTP/1.1", upstream: "${url.href}"\n`)
    await respond(exchange, 502, '', () => undefined)
  }
}

function peer({ socket }: IncomingMessage): string {
  return (socket as { remoteAddress?: string }).remoteAddress ?? '-'
}

async function note(process: Process, request: IncomingMessage, { status, length }: { status: number; length: number }): Promise<void> {
  const { method, url, headers } = request
  await process.out(`${peer(request)} - - [${strftime('%d/%b/%Y:%H:%M:%S %z', process.clock.now())}] "${method} ${url} HTTP/1.1" ${status} ${length} "${headers.referer ?? '-'}" "${headers['user-agent'] ?? '-'}" "${String(headers['x-forwarded-for'] ?? '-')}"\n`)
}

export default { nginx } satisfies Record<string, Program>
