/**
 * The webhooks of all configurations, in the order they are called. Models the configuration managers and accessors of
 * k8s.io/apiserver/pkg/admission.
 */
import type { MutatingWebhook, ValidatingWebhook, ValidatingWebhookConfiguration } from '../../../schemas/types.ts'
import { selectorFromLabelSelector, type Selector } from '../../apimachinery/labels.ts'
import type { SystemReader } from '../../registry/kind.ts'

/** A validating webhook has no reinvocation policy. */
export type AnyWebhook = ValidatingWebhook & Pick<MutatingWebhook, 'reinvocationPolicy'>

export interface Hook {
  /** Stays the same while its configuration is not reordered. */
  readonly uid: string
  readonly name: string
  readonly configuration: string
  readonly webhook: AnyWebhook
  readonly namespaceSelector: Selector
  readonly objectSelector: Selector
}

/** Configurations are immutable versions, so what is made of one lasts as long as it does. */
const known = new WeakMap<object, Hook[]>()

export function listHooks(system: SystemReader, kind: 'MutatingWebhookConfiguration' | 'ValidatingWebhookConfiguration'): Hook[] {
  const configurations = system.list<ValidatingWebhookConfiguration>(`admissionregistration.k8s.io/v1/${kind}`)
  return configurations.length === 0 ? [] : configurations.flatMap(hooksOf)
}

function hooksOf(configuration: ValidatingWebhookConfiguration): Hook[] {
  let hooks = known.get(configuration)
  if (!hooks) known.set(configuration, (hooks = makeHooks(configuration)))
  return hooks
}

function makeHooks({ metadata, webhooks = [] }: ValidatingWebhookConfiguration): Hook[] {
  const configuration = metadata.name ?? ''
  const times = new Map<string, number>()
  return webhooks.map((webhook) => {
    const { name = '', namespaceSelector = {}, objectSelector = {} } = webhook
    const count = times.get(name) ?? 0
    times.set(name, count + 1)
    return {
      uid: `${configuration}/${name}/${count}`,
      name,
      configuration,
      webhook,
      namespaceSelector: selectorFromLabelSelector(namespaceSelector),
      objectSelector: selectorFromLabelSelector(objectSelector),
    }
  })
}
