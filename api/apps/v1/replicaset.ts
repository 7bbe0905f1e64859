/** Replica sets. Models k8s.io/kubernetes/pkg/registry/apps/replicaset. */
import type { ReplicaSet } from '../../../schemas/types.ts'
import { equalJSON } from '../../../src/apimachinery/json.ts'
import { formatLabelSelector } from '../../../src/apimachinery/labels.ts'
import { defineKind } from '../../../src/registry/kind.ts'
import { hostnameWarnings } from '../../core/v1/_name-warnings.ts'
import { containerColumns } from '../../core/v1/_pod-columns.ts'
import { defaultPodTemplate } from '../../core/v1/_pod-defaults.ts'
import { dropDisabledTemplateFields } from '../../core/v1/_pod-disabled-fields.ts'
import { podTemplateWarnings } from '../../core/v1/_pod-warnings.ts'
import { validateReplicaSet, validateReplicaSetStatusUpdate, validateReplicaSetUpdate } from './_replicaset-validation.ts'

export default defineKind<ReplicaSet>({
  group: 'apps', version: 'v1', kind: 'ReplicaSet', plural: 'replicasets', shortNames: ['rs'], categories: ['all'],
  namespaced: true,
  columns: [
    { name: 'Name', format: 'name', value: (rs) => rs.metadata.name ?? '' },
    { name: 'Desired', type: 'integer', value: (rs) => rs.spec.replicas ?? 0 },
    { name: 'Current', type: 'integer', value: (rs) => rs.status?.replicas ?? 0 },
    { name: 'Ready', type: 'integer', value: (rs) => rs.status?.readyReplicas ?? 0 },
    { name: 'Age', value: (rs, ctx) => ctx.age(rs.metadata.creationTimestamp) },
    ...containerColumns<ReplicaSet>((rs) => rs.spec.template),
    { name: 'Selector', priority: 1, value: (rs) => formatLabelSelector(rs.spec.selector) },
  ],
  subresources: {
    status: { validateUpdate: validateReplicaSetStatusUpdate },
    scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas', labelSelectorPath: '.spec.selector' },
  },
  default(rs) {
    rs.spec.replicas ??= 1
    if (rs.spec.template) defaultPodTemplate(rs.spec.template)
    else defaultPodTemplate((rs.spec.template = {}))
  },
  generation: true,
  fillBookmark(object) {
    object.spec = { ...object.spec, replicas: 0 }
  },
  prepareForCreate(rs) {
    rs.status = { replicas: 0 }
    dropDisabledTemplateFields(rs.spec.template)
  },
  prepareForUpdate: (rs, old) => dropDisabledTemplateFields(rs.spec.template, old.spec.template),
  validate: validateReplicaSet,
  validateUpdate: validateReplicaSetUpdate,
  warnings(rs, old) {
    if (!old) return [...hostnameWarnings(rs.metadata.name), ...podTemplateWarnings(rs.spec.template, 'spec.template')]
    return equalJSON(rs.spec, old.spec) ? [] : podTemplateWarnings(rs.spec.template, 'spec.template')
  },
})
