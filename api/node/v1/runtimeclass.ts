/** node.k8s.io/v1 RuntimeClass. Models k8s.io/kubernetes/pkg/registry/node/runtimeclass and pkg/apis/node/validation. */
import { validateMetadataOf } from '../../_validate-metadata.ts'
import { defineKind } from '../../../src/registry/kind.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import { isDNS1123Label } from '../../../src/apimachinery/validation.ts'
import { validateImmutableField, validateLabels } from '../../../src/apimachinery/validate-meta.ts'
import { nameColumn, ageColumn } from '../../_columns.ts'
import { internalJSON } from '../../_internal-json.ts'
import { validateContainerResources } from '../../core/v1/_container-resources-validation.ts'
import { deprecatedNodeLabel } from '../../core/v1/_node-labels.ts'
import { validateTolerations } from '../../core/v1/_scheduling-validation.ts'
import type { RuntimeClass, Toleration } from '../../../schemas/types.ts'

function validate({ handler, overhead, scheduling }: RuntimeClass): FieldError[] {
  const errors: FieldError[] = []
  if (!handler) errors.push(field.required('handler'))
  else for (const message of isDNS1123Label(handler)) errors.push(field.invalid('handler', handler, message))
  if (overhead) errors.push(...validateContainerResources({ limits: overhead.podFixed ?? {} }, 'overhead', { claimNames: new Set(), options: {} }))
  if (!scheduling) return errors
  errors.push(...validateLabels(scheduling.nodeSelector, 'scheduling.nodeSelector'))
  const tolerations = scheduling.tolerations ?? []
  return [...errors, ...validateTolerations(tolerations, 'scheduling.tolerations'), ...validateUnique(tolerations, 'scheduling.tolerations')]
}

function validateUnique(tolerations: readonly Toleration[], path: string): FieldError[] {
  const keys = tolerations.map(({ key = '', operator = '', value = '', effect = '' }) => JSON.stringify([key, operator, value, effect]))
  return tolerations.flatMap((t, i) => (keys.indexOf(keys[i] ?? '') < i ? [field.duplicate(`${path}[${i}]`, internalJSON('io.k8s.api.core.v1.Toleration', t))] : []))
}

function warnings({ scheduling }: RuntimeClass): string[] {
  return Object.keys(scheduling?.nodeSelector ?? {}).flatMap((key) => {
    const message = deprecatedNodeLabel(key)
    return message ? [`scheduling.nodeSelector: ${message}`] : []
  })
}

export default defineKind<RuntimeClass>({
  group: 'node.k8s.io',
  version: 'v1',
  kind: 'RuntimeClass',
  plural: 'runtimeclasses',
  namespaced: false,
  repeatsMetadataUpdate: 'last',
  takesAnyFinalizer: true,
  allowCreateOnUpdate: true,
  allowUnconditionalUpdate: false,
  columns: [nameColumn, { name: 'Handler', value: (c) => c.handler ?? '' }, ageColumn],
  validate,
  validateUpdate: (runtimeClass, old) => [...validateMetadataOf(runtimeClass, 'Cluster', { takesAnyFinalizer: true }), ...validate(runtimeClass), ...validateImmutableField(runtimeClass.handler ?? '', old.handler ?? '', 'handler')],
  warnings,
})
