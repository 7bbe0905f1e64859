/**
 * Who may pass an Ingress that asks for a password, or that asks another server first. Models ingress-nginx's annotations auth-type
 * (basic, by a Secret) and auth-url.
 */
import http, { type IncomingMessage, type OutgoingHttpHeaders } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Ingress, Secret } from '../../schemas/types.ts'
import { endToEndHeaders } from '../apimachinery/http-proxying.ts'
import { annotation, type Answer } from './ingress-annotations.ts'
import { parseHtpasswd, verifyPassword } from './htpasswd.ts'

const TIMEOUT_MS = 60_000
const UNAVAILABLE: Answer = { status: 503, text: '503 Service Temporarily Unavailable' }
const SERVER_ERROR: Answer = { status: 500, text: '500 Internal Server Error' }

export interface AuthParts {
  secret(namespace: string, name: string): Secret | undefined
  connect(target: { host: string; port: number }): Promise<Duplex>
}

/** What is asked: with its scheme, and its host as the client wrote it. */
export interface AuthRequest {
  request: IncomingMessage
  scheme: string
  host: string
}

/** Refused with an answer, or let through with headers for the backend. */
export type Verdict = { answer: Answer } | { headers: OutgoingHttpHeaders }

export async function verdictOn(ingress: Ingress, asked: AuthRequest, parts: AuthParts): Promise<Verdict> {
  const refused = await basic(ingress, asked.request, parts)
  return refused ? { answer: refused } : external(ingress, asked, parts)
}

async function basic(ingress: Ingress, { headers }: IncomingMessage, { secret: secretOf }: AuthParts): Promise<Answer | undefined> {
  const type = annotation(ingress, 'auth-type')
  if (type === undefined) return undefined
  const [name = '', namespace = ingress.metadata.namespace ?? ''] = (annotation(ingress, 'auth-secret') ?? '').split('/').reverse()
  const secret = type === 'basic' ? secretOf(namespace, name) : undefined
  if (!secret) return UNAVAILABLE
  const data = Object.entries(secret.data ?? {}).map(([key, value]): [string, string] => [key, Buffer.from(value, 'base64').toString()])
  const users = annotation(ingress, 'auth-secret-type') === 'auth-map' ? new Map(data) : parseHtpasswd(data.find(([key]) => key === 'auth')?.[1] ?? '')
  const [, encoded = ''] = /^Basic\s+(\S+)$/i.exec(headers.authorization ?? '') ?? []
  const given = Buffer.from(encoded, 'base64').toString()
  const at = given.indexOf(':')
  const hash = at < 0 ? undefined : users.get(given.slice(0, at))
  const isRight = hash === undefined ? false : await verifyPassword(given.slice(at + 1), hash)
  if (isRight === undefined) return SERVER_ERROR
  if (isRight) return undefined
  return { status: 401, text: '401 Authorization Required', headers: { 'www-authenticate': `Basic realm="${annotation(ingress, 'auth-realm') ?? 'Authentication Required'}"` } }
}

/** The other server says yes with any 2xx; a 401 or 403 of its is passed on, or leads to where one signs in. */
async function external(ingress: Ingress, { request, scheme, host }: AuthRequest, { connect }: AuthParts): Promise<Verdict> {
  const target = annotation(ingress, 'auth-url')
  if (target === undefined) return { headers: {} }
  const filled = (text: string) => text.replace(/\$(scheme|host|http_host|request_uri|escaped_request_uri)\b/g, (_, name: string) => variables[name] ?? '')
  const variables: Readonly<Record<string, string>> = { scheme, host: host.replace(/:\d+$/, ''), http_host: host, request_uri: request.url ?? '/', escaped_request_uri: encodeURIComponent(request.url ?? '/') }
  const url = URL.canParse(filled(target)) ? new URL(filled(target)) : undefined
  if (!url || url.protocol !== 'http:') return { answer: SERVER_ERROR }
  const original = `${scheme}://${host}${request.url ?? '/'}`
  const { 'content-length': _, ...headers } = endToEndHeaders(request.headers)
  const asked = { ...headers, host: url.host, 'x-original-url': original, 'x-original-method': request.method ?? 'GET', 'x-forwarded-host': host, 'x-forwarded-proto': scheme, 'x-auth-request-redirect': request.url ?? '/' }
  const said = await ask(url, { method: annotation(ingress, 'auth-method') ?? 'GET', headers: asked }, connect).catch(() => undefined)
  if (!said) return { answer: SERVER_ERROR }
  const status = said.statusCode ?? 500
  if (status >= 200 && status < 300) {
    const wanted = (annotation(ingress, 'auth-response-headers') ?? '').split(',').map((name) => name.trim().toLowerCase()).filter(Boolean)
    return { headers: Object.fromEntries(wanted.flatMap((name) => (said.headers[name] === undefined ? [] : [[name, said.headers[name]]]))) }
  }
  const signIn = annotation(ingress, 'auth-signin')
  if (status === 401 && signIn !== undefined) {
    const to = filled(signIn)
    const redirect = /[?&]rd=/.test(to) ? to : `${to}${to.includes('?') ? '&' : '?'}rd=${encodeURIComponent(original)}`
    return { answer: { status: 302, headers: { location: redirect } } }
  }
  if (status !== 401 && status !== 403) return { answer: SERVER_ERROR }
  const challenge = said.headers['www-authenticate']
  return { answer: { status, text: status === 401 ? '401 Authorization Required' : '403 Forbidden', ...(challenge ? { headers: { 'www-authenticate': challenge } } : {}) } }
}

async function ask(url: URL, { method, headers }: { method: string; headers: OutgoingHttpHeaders }, connect: AuthParts['connect']): Promise<IncomingMessage> {
  const socket = await connect({ host: url.hostname, port: Number(url.port || 80) })
  return new Promise((resolve, reject) => {
    const outgoing = http.request({ createConnection: () => socket as never, method, path: `${url.pathname}${url.search}`, headers, timeout: TIMEOUT_MS })
    outgoing.once('timeout', () => outgoing.destroy(new Error('timed out')))
    outgoing.once('error', reject)
    outgoing.once('response', (incoming) => {
      incoming.resume()
      resolve(incoming)
    })
    outgoing.end()
  })
}
