/** The smaller servers of agnhost. Models test/images/agnhost: liveness, serve-hostname, porter, test-webserver, grpc-health-checking. */
import type { ServerResponse } from 'node:http'
import { issueCertificate } from '../../../apimachinery/certificate.ts'
import { serveGrpcHealth } from '../grpc-health.ts'
import type { Process } from '../process.ts'
import { contentOf, join, normalize } from '../vfs.ts'
import { parseFlags } from './flags.ts'
import { klog } from './klog.ts'
import { forever, readTls, redirect, reply, say, serve, serveDatagrams, untilSignal, type Exchange } from './web.ts'

const HEALTHY_SECONDS = 10

export async function liveness(process: Process): Promise<number> {
  const startMs = process.clock.now()
  const seconds = () => (process.clock.now() - startMs) / 1000
  serve(process, 8080, {
    '/started': ({ response }) => reply(response, 200, `${seconds()}s`),
    '/healthz': ({ response }) => (seconds() > HEALTHY_SECONDS ? reply(response, 500, `error: ${seconds()}`) : reply(response, 200, 'ok')),
    '/redirect': (exchange) => redirectTwice(exchange),
  })
  return forever(process)
}

/** The place is unescaped once more than it should be. */
function redirectTwice(exchange: Exchange): void {
  const told = exchange.query.get('loc') ?? ''
  try {
    redirect(exchange, decodeURIComponent(told.replaceAll('+', ' ')))
  } catch {
    reply(exchange.response, 400, `invalid redirect: ${JSON.stringify(told)}\n`)
  }
}

export async function serveHostname(process: Process): Promise<number> {
  const flags = parseFlags(process.args, ['tcp', 'udp', 'http', 'close'])
  const port = flags.number('port', 9376)
  const { hostname } = process.sandbox
  if (flags.is('udp')) process.sandbox.listen(port, 'UDP', ({ stream }) => serveDatagrams(stream, () => hostname))
  if (flags.is('tcp')) {
    process.sandbox.listen(port, 'TCP', ({ stream }) => {
      stream.on('error', () => stream.destroy())
      stream.end(`${hostname}\n`)
    })
  } else if (flags.is('http', true)) {
    serve(process, port, {
      '/': ({ response, request }) => {
        process.fds.get(1)?.end.put?.(Buffer.from(`HTTP request from ${String((request.socket as { remoteAddress?: string }).remoteAddress)}\n`))
        reply(response, 200, hostname, flags.is('close') ? { Connection: 'close' } : {})
      },
    })
  }
  say(process, `Serving on port ${port}.`)
  return untilSignal(process)
}

/** Answers, on each port that its environment names, with what stands there. */
export async function porter(process: Process): Promise<number> {
  const isJson = parseFlags(process.args, ['json-response']).is('json-response')
  for (const [name, value] of process.env) {
    const [, kind = '', port] = /^SERVE_(?:(TLS|SCTP|UDP|TCP)_)?PORT_(\d+)$/.exec(name) ?? []
    if (port === undefined) continue
    if (kind === 'SCTP') process.sandbox.listen(Number(port), 'SCTP', ({ stream }) => void stream.end(value))
    else if (kind === 'UDP') process.sandbox.listen(Number(port), 'UDP', ({ stream }) => serveDatagrams(stream, () => value))
    else serve(process, Number(port), { '/': ({ request, response }) => answerPort(response, value, isJson ? request.method : undefined) }, kind === 'TLS' ? { tls: await porterTls(process) } : {})
  }
  return forever(process)
}

function answerPort(response: ServerResponse, value: string, method: string | undefined): void {
  if (method !== undefined) return reply(response, 200, JSON.stringify({ method, body: value }), { 'Content-Type': 'application/json' })
  reply(response, 200, value, /^\s*<(?:!--|!doctype|html|head|body|a|b|p|h1|div|table|script|title)[\s>]/i.test(value) ? { 'Content-Type': 'text/html; charset=utf-8' } : {})
}

/** The image brings a certificate for `localhost`; ours is made when it is needed. */
async function porterTls(process: Process): Promise<{ cert: string; key: string }> {
  const cert = process.env.get('CERT_FILE') || 'localhost.crt'
  if (process.env.get('CERT_FILE') || process.sandbox.fs.tryResolve(process.path(cert))) return readTls(process, { cert, key: process.env.get('KEY_FILE') || 'localhost.key' })
  return process.block(issueCertificate({ subject: 'O=Acme Co', years: 10, names: ['localhost', '127.0.0.1', '::1', 'example.com'], now: process.clock.now(), random: process.sandbox.random }))
}

export async function testWebserver(process: Process): Promise<number> {
  const port = parseFlags(process.args).number('port', 80)
  serve(process, port, {
    '/': async ({ response, url }) => {
      const { fs } = process.sandbox
      const path = normalize(decodeURIComponent(url.pathname))
      const found = fs.tryResolve(path, { cred: process.cred })
      if (!found) return reply(response, 404, '404 page not found\n')
      if (found.node.kind !== 'dir') return reply(response, 200, await contentOf(found.node))
      const index = fs.tryResolve(join(found.path, 'index.html'))
      if (index) return reply(response, 200, await contentOf(index.node), { 'Content-Type': 'text/html; charset=utf-8' })
      const links = fs.list(path, process.cred).map(([name, node]) => `<a href="${name}${node.kind === 'dir' ? '/' : ''}">${name}${node.kind === 'dir' ? '/' : ''}</a>\n`)
      reply(response, 200, `<pre>\n${links.join('')}</pre>\n`, { 'Content-Type': 'text/html; charset=utf-8' })
    },
  })
  return forever(process)
}

export async function grpcHealthChecking(process: Process): Promise<number> {
  const flags = parseFlags(process.args)
  const startMs = process.clock.now()
  let forced: 'SERVING' | 'NOT_SERVING' | undefined
  const delay = flags.number('delay-unhealthy-sec', -1)
  const service = flags.get('service') ?? ''
  const status = () => forced ?? (delay >= 0 && process.clock.now() - startMs >= delay * 1000 ? 'NOT_SERVING' : 'SERVING')
  const port = flags.number('port', 5000)
  process.sandbox.listen(port, 'TCP', ({ stream }) => serveGrpcHealth(stream, (wanted) => (wanted === '' || wanted === service ? status() : undefined)))
  serve(process, flags.number('http-port', 8080), {
    '/make-not-serving': ({ response }) => ((forced = 'NOT_SERVING'), reply(response, 200, 'Marking as not-serving')),
    '/make-serving': ({ response }) => ((forced = 'SERVING'), reply(response, 200, 'Marking as serving')),
    '/hello': ({ response }) => reply(response, 200, ''),
  })
  await process.err(klog(process, `gRPC server starting to listen on :${port}`, { place: 'grpc_health_checking.go:100' }))
  return forever(process)
}

export async function nonewprivs(process: Process): Promise<number> {
  await process.out(`Effective uid: ${process.cred.uid}\n`)
  return 0
}

