/** Plays what an image's file says a program does: what it prints, when it listens, what it answers, how it ends. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Container, Node, Pod } from '../../schemas/types.ts'
import { parseDuration } from '../apimachinery/go-duration.ts'
import type { Accepted } from '../network/network.ts'
import { UNKNOWN_IMAGE, type Behaviour, type HttpAnswer, type Image, type Server } from './images.ts'
import { serveHttp } from './sandbox/http-server.ts'
import { FsError } from './sandbox/nodes.ts'
import { SIGNALS, type Process, type Program } from './sandbox/process.ts'
import { Pattern } from './sandbox/shell/pattern.ts'
import { strftime } from './sandbox/strftime.ts'
import { contentOf, join, normalize } from './sandbox/vfs.ts'

export interface BehaviourContext {
  pod: Pod
  node: Node
  container: Container
  image: Image
  isTask: boolean
}

/** The signals that a behaviour ends at, in order and with 0. */
export const ENDING: ReadonlySet<number> = new Set([SIGNALS.TERM, SIGNALS.INT, SIGNALS.QUIT, SIGNALS.HUP].filter((signal) => signal !== undefined))

/** Does nothing but wait for one of those. */
export function waitsForever({ logs, errors, startAfter, serves, exitAfter, completes }: Behaviour, isTask: boolean): boolean {
  return !logs?.length && !errors?.length && !serves?.length && startAfter === undefined && exitAfter === undefined && !(completes && isTask)
}

export function behaviourProgram(behaviour: Behaviour, context: BehaviourContext): Program {
  return async (process) => {
    const { image, pod, container, isTask } = context
    if (image.name === UNKNOWN_IMAGE) await process.out(`Orrery knows no image ${container.image}: it runs nothing${portsOf(container).length > 0 && !isTask ? ', and answers 200 on its declared ports' : ''}\n`)
    for (const line of behaviour.logs ?? []) await process.out(`${fill(line, values(pod, context, process))}\n`)
    for (const line of behaviour.errors ?? []) await process.err(`${fill(line, values(pod, context, process))}\n`)
    if (behaviour.completes && isTask) return 0
    const ended = new Promise<number>((resolve) => {
      for (const signal of ENDING) process.handlers.set(signal, () => resolve(0))
    })
    if (behaviour.startAfter) await process.sleep(durationMs(behaviour.startAfter))
    for (const server of behaviour.serves ?? []) listen(server, { behaviour, context, process })
    if (behaviour.exitAfter === undefined) return process.block(ended)
    await Promise.race([process.block(ended), process.sleep(durationMs(behaviour.exitAfter))])
    return behaviour.exitCode ?? 0
  }
}

interface Serving {
  behaviour: Behaviour
  context: BehaviourContext
  process: Process
}

function listen(server: Server, serving: Serving): void {
  const { container } = serving.context
  for (const { port, protocol } of server.port === undefined ? portsOf(container) : [{ port: server.port, protocol: 'TCP' }]) {
    if (protocol === 'UDP') serving.process.sandbox.listen(port, 'UDP', ({ stream }) => stream.pipe(stream))
    else if (server.http) serveHttp(serving.process.sandbox, port, (request, response) => void answer(server.http ?? [], { request, response, serving }).catch(() => response.destroy()))
    else serving.process.sandbox.listen(port, 'TCP', (accepted) => plain(server, accepted))
  }
}

/** Those that are declared, and those that probes and hooks ask at: many a program's health has a port that is not declared. */
function portsOf({ ports = [], livenessProbe, readinessProbe, startupProbe, lifecycle }: Container): { port: number; protocol: string }[] {
  const declared = ports.map((p) => ({ port: p.containerPort ?? 0, protocol: p.protocol ?? 'TCP' }))
  const probes = [livenessProbe, readinessProbe, startupProbe]
  const asked = [...probes, lifecycle?.postStart, lifecycle?.preStop].flatMap((handler) => [handler?.httpGet?.port, handler?.tcpSocket?.port])
  const numbers = [...asked, ...probes.map((probe) => probe?.grpc?.port)].filter((port) => typeof port === 'number')
  const others = new Set(numbers.filter((port) => !declared.some((d) => d.port === port && d.protocol === 'TCP')))
  return [...declared, ...[...others].map((port) => ({ port, protocol: 'TCP' }))]
}

function plain({ echo, banner }: Server, { stream }: Accepted): void {
  stream.on('error', () => stream.destroy())
  if (banner !== undefined) stream.write(banner)
  if (echo) stream.pipe(stream)
  else stream.resume()
  stream.on('end', () => stream.end())
}

interface Answering {
  request: IncomingMessage
  response: ServerResponse
  serving: Serving
}

async function answer(answers: readonly HttpAnswer[], { request, response, serving }: Answering): Promise<void> {
  const { process, context, behaviour } = serving
  const [path = '/'] = (request.url ?? '/').split('?')
  const found = answers.find((a) => (a.method === undefined || a.method === request.method) && new Pattern(a.path ?? '*').matches(path))
  const known = values(context.pod, context, process)
  known.set('request.path', path)
  known.set('request.method', request.method ?? '')
  known.set('request.host', request.headers.host ?? '')
  known.set('request.headers', Object.entries(request.headers).map(([k, v]) => `${k}: ${String(v)}`).join('\n'))
  const { status, headers, body } = await content(found, path, process)
  if (found?.delay) await process.clock.sleep(durationMs(found.delay))
  const bytes = typeof body === 'string' ? Buffer.from(fill(body, known)) : body
  void process.sandbox.tick(50 + (bytes.length >> 8))
  response.writeHead(status, { 'Content-Length': bytes.length, ...headers })
  response.end(request.method === 'HEAD' ? undefined : bytes)
  if (behaviour.accessLog) process.sandbox.process(process.pid)?.fds.get(1)?.end.put?.(Buffer.from(accessLine(request, { status, bytes: bytes.length, nowMs: process.clock.now() })))
}

async function content(found: HttpAnswer | undefined, path: string, process: Process): Promise<{ status: number; headers: Record<string, string>; body: string | Buffer }> {
  const headers: Record<string, string> = { 'Content-Type': 'text/plain; charset=utf-8', ...found?.headers }
  if (!found) return { status: 404, headers, body: '404 page not found\n' }
  if (found.root === undefined) return { status: found.status ?? 200, headers, body: found.body ?? '' }
  const { fs } = process.sandbox
  const place = fs.tryResolve(join(found.root, normalize(decodeURIComponent(path))))
  const file = place?.node.kind === 'dir' ? fs.tryResolve(join(place.path, 'index.html')) : place
  if (!file) return { status: place ? 403 : 404, headers: { ...headers, 'Content-Type': 'text/html' }, body: errorPage(place ? '403 Forbidden' : '404 Not Found', headers.Server) }
  try {
    fs.allow(file.node, 4, process.cred)
    return { status: 200, headers: { ...headers, 'Content-Type': mediaType(file.path) }, body: await contentOf(file.node) }
  } catch (error) {
    if (!(error instanceof FsError)) throw error
    return { status: 403, headers: { ...headers, 'Content-Type': 'text/html' }, body: errorPage('403 Forbidden', headers.Server) }
  }
}

function errorPage(title: string, server = 'server'): string {
  return `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n<hr><center>${server}</center>\r\n</body>\r\n</html>\r\n`
}

const TYPES: Readonly<Record<string, string>> = { html: 'text/html', css: 'text/css', js: 'application/javascript', json: 'application/json', txt: 'text/plain', svg: 'image/svg+xml', png: 'image/png' }

function mediaType(path: string): string {
  return TYPES[path.slice(path.lastIndexOf('.') + 1)] ?? 'application/octet-stream'
}

function accessLine({ method, url, headers, socket }: IncomingMessage, { status, bytes, nowMs }: { status: number; bytes: number; nowMs: number }): string {
  const peer = (socket as { remoteAddress?: string }).remoteAddress ?? '-'
  return `${peer} - - [${strftime('%d/%b/%Y:%H:%M:%S %z', nowMs)}] "${method} ${url} HTTP/1.1" ${status} ${bytes} "-" "${headers['user-agent'] ?? '-'}" "-"\n`
}

function values({ metadata, spec, status }: Pod, { node, container }: BehaviourContext, process: Process): Map<string, string> {
  return new Map([
    ['pod.name', metadata.name ?? ''],
    ['pod.namespace', metadata.namespace ?? ''],
    ['pod.uid', metadata.uid ?? ''],
    ['pod.ip', process.sandbox.party.ip],
    ['pod.serviceAccount', spec.serviceAccountName ?? ''],
    ['node.name', node.metadata.name ?? ''],
    ['node.ip', status?.hostIP ?? ''],
    ['container.name', container.name ?? ''],
    ['container.image', container.image ?? ''],
    ['hostname', process.sandbox.hostname],
    ['now', strftime('%Y/%m/%d %H:%M:%S', process.clock.now())],
    ...[...process.env].map(([name, value]): [string, string] => [`env.${name}`, value]),
  ])
}

function fill(text: string, known: ReadonlyMap<string, string>): string {
  return text.replace(/\{\{\s*([\w.]+)\s*\}\}/g, (_, name: string) => known.get(name) ?? '')
}

function durationMs(text: string): number {
  return Number(parseDuration(text)) / 1e6
}
