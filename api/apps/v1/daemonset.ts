/** Daemon sets. Models k8s.io/kubernetes/pkg/registry/apps/daemonset and pkg/apis/apps/v1/{defaults,conversion}.go. */
import type { DaemonSet } from '../../../schemas/types.ts'
import { equalJSON } from '../../../src/apimachinery/json.ts'
import { formatLabelSelector } from '../../../src/apimachinery/labels.ts'
import { quote } from '../../../src/errors.ts'
import { defineKind } from '../../../src/registry/kind.ts'
import { containerColumns, formatLabels } from '../../core/v1/_pod-columns.ts'
import { defaultPodTemplate } from '../../core/v1/_pod-defaults.ts'
import { dropDisabledTemplateFields } from '../../core/v1/_pod-disabled-fields.ts'
import { podTemplateWarnings } from '../../core/v1/_pod-warnings.ts'
import { validateDaemonSet, validateDaemonSetStatusUpdate, validateDaemonSetUpdate } from './_daemonset-validation.ts'

/** The number of template changes, which v1 keeps as an annotation. */
const TEMPLATE_GENERATION = 'deprecated.daemonset.template.generation'

export default defineKind<DaemonSet>({
  group: 'apps', version: 'v1', kind: 'DaemonSet', plural: 'daemonsets', shortNames: ['ds'], categories: ['all'],
  namespaced: true,
  columns: [
    { name: 'Name', format: 'name', value: (d) => d.metadata.name ?? '' },
    { name: 'Desired', type: 'integer', value: (d) => d.status?.desiredNumberScheduled ?? 0 },
    { name: 'Current', type: 'integer', value: (d) => d.status?.currentNumberScheduled ?? 0 },
    { name: 'Ready', type: 'integer', value: (d) => d.status?.numberReady ?? 0 },
    { name: 'Up-to-date', type: 'integer', value: (d) => d.status?.updatedNumberScheduled ?? 0 },
    { name: 'Available', type: 'integer', value: (d) => d.status?.numberAvailable ?? 0 },
    { name: 'Node Selector', value: (d) => formatLabels(d.spec.template?.spec?.nodeSelector) },
    { name: 'Age', value: (d, ctx) => ctx.age(d.metadata.creationTimestamp) },
    ...containerColumns<DaemonSet>((d) => d.spec.template),
    { name: 'Selector', priority: 1, value: (d) => formatLabelSelector(d.spec.selector) },
  ],
  hiddenAnnotations: [TEMPLATE_GENERATION],
  subresources: {
    status: {
      prepareForUpdate(d, old) {
        d.spec = old.spec
        setTemplateGeneration(d, templateGeneration(old))
      },
      validateUpdate: validateDaemonSetStatusUpdate,
    },
  },
  default(d) {
    const { spec } = d
    if (d.metadata.annotations?.[TEMPLATE_GENERATION] === undefined) setTemplateGeneration(d, 0)
    const strategy = (spec.updateStrategy ??= {})
    strategy.type ||= 'RollingUpdate'
    if (strategy.type === 'RollingUpdate') {
      const rolling = (strategy.rollingUpdate ??= {})
      rolling.maxUnavailable ??= 1
      rolling.maxSurge ??= 0
    }
    spec.revisionHistoryLimit ??= 10
    defaultPodTemplate((spec.template ??= {}))
  },
  generation: true,
  whyNotConverted({ metadata: { annotations } }) {
    const text = annotations?.[TEMPLATE_GENERATION]
    return text === undefined ? undefined : whyNotInt64(text)
  },
  fillBookmark: (d) => setTemplateGeneration(d, 0),
  prepareForCreate(d) {
    d.status = { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 }
    setTemplateGeneration(d, Math.max(1, templateGeneration(d)))
    dropDisabledTemplateFields(d.spec.template)
  },
  prepareForUpdate(d, old) {
    dropDisabledTemplateFields(d.spec.template, old.spec.template)
    setTemplateGeneration(d, templateGeneration(old) + (equalJSON(d.spec.template, old.spec.template) ? 0 : 1))
  },
  validate: validateDaemonSet,
  validateUpdate: validateDaemonSetUpdate,
  warnings(d, old) {
    return old && equalJSON(d.spec.template, old.spec.template) ? [] : podTemplateWarnings(d.spec.template, 'spec.template')
  },
})

/** As Go's ParseInt says it. */
function whyNotInt64(text: string): string | undefined {
  if (!/^[+-]?[0-9]+$/.test(text)) return `strconv.ParseInt: parsing ${quote(text)}: invalid syntax`
  return BigInt.asIntN(64, BigInt(text)) === BigInt(text) ? undefined : `strconv.ParseInt: parsing ${quote(text)}: value out of range`
}

export function templateGeneration(d: DaemonSet): number {
  const text = d.metadata.annotations?.[TEMPLATE_GENERATION]
  return text !== undefined && /^[+-]?[0-9]+$/.test(text) ? Number(text) : 0
}

function setTemplateGeneration(d: DaemonSet, generation: number): void {
  d.metadata.annotations = { ...d.metadata.annotations, [TEMPLATE_GENERATION]: String(generation) }
}
