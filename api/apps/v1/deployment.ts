/** Deployments. Models k8s.io/kubernetes/pkg/registry/apps/deployment and pkg/apis/apps/v1/defaults.go. */
import { LEAF } from '../../../src/apimachinery/field-set.ts'
import type { Deployment } from '../../../schemas/types.ts'
import { equalJSON } from '../../../src/apimachinery/json.ts'
import { selectorFromLabelSelector } from '../../../src/apimachinery/labels.ts'
import { ParseError } from '../../../src/apimachinery/parse-error.ts'
import { defineKind } from '../../../src/registry/kind.ts'
import { hostnameWarnings } from '../../core/v1/_name-warnings.ts'
import { containerColumns } from '../../core/v1/_pod-columns.ts'
import { defaultPodTemplate } from '../../core/v1/_pod-defaults.ts'
import { dropDisabledTemplateFields } from '../../core/v1/_pod-disabled-fields.ts'
import { podTemplateWarnings } from '../../core/v1/_pod-warnings.ts'
import { validateDeployment, validateDeploymentStatusUpdate, validateDeploymentUpdate } from './_deployment-validation.ts'

/** Annotations count too: they are copied to the replica sets. */
const hasChanged = (d: Deployment, old: Deployment) => !equalJSON(d.spec, old.spec) || !equalJSON(d.metadata.annotations ?? {}, old.metadata.annotations ?? {})

export default defineKind<Deployment>({
  group: 'apps', version: 'v1', kind: 'Deployment', plural: 'deployments', shortNames: ['deploy'], categories: ['all'],
  namespaced: true,
  columns: [
    { name: 'Name', format: 'name', value: (d) => d.metadata.name ?? '' },
    { name: 'Ready', value: (d) => `${d.status?.readyReplicas ?? 0}/${d.spec.replicas ?? 0}` },
    { name: 'Up-to-date', value: (d) => d.status?.updatedReplicas ?? 0 },
    { name: 'Available', value: (d) => d.status?.availableReplicas ?? 0 },
    { name: 'Age', value: (d, ctx) => ctx.age(d.metadata.creationTimestamp) },
    ...containerColumns<Deployment>((d) => d.spec.template),
    { name: 'Selector', priority: 1, value: selectorCell },
  ],
  resetFields: { status: { 'f:spec': LEAF, 'f:metadata': { 'f:labels': LEAF } } },
  subresources: {
    status: {
      prepareForUpdate(d, old) {
        d.spec = old.spec
        if (old.metadata.labels) d.metadata.labels = old.metadata.labels
        else delete d.metadata.labels
      },
      validateUpdate: validateDeploymentStatusUpdate,
    },
    scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas', labelSelectorPath: '.spec.selector' },
  },
  default(d) {
    const spec = d.spec
    spec.replicas ??= 1
    const strategy = (spec.strategy ??= {})
    strategy.type ||= 'RollingUpdate'
    if (strategy.type === 'RollingUpdate') {
      const rolling = (strategy.rollingUpdate ??= {})
      rolling.maxUnavailable ??= '25%'
      rolling.maxSurge ??= '25%'
    }
    spec.revisionHistoryLimit ??= 10
    spec.progressDeadlineSeconds ??= 600
    defaultPodTemplate((spec.template ??= {}))
  },
  generation: hasChanged,
  fillBookmark(object) {
    object.spec = { ...object.spec, replicas: 0 }
  },
  prepareForCreate: (d) => dropDisabledTemplateFields(d.spec.template),
  prepareForUpdate: (d, old) => dropDisabledTemplateFields(d.spec.template, old.spec.template),
  validate: validateDeployment,
  validateUpdate: validateDeploymentUpdate,
  warnings(d, old) {
    if (!old) return [...hostnameWarnings(d.metadata.name), ...podTemplateWarnings(d.spec.template, 'spec.template')]
    return hasChanged(d, old) ? podTemplateWarnings(d.spec.template, 'spec.template') : []
  },
})

function selectorCell(d: Deployment): string {
  try {
    return selectorFromLabelSelector(d.spec.selector).toString()
  } catch (error) {
    if (error instanceof ParseError) return '<invalid>'
    throw error
  }
}
