/**
 * The controller of ingress-nginx: its health, its admission webhook, and on its ports what the Ingresses of its class say,
 * looked up with the pod's own service account. Models ingress-nginx/cmd/nginx as far as its manifest is concerned.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { issueCertificate } from '../../../apimachinery/certificate.ts'
import { isRecord } from '../../../apimachinery/json.ts'
import type { Ingress, HTTPIngressPath } from '../../../../schemas/types.ts'
import { parseFlags } from '../agnhost/flags.ts'
import { bodyOf, forever, readTls, reply, serve, type Exchange } from '../agnhost/web.ts'
import { requestHttp } from '../http-client.ts'
import { inCluster, type InCluster } from '../in-cluster.ts'
import type { Process, Program } from '../process.ts'

const FRESH_MS = 1000
const TIMEOUT_MS = 60_000
const MAX_BODY = 32 * 1024 * 1024
const NOT_FOUND = '<html>\r\n<head><title>404 Not Found</title></head>\r\n<body>\r\n<center><h1>404 Not Found</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n'

async function controller(process: Process): Promise<number> {
  const flags = parseFlags(process.args)
  const api = await inCluster(process)
  const rules = new Rules(process, api, flags.get('ingress-class') ?? 'nginx')
  await process.err('NGINX Ingress controller\n  Release:       v1.13.3\n  Repository:    https://github.com/kubernetes/ingress-nginx\n')
  const ok = ({ response }: Exchange) => reply(response, 200, 'ok')
  serve(process, flags.number('healthz-port', 10_254), { '/healthz': ok, '/is-dynamic-lb-initialized': ok, '/metrics': ({ response }) => reply(response, 200, '') })
  const [cert, key] = [flags.get('validating-webhook-certificate'), flags.get('validating-webhook-key')]
  const hook = flags.get('validating-webhook') ?? ''
  if (hook && cert && key) serve(process, Number(hook.slice(hook.lastIndexOf(':') + 1)) || 8443, { '/': admit }, { tls: await readTls(process, { cert, key }) })
  const own = await process.block(issueCertificate({ subject: 'CN=Kubernetes Ingress Controller Fake Certificate', years: 1, names: ['ingress.local'], now: process.clock.now(), random: process.sandbox.random }))
  const route = (exchange: Exchange) => forward(process, rules, exchange)
  serve(process, flags.number('http-port', 80), { '/': route })
  serve(process, flags.number('https-port', 443), { '/': route }, { tls: own })
  return forever(process)
}

async function admit({ request, response }: Exchange): Promise<void> {
  const review: unknown = JSON.parse((await bodyOf(request)).toString())
  const uid = isRecord(review) && isRecord(review.request) ? review.request.uid : undefined
  reply(response, 200, JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: { uid, allowed: true } }), { 'Content-Type': 'application/json' })
}

/** The Ingresses of the class, asked for anew when they are a second old. */
class Rules {
  readonly #process: Process
  readonly #api: InCluster
  readonly #class: string
  #known: { ingresses: Ingress[]; atMs: number } | undefined

  constructor(process: Process, api: InCluster, className: string) {
    this.#process = process
    this.#api = api
    this.#class = className
  }

  /** Where a request goes: the longest path of its host, else a default backend. */
  async target(host: string, path: string): Promise<{ host: string; port: number } | undefined> {
    const ingresses = (await this.#ingresses()).filter(({ metadata, spec }) => (spec?.ingressClassName ?? metadata.annotations?.['kubernetes.io/ingress.class']) === this.#class)
    const fitting = ingresses.flatMap(({ metadata, spec }) => (spec?.rules ?? []).filter((rule) => !rule.host || isHost(rule.host, host)).flatMap((rule) => (rule.http?.paths ?? []).filter((p) => isPath(p, path)).map((p) => ({ namespace: metadata.namespace, path: p.path ?? '/', service: p.backend?.service }))))
    const [best] = fitting.sort((a, b) => b.path.length - a.path.length)
    const fallback = ingresses.find(({ spec }) => spec?.defaultBackend?.service)
    const [namespace, service] = best ? [best.namespace, best.service] : [fallback?.metadata.namespace, fallback?.spec?.defaultBackend?.service]
    if (!service) return undefined
    return { host: `${service.name}.${namespace}.svc.cluster.local`, port: service.port?.number ?? (await this.#portNamed(namespace, service.name, service.port?.name)) }
  }

  async #portNamed(namespace = '', service = '', name = ''): Promise<number> {
    const { body } = await this.#api.call({ path: `/api/v1/namespaces/${namespace}/services/${service}` })
    const { spec } = JSON.parse(body.toString()) as { spec?: { ports?: { name?: string; port: number }[] } }
    return spec?.ports?.find((p) => p.name === name)?.port ?? 80
  }

  async #ingresses(): Promise<Ingress[]> {
    const now = this.#process.clock.now()
    if (this.#known && now - this.#known.atMs < FRESH_MS) return this.#known.ingresses
    const { status, body } = await this.#api.call({ path: '/apis/networking.k8s.io/v1/ingresses' })
    const ingresses = status === 200 ? ((JSON.parse(body.toString()) as { items?: Ingress[] }).items ?? []) : []
    this.#known = { ingresses, atMs: now }
    return ingresses
  }
}

function isHost(rule: string, host: string): boolean {
  return rule.startsWith('*.') ? host.slice(host.indexOf('.')) === rule.slice(1) : rule === host
}

function isPath({ path: wanted = '/', pathType }: HTTPIngressPath, path: string): boolean {
  if (pathType === 'Exact') return path === wanted
  const prefix = wanted.replace(/\/$/, '')
  return path === prefix || path.startsWith(`${prefix}/`)
}

async function forward(process: Process, rules: Rules, { request, response, url }: Exchange): Promise<void> {
  const [host = ''] = (request.headers.host ?? '').split(':')
  const target = await rules.target(host, url.pathname)
  if (!target) return reply(response, 404, NOT_FOUND, { 'Content-Type': 'text/html' })
  try {
    await pass(process, target, { request, response })
  } catch {
    if (!response.headersSent) reply(response, 503, NOT_FOUND.replaceAll('404 Not Found', '503 Service Temporarily Unavailable'), { 'Content-Type': 'text/html' })
  }
}

async function pass({ sandbox }: Process, target: { host: string; port: number }, { request, response }: { request: IncomingMessage; response: ServerResponse }): Promise<void> {
  const { clock, network, party } = sandbox
  const peer = (request.socket as { remoteAddress?: string }).remoteAddress ?? ''
  const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]))
  const body = await bodyOf(request)
  const answer = await requestHttp({
    connect: () => network.connect(party, target),
    clock,
    timeoutMs: TIMEOUT_MS,
    path: request.url ?? '/',
    method: request.method ?? 'GET',
    headers: { ...headers, 'X-Real-IP': peer, 'X-Forwarded-For': peer, 'X-Forwarded-Host': request.headers.host ?? '', 'X-Forwarded-Proto': 'http', connection: 'close' },
    ...(body.length > 0 ? { body } : {}),
    maxBytes: MAX_BODY,
  })
  const kept = Object.fromEntries(Object.entries(answer.headers).filter(([name]) => !/^(?:connection|transfer-encoding|content-length|keep-alive)$/.test(name)))
  response.writeHead(answer.status, { ...kept, 'Content-Length': answer.body.length }).end(answer.body)
}

export default { 'nginx-ingress-controller': controller } satisfies Record<string, Program>
