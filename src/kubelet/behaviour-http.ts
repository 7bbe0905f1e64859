/** Answers HTTP as an image's file says: by path and method, from texts or from files of the container. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { durationMs } from './behaviour-use.ts'
import { fill, valuesOfRequest, type Lookup } from './behaviour-values.ts'
import type { HttpAnswer } from './images.ts'
import { FsError } from './sandbox/nodes.ts'
import type { Process } from './sandbox/process.ts'
import { Pattern } from './sandbox/shell/pattern.ts'
import { strftime } from './sandbox/strftime.ts'
import { contentOf, join, normalize } from './sandbox/vfs.ts'

const MAX_BODY = 1024 * 1024

export interface Answering {
  request: IncomingMessage
  response: ServerResponse
  process: Process
  values: Lookup
  /** Tells of the request on standard output. */
  isLogged: boolean
}

export async function answer(answers: readonly HttpAnswer[], { request, response, process, values, isLogged }: Answering): Promise<void> {
  const [path = '/'] = (request.url ?? '/').split('?')
  const found = answers.find((a) => (a.method === undefined || a.method.toUpperCase() === request.method) && new Pattern(a.path ?? '*').matches(path))
  const { status, headers, body } = await content(found, path, process)
  const asked = valuesOfRequest(request, await bodyText(request))
  if (found?.delay) await process.clock.sleep(durationMs(found.delay))
  const bytes = typeof body === 'string' ? Buffer.from(fill(body, asked, values)) : body
  void process.sandbox.tick(50 + (bytes.length >> 8))
  response.writeHead(status, { 'Content-Length': bytes.length, ...Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, fill(text, asked, values)])) })
  response.end(request.method === 'HEAD' ? undefined : bytes)
  if (isLogged) process.fds.get(1)?.end.put?.(Buffer.from(accessLine(request, { status, bytes: bytes.length, nowMs: process.clock.now() })))
}

async function bodyText(request: IncomingMessage): Promise<string> {
  if (request.headers['content-length'] === undefined && request.headers['transfer-encoding'] === undefined) return ''
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes <= MAX_BODY) chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

interface Content {
  status: number
  headers: Record<string, string>
  body: string | Buffer
}

async function content(found: HttpAnswer | undefined, path: string, process: Process): Promise<Content> {
  const headers: Record<string, string> = { 'Content-Type': 'text/plain; charset=utf-8', ...found?.headers }
  if (!found) return { status: 404, headers, body: '404 page not found\n' }
  if (found.root === undefined) return { status: found.status ?? 200, headers, body: found.body ?? '' }
  const { fs } = process.sandbox
  const page = (status: number, title: string): Content => ({ status, headers: { ...headers, 'Content-Type': 'text/html' }, body: errorPage(title, headers.Server) })
  const place = fs.tryResolve(join(found.root, normalize(decoded(path))))
  const file = place?.node.kind === 'dir' ? fs.tryResolve(join(place.path, 'index.html')) : place
  if (!file) return place ? page(403, '403 Forbidden') : page(404, '404 Not Found')
  try {
    fs.allow(file.node, 4, process.cred)
    return { status: 200, headers: { ...headers, 'Content-Type': mediaType(file.path) }, body: await contentOf(file.node) }
  } catch (error) {
    if (!(error instanceof FsError)) throw error
    return page(403, '403 Forbidden')
  }
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
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
