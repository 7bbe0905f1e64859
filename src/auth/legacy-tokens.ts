/**
 * Tokens of service accounts that are kept in Secrets and never expire. They count as long as their Secret holds them, and
 * each day of use is noted on it. Models k8s.io/kubernetes/pkg/serviceaccount/legacy.go.
 */
import { timingSafeEqual } from 'node:crypto'
import type { JWTPayload } from 'jose'
import type { Secret, ServiceAccount } from '../../schemas/types.ts'
import type { SystemReader, UserInfo } from '../registry/kind.ts'

export const LEGACY_ISSUER = 'kubernetes/serviceaccount'
const PREFIX = `${LEGACY_ISSUER}/`
const LAST_USED = 'kubernetes.io/legacy-token-last-used'
const INVALID_SINCE = 'kubernetes.io/legacy-token-invalid-since'
const DAY_MS = 24 * 60 * 60 * 1000

export function legacyClaims({ namespace, name, uid }: { namespace: string; name: string; uid: string }, secretName: string): JWTPayload {
  return {
    iss: LEGACY_ISSUER,
    [`${PREFIX}namespace`]: namespace,
    [`${PREFIX}secret.name`]: secretName,
    [`${PREFIX}service-account.name`]: name,
    [`${PREFIX}service-account.uid`]: uid,
    sub: `system:serviceaccount:${namespace}:${name}`,
  }
}

/** The user of a token whose signature is right, or why it does not count. */
export function legacyUser(token: string, payload: JWTPayload, { system, nowMs }: { system: SystemReader; nowMs: number }): UserInfo | string {
  const claim = (name: string) => String(payload[PREFIX + name] ?? '')
  const [namespace, secretName, name, uid] = [claim('namespace'), claim('secret.name'), claim('service-account.name'), claim('service-account.uid')]
  const secret = system.get<Secret>('v1/Secret', namespace, secretName)
  if (!secret || secret.metadata.deletionTimestamp) return 'Token has been invalidated'
  if (!holds(secret, token)) return "Token does not match server's copy"
  const account = system.get<ServiceAccount>('v1/ServiceAccount', namespace, name)
  if (!account) return `serviceaccounts ${JSON.stringify(name)} not found`
  if (account.metadata.deletionTimestamp) return `ServiceAccount ${namespace}/${name} has been deleted`
  if (account.metadata.uid !== uid) return `ServiceAccount UID (${account.metadata.uid}) does not match claim (${uid})`
  noteUse(secret, { system, nowMs })
  if (secret.metadata.labels?.[INVALID_SINCE])
    return `the token in secret ${namespace}/${secretName} for service account ${namespace}/${name} has been marked invalid. Use tokens from the TokenRequest API or manually created secret-based tokens, or remove the '${INVALID_SINCE}' label from the secret to temporarily allow use of this token`
  return { name: `system:serviceaccount:${namespace}:${name}`, uid, groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`] }
}

function holds({ data }: Secret, token: string): boolean {
  const [kept, given] = [Buffer.from(data?.token ?? '', 'base64'), Buffer.from(token)]
  return kept.length === given.length && timingSafeEqual(kept, given)
}

function noteUse({ metadata }: Secret, { system, nowMs }: { system: SystemReader; nowMs: number }): void {
  const dateOf = (ms: number) => new Date(ms).toISOString().slice(0, 'yyyy-mm-dd'.length)
  const today = dateOf(nowMs)
  const lastUsed = metadata.labels?.[LAST_USED]
  if (lastUsed === today || lastUsed === dateOf(nowMs + DAY_MS)) return
  const { namespace = '', name = '' } = metadata
  const note = (secret: Secret): Secret => ({ ...secret, metadata: { ...secret.metadata, labels: { ...secret.metadata.labels, [LAST_USED]: today } } })
  // Who asks does not wait for the note, and is not refused when it fails.
  system.update<Secret>('v1/Secret', { namespace, name }, note).catch(() => undefined)
}
