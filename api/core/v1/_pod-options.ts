/**
 * What validation of a pod lets pass only because the old object has it already.
 * Models PodValidationOptions and GetValidationOptionsFromPodSpecAndMeta of k8s.io/kubernetes/pkg/api/pod/util.go; options
 * that are the same for everyone by the default gates of 1.36 are not here.
 */
import type { PodSpec, PodTemplateSpec } from '../../../schemas/types.ts'
import { quantityValue } from '../../../src/apimachinery/quantity.ts'
import { validateLabelSelector } from '../../../src/apimachinery/validate-meta.ts'
import type { WriteContext } from '../../../src/registry/kind.ts'
import { validateMatchLabelKeys } from './_affinity-validation.ts'
import { isDivisibleHugePages } from './_container-resources-validation.ts'
import { hasInvalidLabelValue } from './_node-selector-validation.ts'
import { allContainers } from './_pod-containers.ts'
import { validateLocalNonReservedPath } from './_path-validation.ts'
import { isHugePageResource } from './_resource-names.ts'
import { sharedNamespaceOf } from './_security-context-validation.ts'

export interface PodOptions {
  /** The cluster lets containers be privileged. */
  allowPrivileged?: boolean
  /** The object is a pod and not a template. */
  isPod?: boolean
  allowIndivisibleHugePages?: boolean
  allowInvalidLabelValueInSelector?: boolean
  allowInvalidLabelValueInNodeAffinity?: boolean
  allowInvalidTopologySpreadSelector?: boolean
  /** The old constraints break today's rules for matchLabelKeys: the earlier rules hold. */
  useLegacyMatchLabelKeys?: boolean
  allowNonLocalTokenPath?: boolean
  allowNamespacedSysctlsWithHost?: boolean
  allowSELinuxChangePolicies?: boolean
  allowTolerationComparison?: boolean
  allowUserNamespacesWithHostNetwork?: boolean
  allowUserNamespacesWithVolumeDevices?: boolean
  allowRestartContainerInInitContainers?: boolean
}

/** @param old undefined on create */
export function optionsForTemplate(ctx: WriteContext, old?: PodTemplateSpec): PodOptions {
  return { ...(old?.spec ? optionsForOld(old.spec) : {}), allowPrivileged: ctx.system.allowPrivileged ?? false }
}

/** @param old undefined on create */
export function optionsForPod(ctx: WriteContext, old?: PodSpec): PodOptions {
  return { ...(old ? optionsForOld(old) : {}), isPod: true, allowPrivileged: ctx.system.allowPrivileged ?? false }
}

function optionsForOld(old: PodSpec): PodOptions {
  const { securityContext: context = {}, tolerations = [], topologySpreadConstraints: constraints = [] } = old
  const hasUserNamespace = old.hostUsers === false
  return {
    allowIndivisibleHugePages: usesIndivisibleHugePages(old),
    allowInvalidLabelValueInSelector: hasInvalidAffinitySelector(old),
    allowInvalidLabelValueInNodeAffinity: hasInvalidLabelValue(old.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms),
    allowInvalidTopologySpreadSelector: constraints.some((c) => validateLabelSelector(c.labelSelector, '').length > 0),
    useLegacyMatchLabelKeys: constraints.some((c) => validateMatchLabelKeys(c, '').length > 0),
    allowNonLocalTokenPath: hasNonLocalTokenPath(old),
    allowNamespacedSysctlsWithHost: (context.sysctls ?? []).some((s) => sharedNamespaceOf(s.name ?? '', old) !== undefined),
    allowSELinuxChangePolicies: context.seLinuxChangePolicy !== undefined,
    allowTolerationComparison: tolerations.some((t) => t.operator === 'Lt' || t.operator === 'Gt'),
    allowUserNamespacesWithHostNetwork: hasUserNamespace && old.hostNetwork === true,
    allowUserNamespacesWithVolumeDevices: hasUserNamespace && allContainers(old).some((c) => c.volumeDevices?.length),
    allowRestartContainerInInitContainers: (old.initContainers ?? []).some((c) => c.restartPolicy !== 'Always' && (c.resizePolicy ?? []).some((p) => p.restartPolicy === 'RestartContainer')),
  }
}

function usesIndivisibleHugePages(spec: PodSpec): boolean {
  const lists = [...allContainers(spec).flatMap((c) => [c.resources?.limits, c.resources?.requests]), spec.overhead]
  return lists.some((list) => Object.entries(list ?? {}).some(([name, q]) => isHugePageResource(name) && !isDivisibleHugePages(name, quantityValue(q))))
}

function hasInvalidAffinitySelector({ affinity }: PodSpec): boolean {
  return [affinity?.podAffinity, affinity?.podAntiAffinity].some((part) => {
    const weighted = (part?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((w) => w.podAffinityTerm)
    const terms = [...(part?.requiredDuringSchedulingIgnoredDuringExecution ?? []), ...weighted]
    return terms.some((t) => validateLabelSelector(t?.labelSelector, '').length > 0 || validateLabelSelector(t?.namespaceSelector, '').length > 0)
  })
}

function hasNonLocalTokenPath(spec: PodSpec): boolean {
  const sources = (spec.volumes ?? []).flatMap((v) => v.projected?.sources ?? [])
  return sources.some((s) => s.serviceAccountToken && validateLocalNonReservedPath(s.serviceAccountToken.path ?? '', '').length > 0)
}
