/** Somebody outside says which images pods may have. Models k8s.io/kubernetes/plugin/pkg/admission/imagepolicy. */
import path from 'node:path'
import type { Pod } from '../../schemas/types.ts'
import { formatDuration } from '../apimachinery/go-duration.ts'
import { isRecord } from '../apimachinery/json.ts'
import { remoteOfKubeconfig } from '../auth/kubeconfig-remote.ts'
import { askPatiently, type RemoteOptions } from '../auth/remote.ts'
import { VerdictStore } from '../auth/verdict-store.ts'
import type { AdmissionAttributes, AdmissionPlugin } from './chain.ts'
import { refuse } from './refuse.ts'
import { isFor } from './subject.ts'

export interface ImagePolicyConfig {
  remote: RemoteOptions
  /** How long a yes is believed. */
  allowTtlMs: number
  /** How long a no is. */
  denyTtlMs: number
  retryBackoffMs: number
  /** Whether pods are let in when nobody can be asked. */
  defaultAllow: boolean
}

const AUDIT = 'imagepolicywebhook.image-policy.k8s.io/'
const FAILED_OPEN = 'alpha.image-policy.k8s.io/failed-open'
const MILLISECOND = 1_000_000n
const SECOND = 1000n * MILLISECOND
const HALF_AN_HOUR = 1800n * SECOND

/** @throws Error in upstream's words */
export function imagePolicyConfig({ imagePolicy }: Record<string, unknown>, dir: string): ImagePolicyConfig {
  const { kubeConfigFile = '', allowTTL, denyTTL, retryBackoff, defaultAllow = false } = isRecord(imagePolicy) ? imagePolicy : {}
  const retryBackoffMs = durationMs(retryBackoff, { scale: MILLISECOND, min: 1n, max: 300n * SECOND, fallback: 500n * MILLISECOND })
  const allowTtlMs = durationMs(allowTTL, { scale: SECOND, min: SECOND, max: HALF_AN_HOUR, fallback: 300n * SECOND })
  const denyTtlMs = durationMs(denyTTL, { scale: SECOND, min: SECOND, max: HALF_AN_HOUR, fallback: 30n * SECOND })
  return { remote: remoteOfKubeconfig(path.resolve(dir, String(kubeConfigFile))), allowTtlMs, denyTtlMs, retryBackoffMs, defaultAllow: defaultAllow === true }
}

/** 0 and nothing mean the usual, -1 none. */
function durationMs(given: unknown, { scale, min, max, fallback }: { scale: bigint; min: bigint; max: bigint; fallback: bigint }): number {
  if (given === undefined || given === 0) return Number(fallback / MILLISECOND)
  if (given === -1) return 0
  const nanos = typeof given === 'number' && Number.isInteger(given) ? BigInt(given) * scale : -1n
  if (nanos < min || nanos > max) throw new Error(`valid value is between ${formatDuration(min)} and ${formatDuration(max)}, got ${formatDuration(nanos)}`)
  return Number(nanos / MILLISECOND)
}

interface ImageReviewStatus {
  allowed?: boolean
  reason?: string
  auditAnnotations?: Record<string, string>
}

/** @throws Error when there is nothing that says whom to ask */
export function imagePolicyWebhook(config: ImagePolicyConfig | undefined): AdmissionPlugin {
  if (!config) throw new Error('no config specified')
  let known: VerdictStore<ImageReviewStatus> | undefined
  return {
    name: 'ImagePolicyWebhook',
    async validate(attributes) {
      const { object, operation, ctx } = attributes
      const containers = containersOf(attributes)
      if (!object || !containers || (operation !== 'CREATE' && operation !== 'UPDATE')) return
      const annotations = Object.fromEntries(Object.entries(object.metadata.annotations ?? {}).filter(([key]) => key.includes('.image-policy.k8s.io/')))
      const spec = { containers, ...(Object.keys(annotations).length > 0 ? { annotations } : {}), namespace: attributes.namespace }
      const key = JSON.stringify(spec)
      known ??= new VerdictStore(ctx.clock)
      let status = known.get(key)
      if (!status) {
        const answer = await review(config, spec, attributes)
        if (!answer) return
        known.set(key, answer, answer.allowed ? config.allowTtlMs : config.denyTtlMs)
        status = answer
      }
      for (const [name, value] of Object.entries(status.auditAnnotations ?? {})) ctx.annotateAudit(AUDIT + name, value)
      if (!status.allowed) throw refuse(attributes, status.reason ? `image policy webhook backend denied one or more images: ${status.reason}` : 'one or more images rejected by webhook backend')
    },
  }
}

function containersOf(attributes: AdmissionAttributes): { image?: string }[] | undefined {
  const { spec } = (attributes.object ?? { spec: {} }) as Pod
  const images = (containers: readonly { image?: string }[] = []) => containers.map(({ image }) => ({ ...(image ? { image } : {}) }))
  if (isFor(attributes, 'pods')) return [...images(spec.containers), ...images(spec.initContainers)]
  return isFor(attributes, 'pods', '', 'ephemeralcontainers') ? images(spec.ephemeralContainers) : undefined
}

/** Nothing where nobody answers and that lets pods in. @throws StatusError 403 where it does not */
async function review({ remote, retryBackoffMs, defaultAllow }: ImagePolicyConfig, spec: object, attributes: AdmissionAttributes): Promise<ImageReviewStatus | undefined> {
  const { object, ctx } = attributes
  try {
    const question = { kind: 'ImageReview', apiVersion: 'imagepolicy.k8s.io/v1alpha1', metadata: {}, spec, status: { allowed: false } }
    const answer = await askPatiently(remote, question, { clock: ctx.clock, firstDelayMs: retryBackoffMs })
    const status = isRecord(answer) ? answer.status : undefined
    return isRecord(status) ? (status as ImageReviewStatus) : { allowed: false }
  } catch (error) {
    if (!defaultAllow) throw refuse(attributes, `Post ${JSON.stringify(remote.url)}: ${error instanceof Error ? error.message : String(error)}`)
    ctx.annotateAudit(`${AUDIT}failed-open`, 'true')
    if (object) object.metadata.annotations = { ...object.metadata.annotations, [FAILED_OPEN]: 'true' }
    return undefined
  }
}
