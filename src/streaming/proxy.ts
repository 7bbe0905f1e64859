/**
 * The `proxy` of pods and services: requests are made anew to an address inside the cluster. Models UpgradeAwareHandler of
 * k8s.io/apimachinery/pkg/util/proxy, and the ResourceLocation of pods and services.
 */
import http from 'node:http'
import type { Duplex } from 'node:stream'
import { connect as tlsConnect } from 'node:tls'
import { splitSchemeNamePort } from '../../api/core/v1/_pod-connect.ts'
import { CLIENT_ONLY, endToEndHeaders, joinConnections, upgradeHead } from '../apimachinery/http-proxying.ts'
import { isUpgradeRequest, type ApiRequest, type ApiResponse, type StreamSink } from '../apiserver/request.ts'
import type { Connection, Connector } from '../apiserver/subresources/create.ts'
import { notFound, StatusError } from '../errors.ts'
import type { Endpoints, Node, Pod, Service } from '../../schemas/types.ts'
import { rewriteHtml, rewriteLink, type ProxyPlace } from './proxy-rewrite.ts'

/** Opens a connection to an address inside the cluster, from the API server. Rejects with an Error that has a `code`. */
export type Dial = (host: string, port: number) => Promise<Duplex>

interface Location {
  isSecure: boolean
  host: string
  port: number
}

/** Pages larger than this keep their links as they are. */
const MAX_REWRITTEN_BYTES = 8 * 1024 * 1024

/** A connection to the kubelet of a node, where one is at work. */
export type OpenKubelet = (nodeName: string) => Duplex | undefined

export function proxy(dial: Dial, openKubelet: OpenKubelet): Connector {
  return async (connection: Connection): Promise<ApiResponse> => {
    const { request, kind } = connection
    if (kind.plural === 'nodes') return nodeProxy(openKubelet, connection)
    const location = kind.plural === 'services' ? serviceLocation(connection) : podLocation(connection)
    const { prefix, path } = splitPath(connection)
    if (path === '' && (request.method === 'GET' || request.method === 'HEAD')) return { status: 301, headers: { location: `${request.path}/${queryText(request)}` }, body: [] }
    const place = { backend: `${location.host}:${location.port}`, host: request.host, prefix }
    const socket = await open(dial, location)
    if (isUpgradeRequest(request)) return upgrade(socket, connection, path)
    return forward(socket, { request, place, path })
  }
}

/** To the port of a node's kubelet. Models ResourceLocation of pkg/registry/core/node/strategy.go. */
async function nodeProxy(openKubelet: OpenKubelet, connection: Connection): Promise<ApiResponse> {
  const { ctx, info, kind, request } = connection
  const { name, port } = splitSchemeNamePort(info.name, 'node')
  const found = ctx.system.get<Node>('v1/Node', '', name)
  if (!found) throw notFound(kind.groupResource, name)
  const { prefix, path } = splitPath(connection)
  if (path === '' && (request.method === 'GET' || request.method === 'HEAD')) return { status: 301, headers: { location: `${request.path}/${queryText(request)}` }, body: [] }
  const kubeletPort = found.status?.daemonEndpoints?.kubeletEndpoint?.Port ?? 0
  const host = found.status?.addresses?.find((a) => a.type === 'InternalIP')?.address ?? name
  const socket = port === '' || Number(port) === kubeletPort ? openKubelet(name) : undefined
  const backend = `${host}:${port || kubeletPort}`
  if (!socket) throw unavailable(`error trying to reach service: dial tcp ${backend}: connect: connection refused`)
  return isUpgradeRequest(request) ? upgrade(socket, connection, path) : forward(socket, { request, place: { backend, host: request.host, prefix }, path })
}

function podLocation({ ctx, info, kind }: Connection): Location {
  const { scheme, name, port } = splitSchemeNamePort(info.name, 'pod')
  const pod = ctx.system.get<Pod>('v1/Pod', info.namespace, name)
  if (!pod) throw notFound(kind.groupResource, name)
  const declared = pod.spec.containers?.find((c) => c.ports?.length)?.ports?.[0]?.containerPort
  const isSecure = scheme === 'https'
  return { isSecure, host: pod.status?.podIPs?.[0]?.ip ?? '', port: Number(port) || declared || (isSecure ? 443 : 80) }
}

/** Any ready address of a pod behind the service's port. @throws StatusError 404, 503 */
function serviceLocation({ ctx, info, kind, api }: Connection): Location {
  const { scheme, name, port } = splitSchemeNamePort(info.name, 'service')
  const service = ctx.system.get<Service>('v1/Service', info.namespace, name)
  if (!service) throw notFound(kind.groupResource, name)
  const wanted = portName(service, port)
  const endpoints = ctx.system.get<Endpoints>('v1/Endpoints', info.namespace, name)
  if (!endpoints) throw notFound({ group: '', resource: 'endpoints' }, name)
  const subsets = endpoints.subsets ?? []
  const candidates = subsets.flatMap(({ addresses = [], ports = [] }) => {
    const at = ports.find((p) => (p.name ?? '') === wanted)?.port
    return at === undefined ? [] : addresses.filter((a) => isAddressOfPod(a, info.namespace, ctx.system)).map(({ ip = '' }) => ({ host: ip, port: at }))
  })
  const chosen = candidates[api.random.int(candidates.length)]
  if (!chosen) throw unavailable(`no endpoints available for service ${JSON.stringify(subsets.length === 0 ? name : info.name)}`)
  return { isSecure: scheme === 'https', ...chosen }
}

function portName(service: Service, port: string): string {
  if (!/^[-+]?\d+$/.test(port)) return port
  const found = service.spec?.ports?.find((p) => p.port === Number(port))
  if (!found) throw unavailable(`no service port ${Number(port)} found for service ${JSON.stringify(service.metadata.name)}`)
  return found.name ?? ''
}

type Address = NonNullable<NonNullable<Endpoints['subsets']>[number]['addresses']>[number]

/** Only addresses that are pods' own are proxied to. */
function isAddressOfPod({ ip, targetRef }: Address, namespace: string, system: Connection['ctx']['system']): boolean {
  if (targetRef?.namespace !== namespace) return false
  const pod = system.get<Pod>('v1/Pod', namespace, targetRef.name ?? '')
  return pod?.status?.podIPs?.some((at) => at.ip === ip) ?? false
}

const unavailable = (message: string): StatusError => new StatusError({ code: 503, reason: 'ServiceUnavailable', message })

function splitPath({ request, info }: Connection): { prefix: string; path: string } {
  const mark = `/${info.name}/proxy`
  const end = request.path.indexOf(mark) + mark.length
  return { prefix: request.path.slice(0, end), path: encodeURI(request.path.slice(end)).replaceAll('?', '%3F').replaceAll('#', '%23') }
}

function queryText({ query }: ApiRequest): string {
  const text = query.toString()
  return text && `?${text}`
}

async function open(dial: Dial, { isSecure, host, port }: Location): Promise<Duplex> {
  try {
    const plain = await dial(host, port)
    return isSecure ? tlsConnect({ socket: plain, rejectUnauthorized: false }) : plain
  } catch (error) {
    throw unavailable(`error trying to reach service: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function forward(socket: Duplex, { request, place, path }: { request: ApiRequest; place: ProxyPlace; path: string }): Promise<ApiResponse> {
  const headers = { ...endToEndHeaders(request.headers, CLIENT_ONLY), host: request.host, 'x-forwarded-uri': place.prefix + path }
  return new Promise((resolve, reject) => {
    const outgoing = http.request({ createConnection: () => socket as never, method: request.method, path: path + queryText(request), headers })
    request.signal.addEventListener('abort', () => outgoing.destroy())
    outgoing.once('error', (error) => reject(unavailable(`error trying to reach service: ${error.message}`)))
    outgoing.once('response', (incoming) => void respond(incoming, place).then(resolve, reject))
    outgoing.end(request.body)
  })
}

async function respond(incoming: http.IncomingMessage, place: ProxyPlace): Promise<ApiResponse> {
  const headers: ApiResponse['headers'] = endToEndHeaders(incoming.headers)
  if (typeof headers.location === 'string') headers.location = rewriteLink(headers.location, place)
  const status = incoming.statusCode ?? 502
  const isPage = /^text\/html\s*(?:;|$)/.test(incoming.headers['content-type'] ?? '') && !incoming.headers['content-encoding']
  if (!isPage || headers.location) return { status, headers, stream: (sink) => pour(incoming, sink) }
  return page(incoming, { status, headers, place })
}

async function page(incoming: http.IncomingMessage, { status, headers, place }: { status: number; headers: ApiResponse['headers']; place: ProxyPlace }): Promise<ApiResponse> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes > MAX_REWRITTEN_BYTES) return { status, headers, stream: (sink) => chunks.every((c) => sink.write(c)) && pour(incoming, sink) }
  }
  delete headers['content-length']
  return { status, headers, body: [Buffer.from(rewriteHtml(Buffer.concat(chunks).toString(), place))] }
}

/** From a backend to a client, waiting for the slower of the two. */
function pour(incoming: http.IncomingMessage, sink: StreamSink): void {
  sink.onClose(() => incoming.destroy())
  incoming.on('error', () => sink.end())
  incoming.on('data', (chunk: Buffer) => {
    if (!sink.write(chunk)) return incoming.destroy()
    if (!sink.isFull) return undefined
    incoming.pause()
    sink.onDrain(() => incoming.resume())
    return undefined
  })
  incoming.once('end', () => sink.end())
}

/** WebSockets and the like go through as they are. */
function upgrade(socket: Duplex, { request }: Connection, path: string): ApiResponse {
  return {
    status: 101,
    headers: {},
    takeOver({ socket: client, head }) {
      const { method, headers, host } = request
      socket.write(upgradeHead({ method, url: path + queryText(request), headers: { ...endToEndHeaders(headers, CLIENT_ONLY), host }, protocol: headers.upgrade ?? '' }))
      socket.write(head)
      joinConnections(client, socket)
    },
  }
}
