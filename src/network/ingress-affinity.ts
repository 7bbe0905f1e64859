/** A cookie by which a client keeps the endpoint it had. Models ingress-nginx's annotations affinity and session-cookie-*. */
import { createHash } from 'node:crypto'
import type { Ingress } from '../../schemas/types.ts'
import type { Random } from '../clock.ts'
import { annotation, cookieValue } from './ingress-annotations.ts'
import type { Backend } from './service-proxy.ts'

const DEFAULT_NAME = 'INGRESSCOOKIE'

export interface Sticky {
  backend: Backend | undefined
  /** To be set, where the client brought none. */
  cookie?: string
}

export function usesAffinity(ingress: Ingress): boolean {
  return annotation(ingress, 'affinity') === 'cookie'
}

/** @param cookies as the client sent them */
export function stick(ingress: Ingress, cookies: string | undefined, { backends, random, nowMs }: { backends: readonly Backend[]; random: Random; nowMs: number }): Sticky {
  const name = annotation(ingress, 'session-cookie-name') ?? DEFAULT_NAME
  const known = cookieValue(cookies, name)
  const value = known ?? `${Math.floor(nowMs / 1000)}.${nowMs % 1000}.${random.int(100)}.${random.int(1_000_000)}|${createHash('md5').update(`${ingress.metadata.namespace}/${ingress.metadata.name}`).digest('hex')}`
  const backend = chosen(value, backends)
  return known === undefined ? { backend, cookie: `${name}=${value}${attributes(ingress, nowMs)}` } : { backend }
}

/** The one with the highest hash: a client is moved only when its own goes. */
function chosen(value: string, backends: readonly Backend[]): Backend | undefined {
  const weight = ({ ip, port }: Backend) => createHash('md5').update(`${value} ${ip}:${port}`).digest('hex')
  return backends.map((backend) => ({ backend, hash: weight(backend) })).sort((a, b) => (a.hash < b.hash ? 1 : -1))[0]?.backend
}

function attributes(ingress: Ingress, nowMs: number): string {
  const said = (name: string) => annotation(ingress, `session-cookie-${name}`)
  const expires = Number(said('expires') ?? NaN)
  return [
    ...(Number.isFinite(expires) ? [`Expires=${new Date(nowMs + expires * 1000).toUTCString()}`] : []),
    ...(said('max-age') === undefined ? [] : [`Max-Age=${said('max-age')}`]),
    `Path=${said('path') ?? '/'}`,
    ...(said('domain') === undefined ? [] : [`Domain=${said('domain')}`]),
    ...(said('secure') === 'true' ? ['Secure'] : []),
    'HttpOnly',
    ...(said('samesite') === undefined ? [] : [`SameSite=${said('samesite')}`]),
  ].map((attribute) => `; ${attribute}`).join('')
}
