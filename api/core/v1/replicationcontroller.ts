/** Replication controllers. Models k8s.io/kubernetes/pkg/registry/core/replicationcontroller. */
import type { ReplicationController } from '../../../schemas/types.ts'
import { equalJSON } from '../../../src/apimachinery/json.ts'
import { isLongName } from '../../../src/apimachinery/validation.ts'
import { defineKind } from '../../../src/registry/kind.ts'
import { hostnameWarnings } from './_name-warnings.ts'
import { containerColumns, formatLabels } from './_pod-columns.ts'
import { defaultPodTemplate } from './_pod-defaults.ts'
import { dropDisabledTemplateFields } from './_pod-disabled-fields.ts'
import { podTemplateWarnings } from './_pod-warnings.ts'
import { validateReplicationController, validateReplicationControllerStatusUpdate } from './_replicationcontroller-validation.ts'

export default defineKind<ReplicationController>({
  group: '', version: 'v1', kind: 'ReplicationController', plural: 'replicationcontrollers', shortNames: ['rc'], categories: ['all'],
  namespaced: true,
  storagePrefix: 'registry/controllers',
  columns: [
    { name: 'Name', format: 'name', value: (rc) => rc.metadata.name ?? '' },
    { name: 'Desired', type: 'integer', value: (rc) => rc.spec.replicas ?? 0 },
    { name: 'Current', type: 'integer', value: (rc) => rc.status?.replicas ?? 0 },
    { name: 'Ready', type: 'integer', value: (rc) => rc.status?.readyReplicas ?? 0 },
    { name: 'Age', value: (rc, ctx) => ctx.age(rc.metadata.creationTimestamp) },
    ...containerColumns<ReplicationController>((rc) => rc.spec.template),
    { name: 'Selector', priority: 1, value: (rc) => formatLabels(rc.spec.selector) },
  ],
  selectableFields: { 'status.replicas': (rc) => String(rc.status?.replicas ?? 0) },
  subresources: {
    status: { validateUpdate: validateReplicationControllerStatusUpdate },
    scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas', labelSelectorPath: '.spec.selector' },
  },
  default(rc) {
    const { spec, metadata } = rc
    const labels = spec.template?.metadata?.labels
    if (labels) {
      if (!spec.selector || Object.keys(spec.selector).length === 0) spec.selector = { ...labels }
      if (!metadata.labels || Object.keys(metadata.labels).length === 0) metadata.labels = { ...labels }
    }
    spec.replicas ??= 1
    if (spec.template) defaultPodTemplate(spec.template)
  },
  generation: true,
  defaultPropagation: 'orphan',
  prepareForCreate(rc) {
    rc.status = { replicas: 0 }
    dropDisabledTemplateFields(rc.spec.template)
  },
  prepareForUpdate: (rc, old) => dropDisabledTemplateFields(rc.spec.template, old.spec.template),
  // Upstream's declarative rules ask nothing of generateName.
  validateName: (name, prefix) => (prefix ? [] : isLongName(name)),
  validate: (rc, ctx) => validateReplicationController(rc, ctx),
  validateUpdate: (rc, old, ctx) => validateReplicationController(rc, ctx, old),
  warnings(rc, old) {
    if (!old) return [...hostnameWarnings(rc.metadata.name), ...podTemplateWarnings(rc.spec.template, 'spec.template')]
    // Old and new are given the wrong way round upstream too: the warnings are about what was there before.
    return equalJSON(rc.spec, old.spec) ? [] : podTemplateWarnings(old.spec.template, 'spec.template')
  },
})
