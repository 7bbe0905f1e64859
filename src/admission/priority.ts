/** A pod's priority comes from its priority class. Models k8s.io/kubernetes/plugin/pkg/admission/priority. */
import type { Pod, PriorityClass } from '../../schemas/types.ts'
import type { AdmissionAttributes, AdmissionPlugin } from './chain.ts'
import { refuse } from './refuse.ts'

const KIND = 'scheduling.k8s.io/v1/PriorityClass'
const DEFAULT_PREEMPTION = 'PreemptLowerPriority'

export const priorityAdmission: AdmissionPlugin = {
  name: 'Priority',
  mutate(attributes) {
    const { operation, kind, subresource, object, oldObject } = attributes
    if (kind.ref !== 'v1/Pod' || subresource || !object) return
    const pod = object as Pod
    if (operation === 'CREATE') return setPriority(pod, attributes)
    if (operation === 'UPDATE' && oldObject) keepPriority(pod, oldObject as Pod)
  },
  validate(attributes) {
    const { operation, kind, subresource, object, ctx } = attributes
    if (kind.ref !== KIND || subresource || !object || (operation !== 'CREATE' && operation !== 'UPDATE')) return
    if (!(object as PriorityClass).globalDefault) return
    const present = defaultClass(ctx.system.list<PriorityClass>(KIND))
    if (present && (operation === 'CREATE' || present.metadata.name !== object.metadata.name)) {
      throw refuse(attributes, `PriorityClass ${present.metadata.name ?? ''} is already marked as default. Only one default can exist`)
    }
  },
}

function setPriority(pod: Pod, attributes: AdmissionAttributes): void {
  const { ctx } = attributes
  const { spec } = pod
  const found = spec.priorityClassName ? ctx.system.get<PriorityClass>(KIND, '', spec.priorityClassName) : defaultClass(ctx.system.list<PriorityClass>(KIND))
  if (spec.priorityClassName && !found) throw refuse(attributes, `no PriorityClass with name ${spec.priorityClassName} was found`)
  const value = found?.value ?? 0
  if (spec.priority !== undefined && spec.priority !== value) {
    throw refuse(attributes, `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`)
  }
  const policy = found?.preemptionPolicy ?? DEFAULT_PREEMPTION
  if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== policy) {
    throw refuse(attributes, `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${policy} from the given PriorityClass name`)
  }
  if (!spec.priorityClassName && found?.metadata.name) spec.priorityClassName = found.metadata.name
  spec.priority = value
  spec.preemptionPolicy = policy
}

/** Of several default classes the one with the lowest value counts. */
function defaultClass(classes: PriorityClass[]): PriorityClass | undefined {
  return classes.filter((c) => c.globalDefault).sort((a, b) => (a.value ?? 0) - (b.value ?? 0))[0]
}

/** Clients that know nothing of these fields send them empty. */
function keepPriority({ spec }: Pod, { spec: old }: Pod): void {
  if (spec.priority === undefined && old.priority !== undefined) spec.priority = old.priority
  if (spec.preemptionPolicy === undefined && old.preemptionPolicy !== undefined) spec.preemptionPolicy = old.preemptionPolicy
}
