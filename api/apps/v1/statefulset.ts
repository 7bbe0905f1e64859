/** Stateful sets. Models k8s.io/kubernetes/pkg/registry/apps/statefulset and pkg/apis/apps/v1/{defaults,conversion}.go. */
import type { StatefulSet } from '../../../schemas/types.ts'
import { equalJSON } from '../../../src/apimachinery/json.ts'
import { isDNS1123Label } from '../../../src/apimachinery/validation.ts'
import { defineKind } from '../../../src/registry/kind.ts'
import { containerColumns } from '../../core/v1/_pod-columns.ts'
import { defaultClaimSpec, defaultPodTemplate } from '../../core/v1/_pod-defaults.ts'
import { dropDisabledTemplateFields } from '../../core/v1/_pod-disabled-fields.ts'
import { claimSpecWarnings, podTemplateWarnings } from '../../core/v1/_pod-warnings.ts'
import { roundUpResources } from '../../core/v1/_resource-names.ts'
import { validateStatefulSet, validateStatefulSetStatusUpdate, validateStatefulSetUpdate } from './_statefulset-validation.ts'

export default defineKind<StatefulSet>({
  group: 'apps', version: 'v1', kind: 'StatefulSet', plural: 'statefulsets', shortNames: ['sts'], categories: ['all'],
  namespaced: true,
  columns: [
    { name: 'Name', format: 'name', value: (s) => s.metadata.name ?? '' },
    { name: 'Ready', value: (s) => `${s.status?.readyReplicas ?? 0}/${s.spec.replicas ?? 0}` },
    { name: 'Age', value: (s, ctx) => ctx.age(s.metadata.creationTimestamp) },
    ...containerColumns<StatefulSet>((s) => s.spec.template),
  ],
  subresources: {
    status: { validateUpdate: validateStatefulSetStatusUpdate },
    scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas', labelSelectorPath: '.spec.selector' },
  },
  default: defaultStatefulSet,
  generation: true,
  fillBookmark(object) {
    object.spec = { ...object.spec, replicas: 0 }
  },
  prepareForCreate(s) {
    s.status = { replicas: 0, availableReplicas: 0 }
    dropMaxUnavailable(s)
    dropDisabledTemplateFields(s.spec.template)
  },
  prepareForUpdate(s, old) {
    dropMaxUnavailable(s, old)
    dropDisabledTemplateFields(s.spec.template, old.spec.template)
  },
  validateName: isDNS1123Label,
  validate: validateStatefulSet,
  validateUpdate: validateStatefulSetUpdate,
  warnings(s, old) {
    const isQuiet = old !== undefined && equalJSON(s.spec, old.spec)
    const out = isQuiet ? [] : podTemplateWarnings(s.spec.template, 'spec.template')
    for (const [i, claim] of (s.spec.volumeClaimTemplates ?? []).entries()) {
      out.push(...claimSpecWarnings(claim.spec, `spec.volumeClaimTemplates[${i}]${old ? '.Spec' : ''}`))
    }
    if ((s.spec.revisionHistoryLimit ?? 0) < 0) out.push('spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended')
    return out
  },
})

function defaultStatefulSet({ spec }: StatefulSet): void {
  spec.serviceName ??= ''
  spec.podManagementPolicy ||= 'OrderedReady'
  const strategy = (spec.updateStrategy ??= {})
  if (!strategy.type) {
    strategy.type = 'RollingUpdate'
    strategy.rollingUpdate ??= {}
  }
  if (strategy.type === 'RollingUpdate' && strategy.rollingUpdate) strategy.rollingUpdate.partition ??= 0
  const retention = (spec.persistentVolumeClaimRetentionPolicy ??= {})
  retention.whenDeleted ||= 'Retain'
  retention.whenScaled ||= 'Retain'
  spec.replicas ??= 1
  spec.revisionHistoryLimit ??= 10
  defaultPodTemplate((spec.template ??= {}))
  for (const claim of spec.volumeClaimTemplates ?? []) {
    claim.apiVersion = 'v1'
    claim.kind = 'PersistentVolumeClaim'
    const status = (claim.status ??= {})
    status.phase ||= 'Pending'
    defaultClaimSpec(claim.spec)
    roundUpResources(status.capacity)
    roundUpResources(status.allocatedResources)
  }
}

/** maxUnavailable belongs to a feature that is off by default. */
function dropMaxUnavailable(s: StatefulSet, old?: StatefulSet): void {
  const rolling = s.spec.updateStrategy?.rollingUpdate
  if (rolling && old?.spec.updateStrategy?.rollingUpdate?.maxUnavailable === undefined) delete rolling.maxUnavailable
}
