/** Secrets that hold bootstrap tokens. Models k8s.io/cluster-bootstrap/util/secrets. */
import type { Secret } from '../schemas/types.ts'

const PREFIX = 'bootstrap-token-'
/** A date of RFC 3339. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/

export function isBootstrapToken(secret: Secret): boolean {
  return secret.type === 'bootstrap.kubernetes.io/token'
}

export function dataOf(secret: Secret, key: string): string {
  return Buffer.from(secret.data?.[key] ?? '', 'base64').toString()
}

/** For how long the token is good yet; 0 when it is not, Infinity when it does not expire. A date that cannot be read is over. */
export function leftMs(secret: Secret, nowMs: number): number {
  const expiration = dataOf(secret, 'expiration')
  if (expiration === '') return Infinity
  return TIME.test(expiration) ? Math.max(0, Date.parse(expiration) - nowMs) : 0
}

/** Id and secret of a token that may sign; undefined when it may not. */
export function signingToken(secret: Secret, nowMs: number): { id: string; secret: string } | undefined {
  const { name = '' } = secret.metadata
  const id = dataOf(secret, 'token-id')
  const value = dataOf(secret, 'token-secret')
  if (!/^bootstrap-token-[a-z0-9]{6}$/.test(name) || name !== PREFIX + id || value === '') return undefined
  return leftMs(secret, nowMs) > 0 && dataOf(secret, 'usage-bootstrap-signing') === 'true' ? { id, secret: value } : undefined
}
