/**
 * Marks tokens that were made for ServiceAccounts by old clusters and not used for a year, and deletes them a year later.
 * Models legacy_serviceaccount_token_cleaner.go of k8s.io/kubernetes/pkg/controller/serviceaccount.
 */
import type { ConfigMap, Pod, Secret } from '../schemas/types.ts'
import { defineController, type ControllerContext, type Result } from '../src/controller/controller.ts'
import { refOf } from '../src/controller/owners.ts'
import { isStatusError } from '../src/errors.ts'
import { SECRET, accountOf, isAccountToken } from './_account-tokens.ts'

const LAST_USED = 'kubernetes.io/legacy-token-last-used'
const INVALID_SINCE = 'kubernetes.io/legacy-token-invalid-since'
const TRACKING = 'kube-apiserver-legacy-service-account-token-tracking'
const DAY_MS = 24 * 60 * 60 * 1000
const CLEAN_UP_MS = 365 * DAY_MS

export default defineController<Secret>({
  name: 'legacy-serviceaccount-token-cleaner',
  user: 'system:serviceaccount:kube-system:legacy-service-account-token-cleaner',
  manager: 'kube-controller-manager',
  for: SECRET,
  concurrency: 1,
  wakes: isAccountToken,
  reconcile,
})

async function reconcile(secret: Secret, ctx: ControllerContext): Promise<Result | void> {
  if (!isAccountToken(secret) || secret.metadata.deletionTimestamp) return
  const nowMs = ctx.clock.now()
  const { namespace = '', name = '' } = secret.metadata
  const isTracked = accountOf(secret, ctx)?.secrets?.some((s) => s.name === name) ?? false
  const since = ctx.informers.lister<ConfigMap>('v1/ConfigMap').get('kube-system', TRACKING)?.data?.since
  if (isTracked && !ctx.informers.lister<Pod>('v1/Pod').list(namespace).some((pod) => mounts(pod, name))) await act(secret, plan(secret, { since, nowMs }), ctx)
  return { requeueAfterMs: DAY_MS }
}

async function act(secret: Secret, action: CleanerAction, { client, clock }: ControllerContext): Promise<void> {
  const { uid, resourceVersion } = secret.metadata
  if (action === 'mark') {
    await client.patch(SECRET, refOf(secret), { metadata: { uid, labels: { [INVALID_SINCE]: dateOf(clock.now()) } } })
  } else if (action === 'delete') {
    try {
      await client.delete(SECRET, refOf(secret), { preconditions: { resourceVersion } })
    } catch (error) {
      if (!isStatusError(error, 'NotFound') && !isStatusError(error, 'Conflict')) throw error
    }
  }
}

export type CleanerAction = 'keep' | 'mark' | 'delete'

/** What becomes of a token that an account names and no pod mounts. @param since the date from which uses are noted */
export function plan({ metadata }: Secret, { since, nowMs }: { since: string | undefined; nowMs: number }): CleanerAction {
  const { labels, creationTimestamp = '' } = metadata
  const borderMs = nowMs - CLEAN_UP_MS
  const border = dateOf(borderMs)
  if (!since || !isDate(since) || borderMs < Date.parse(since) + DAY_MS || Date.parse(creationTimestamp) >= borderMs) return 'keep'
  const lastUsed = labels?.[LAST_USED]
  if (lastUsed !== undefined && (!isDate(lastUsed) || lastUsed >= border)) return 'keep'
  const invalidSince = labels?.[INVALID_SINCE] ?? ''
  if (!isDate(invalidSince)) return 'mark'
  return invalidSince >= border ? 'keep' : 'delete'
}

function dateOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 'yyyy-mm-dd'.length)
}

function isDate(text: string): boolean {
  return /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text))
}

function mounts(pod: Pod, secretName: string): boolean {
  return JSON.stringify(pod.spec).includes(JSON.stringify(secretName)) && secretNames(pod).includes(secretName)
}

/** The Secrets of a pod's volumes, environment and pulls. */
function secretNames({ spec }: Pod): string[] {
  const containers = [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...(spec.ephemeralContainers ?? [])]
  const names = [
    ...(spec.imagePullSecrets ?? []).map((s) => s.name),
    ...(spec.volumes ?? []).flatMap((v) => [v.secret?.secretName, ...(v.projected?.sources ?? []).map((s) => s.secret?.name), v.csi?.nodePublishSecretRef?.name]),
    ...containers.flatMap((c) => [...(c.envFrom ?? []).map((e) => e.secretRef?.name), ...(c.env ?? []).map((e) => e.valueFrom?.secretKeyRef?.name)]),
  ]
  return names.filter((n) => n !== undefined)
}
