/**
 * Tokens by which machines join: `id.secret`, kept in Secrets of kube-system. Models
 * k8s.io/kubernetes/plugin/pkg/auth/authenticator/token/bootstrap and k8s.io/cluster-bootstrap/token.
 */
import { timingSafeEqual } from 'node:crypto'
import type { Secret } from '../../schemas/types.ts'
import type { Clock } from '../clock.ts'
import type { SystemReader, UserInfo } from '../registry/kind.ts'

const TOKEN = /^([a-z0-9]{6})\.([a-z0-9]{16})$/
const TYPE = 'bootstrap.kubernetes.io/token'
const GROUP = 'system:bootstrappers'
const EXTRA_GROUP = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/

/** The user of a token whose Secret is there, not about to go, not expired and meant for this. */
export function bootstrapTokens({ clock, system }: { clock: Clock; system(): SystemReader }): (token: string) => UserInfo | undefined {
  return (token) => {
    const [, id = '', secretPart = ''] = TOKEN.exec(token) ?? []
    if (!id) return undefined
    const secret = system().get<Secret>('v1/Secret', 'kube-system', `bootstrap-token-${id}`)
    if (!secret?.data || secret.metadata.deletionTimestamp || secret.type !== TYPE) return undefined
    const value = (key: string): string => Buffer.from(secret.data?.[key] ?? '', 'base64').toString()
    if (!sameText(value('token-secret'), secretPart) || value('token-id') !== id) return undefined
    if (hasExpired(value('expiration'), clock.now()) || value('usage-bootstrap-authentication') !== 'true') return undefined
    const groups = groupsOf(value('auth-extra-groups'))
    return groups && { name: `system:bootstrap:${id}`, groups }
  }
}

function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}

/** A time that cannot be read counts as past. */
function hasExpired(expiration: string, nowMs: number): boolean {
  if (expiration === '') return false
  const at = /^\d{4}-\d\d-\d\dT/.test(expiration) ? Date.parse(expiration) : NaN
  return !(at > nowMs)
}

function groupsOf(extra: string): string[] | undefined {
  if (extra === '') return [GROUP]
  const more = extra.split(',')
  return more.every((group) => EXTRA_GROUP.test(group)) ? [...new Set([GROUP, ...more])].sort() : undefined
}
