/**
 * Service accounts may limit which secrets their pods use. Models limitSecretReferences and
 * limitEphemeralContainerSecretReferences of k8s.io/kubernetes/plugin/pkg/admission/serviceaccount.
 */
import type { EnvFromSource, EnvVar, Pod, ServiceAccount } from '../../schemas/types.ts'

const ENFORCE = 'kubernetes.io/enforce-mountable-secrets'
const TRUE = new Set(['1', 't', 'T', 'TRUE', 'true', 'True'])

type WithEnv = { name?: string; env?: EnvVar[]; envFrom?: EnvFromSource[] }

export function limitsSecrets({ metadata }: ServiceAccount): boolean {
  return TRUE.has(metadata.annotations?.[ENFORCE] ?? '')
}

/** Why the pod may not have a secret it uses; nothing when it may. */
export function forbiddenSecret(pod: Pod, account: ServiceAccount): string | undefined {
  const { spec } = pod
  const allowed = mountable(account)
  const owner = account.metadata.name ?? ''
  for (const { secret } of spec.volumes ?? []) {
    if (secret && !allowed.has(secret.secretName ?? '')) return `volume with secret.secretName="${secret.secretName ?? ''}" is not allowed because service account ${owner} does not reference that secret`
  }
  const inContainers = inEnvironment('init container', spec.initContainers ?? [], account) ?? inEnvironment('container', spec.containers ?? [], account)
  if (inContainers) return inContainers
  const pullable = new Set((account.imagePullSecrets ?? []).map(({ name }) => name ?? ''))
  for (const [i, { name = '' }] of (spec.imagePullSecrets ?? []).entries()) {
    if (!pullable.has(name)) return `imagePullSecrets[${i}].name="${name}" is not allowed because service account ${owner} does not reference that imagePullSecret`
  }
  return undefined
}

export function forbiddenEphemeralSecret({ spec }: Pod, account: ServiceAccount): string | undefined {
  return inEnvironment('ephemeral container', spec.ephemeralContainers ?? [], account)
}

function mountable({ secrets = [] }: ServiceAccount): Set<string> {
  return new Set(secrets.map(({ name }) => name ?? ''))
}

function inEnvironment(what: string, containers: readonly WithEnv[], account: ServiceAccount): string | undefined {
  const allowed = mountable(account)
  const refusal = (container: string, where: string, secret: string) =>
    `${what} ${container} with ${where} referencing secret.secretName="${secret}" is not allowed because service account ${account.metadata.name ?? ''} does not reference that secret`
  for (const { name: container = '', env = [], envFrom = [] } of containers) {
    for (const { name = '', valueFrom } of env) {
      const secret = valueFrom?.secretKeyRef?.name ?? ''
      if (valueFrom?.secretKeyRef && !allowed.has(secret)) return refusal(container, `envVar ${name}`, secret)
    }
    for (const { secretRef } of envFrom) if (secretRef && !allowed.has(secretRef.name ?? '')) return refusal(container, 'envFrom', secretRef.name ?? '')
  }
  return undefined
}
