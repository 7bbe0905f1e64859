/** Namespaces give their pods tolerations and limit which they may have. Models k8s.io/kubernetes/plugin/pkg/admission/podtolerationrestriction. */
import { computePodQOS } from '../../api/core/v1/_pod-resources.ts'
import type { Pod, Toleration } from '../../schemas/types.ts'
import { parseJSON } from '../apimachinery/parse.ts'
import { notFound, StatusError } from '../errors.ts'
import type { AdmissionAttributes, AdmissionPlugin } from './chain.ts'
import { writtenPod } from './subject.ts'
import { areAllowed, mergeTolerations } from './tolerations.ts'

/** For namespaces that say nothing themselves. */
export interface PodTolerationRestrictionConfig {
  default?: readonly Toleration[]
  whitelist?: readonly Toleration[]
}

const DEFAULTS = 'scheduler.alpha.kubernetes.io/defaultTolerations'
const WHITELIST = 'scheduler.alpha.kubernetes.io/tolerationsWhitelist'
const MEMORY_PRESSURE: Toleration = { key: 'node.kubernetes.io/memory-pressure', operator: 'Exists', effect: 'NoSchedule' }

export function podTolerationRestriction(config: PodTolerationRestrictionConfig = {}): AdmissionPlugin {
  return {
    name: 'PodTolerationRestriction',
    mutate(attributes) {
      const pod = writtenPod(attributes)
      if (!pod) return
      const extra = attributes.operation === 'CREATE' ? [...(tolerationsIn(attributes, DEFAULTS) ?? config.default ?? [])] : []
      if ((pod.status?.qosClass || computePodQOS(pod)) !== 'BestEffort') extra.push(MEMORY_PRESSURE)
      if (extra.length > 0) pod.spec.tolerations = mergeTolerations(pod.spec.tolerations ?? [], extra)
      check(pod, attributes, config)
    },
    validate(attributes) {
      const pod = writtenPod(attributes)
      if (pod) check(pod, attributes, config)
    },
  }
}

function check({ spec: { tolerations = [] } }: Pod, attributes: AdmissionAttributes, config: PodTolerationRestrictionConfig): void {
  if (tolerations.length === 0) return
  const own = tolerationsIn(attributes, WHITELIST)
  if (areAllowed(tolerations, own ?? config.whitelist ?? [])) return
  throw new StatusError({ code: 500, message: `pod tolerations (possibly merged with namespace default tolerations) conflict with its ${own ? 'namespace' : 'cluster'} whitelist` })
}

/** What the namespace says in an annotation; an empty one counts. */
function tolerationsIn({ namespace, ctx }: AdmissionAttributes, annotation: string): Toleration[] | undefined {
  const found = ctx.system.get('v1/Namespace', '', namespace)
  if (!found) throw notFound({ group: '', resource: 'namespaces' }, namespace)
  const text = found.metadata.annotations?.[annotation]
  if (text === undefined || text === '') return text === undefined ? undefined : []
  try {
    return (parseJSON(text).value ?? []) as Toleration[]
  } catch (error) {
    throw new StatusError({ code: 500, message: error instanceof Error ? error.message : String(error), cause: error })
  }
}
