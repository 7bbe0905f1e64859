/**
 * Requests to an aggregated API server: over TLS, with the client certificate of the front proxy and headers that say who
 * asks. Models handler_proxy.go of k8s.io/kube-aggregator/pkg/apiserver and NewAuthProxyRoundTripper of client-go/transport.
 */
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import https from 'node:https'
import tls from 'node:tls'
import type { APIServiceSpec } from '../../../schemas/types.ts'
import { CLIENT_ONLY, endToEndHeaders } from '../../apimachinery/http-proxying.ts'
import type { KeyPair } from '../../auth/pki.ts'
import type { UserInfo } from '../../registry/kind.ts'
import type { ServiceEndpoint } from '../service-endpoint.ts'

/** Beside what says who asked us, what the new request has of its own. */
const WITHHELD = new RegExp(`${CLIENT_ONLY.source}|^(?:host|content-length)$`)

export interface RemoteRequest {
  method: string
  /** Path and query, undecoded. */
  url: string
  headers: Readonly<Record<string, string | string[] | undefined>>
  body?: Buffer
  user: UserInfo
  signal?: AbortSignal
  timeoutMs?: number
}

export interface RemoteTarget {
  endpoint: ServiceEndpoint
  spec: APIServiceSpec
  clientCert: KeyPair
}

/** The head of the answer; its body streams. Rejects with what the connection failed with. */
export async function askRemote({ endpoint, spec, clientCert }: RemoteTarget, request: RemoteRequest): Promise<IncomingMessage> {
  const { method, url, body, signal, timeoutMs } = request
  const socket = await openTLS({ endpoint, spec, clientCert })
  return new Promise((resolve, reject) => {
    const sent = https.request({
      createConnection: () => socket,
      method,
      path: url,
      headers: { ...forwardedHeaders(request.headers), ...userHeaders(request.user), host: `${endpoint.host}:${endpoint.port}`, ...(body?.length ? { 'content-length': body.length } : {}) },
      ...(signal ? { signal } : {}),
      ...(timeoutMs ? { timeout: timeoutMs } : {}),
    })
    sent.on('timeout', () => sent.destroy(new Error('context deadline exceeded (Client.Timeout exceeded while awaiting headers)')))
    sent.on('error', (error) => {
      socket.destroy()
      reject(error)
    })
    sent.on('response', (response) => {
      response.on('close', () => socket.destroy())
      resolve(response)
    })
    sent.end(body)
  })
}

/** A connection that is secured. Rejects with what it failed with. */
export async function openTLS({ endpoint, spec: { service, caBundle, insecureSkipTLSVerify }, clientCert }: RemoteTarget): Promise<tls.TLSSocket> {
  const inner = await endpoint.dial?.()
  const name = `${service?.name ?? ''}.${service?.namespace ?? ''}.svc`
  return new Promise((resolve, reject) => {
    const socket = tls.connect({
      ...(inner ? { socket: inner } : { host: endpoint.host, port: endpoint.port }),
      servername: name,
      cert: clientCert.cert,
      key: clientCert.key,
      ...(caBundle ? { ca: Buffer.from(caBundle, 'base64') } : {}),
      rejectUnauthorized: !insecureSkipTLSVerify,
      ALPNProtocols: ['http/1.1'],
    })
    socket.once('error', reject)
    socket.once('secureConnect', () => {
      socket.off('error', reject)
      resolve(socket)
    })
  })
}

export function forwardedHeaders(headers: RemoteRequest['headers']): OutgoingHttpHeaders {
  return endToEndHeaders(headers, WITHHELD)
}

/** Names of extras are escaped as in a URL, for headers know fewer characters. */
export function userHeaders({ name, uid, groups, extra = {} }: UserInfo): OutgoingHttpHeaders {
  return {
    'X-Remote-User': name,
    ...(uid ? { 'X-Remote-Uid': uid } : {}),
    ...(groups.length > 0 ? { 'X-Remote-Group': [...groups] } : {}),
    ...Object.fromEntries(Object.entries(extra).map(([key, values]) => [`X-Remote-Extra-${encodeURIComponent(key)}`, [...values]])),
  }
}
