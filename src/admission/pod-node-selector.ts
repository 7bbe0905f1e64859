/** Namespaces say where their pods may run. Models k8s.io/kubernetes/plugin/pkg/admission/podnodeselector. */
import type { Pod } from '../../schemas/types.ts'
import { isQualifiedName, isValidLabelValue } from '../apimachinery/validation.ts'
import { field, forbidden, internalError, StatusError } from '../errors.ts'
import type { AdmissionAttributes, AdmissionPlugin } from './chain.ts'
import { newPod } from './subject.ts'

/** The selector of namespaces that have none, and the labels that a namespace's pods may select at all. */
export interface PodNodeSelectorConfig {
  clusterDefaultNodeSelector?: string
  [namespace: string]: string | undefined
}

type Labels = Readonly<Record<string, string>>

const ANNOTATION = 'scheduler.alpha.kubernetes.io/node-selector'

export function podNodeSelector(config: PodNodeSelectorConfig = {}): AdmissionPlugin {
  const check = (pod: Pod, attributes: AdmissionAttributes) => checkAllowed(pod, labelsOf(config[attributes.namespace] ?? ''), attributes)
  return {
    name: 'PodNodeSelector',
    mutate(attributes) {
      const pod = newPod(attributes)
      if (!pod) return
      const selector = selectorOf(attributes, config)
      checkConflicts(pod, selector, attributes)
      if (Object.keys(selector).length > 0) pod.spec.nodeSelector = { ...selector, ...pod.spec.nodeSelector }
      check(pod, attributes)
    },
    validate(attributes) {
      const pod = newPod(attributes)
      if (!pod) return
      checkConflicts(pod, selectorOf(attributes, config), attributes)
      check(pod, attributes)
    },
  }
}

function selectorOf({ namespace, ctx }: AdmissionAttributes, { clusterDefaultNodeSelector = '' }: PodNodeSelectorConfig): Labels {
  const found = ctx.system.get('v1/Namespace', '', namespace)
  if (!found) throw internalError(`namespace ${namespace} does not exist`)
  return labelsOf(found.metadata.annotations?.[ANNOTATION] ?? clusterDefaultNodeSelector)
}

function checkConflicts({ metadata, spec }: Pod, selector: Labels, { kind }: AdmissionAttributes): void {
  const conflicts = Object.entries(spec.nodeSelector ?? {}).some(([key, value]) => selector[key] !== undefined && selector[key] !== value)
  if (conflicts) throw forbidden(kind.groupResource, metadata.name ?? '', 'pod node label selector conflicts with its namespace node label selector')
}

function checkAllowed({ metadata, spec }: Pod, allowed: Labels, { kind }: AdmissionAttributes): void {
  if (Object.keys(allowed).length === 0) return
  const isAllowed = Object.entries(spec.nodeSelector ?? {}).every(([key, value]) => allowed[key] === value)
  if (!isAllowed) throw forbidden(kind.groupResource, metadata.name ?? '', 'pod node label selector labels conflict with its namespace whitelist')
}

/** `a=b,c=d` @throws StatusError 500 */
function labelsOf(text: string): Labels {
  const labels: Record<string, string> = {}
  if (text === '') return labels
  for (const pair of text.split(',')) {
    const parts = pair.split('=')
    const [key = '', value = ''] = parts.map((part) => part.trim())
    if (parts.length !== 2) throw new StatusError({ code: 500, message: `invalid selector: [${parts.join(' ')}]` })
    const problems = isQualifiedName(key)
    if (problems.length > 0) throw wrongLabel('<nil>', key, problems)
    const wrong = isValidLabelValue(value)
    if (wrong.length > 0) throw wrongLabel(`<nil>[${key}]`, value, wrong)
    labels[key] = value
  }
  return labels
}

function wrongLabel(path: string, value: string, problems: readonly string[]): StatusError {
  const error = field.invalid(path, value, problems.join('; '))
  return new StatusError({ code: 500, message: `${error.field}: ${error.body}` })
}
