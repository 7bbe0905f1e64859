/** node.k8s.io/v1 RuntimeClass. Models k8s.io/kubernetes/pkg/registry/node/runtimeclass and pkg/apis/node/validation. */
import { defineKind } from '../../../src/registry/kind.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import { isDNS1123Label } from '../../../src/apimachinery/validation.ts'
import { validateImmutableField, validateLabels } from '../../../src/apimachinery/validate-meta.ts'
import { nameColumn, ageColumn } from '../../_columns.ts'
import type { RuntimeClass } from '../../../schemas/types.ts'

function validate({ handler, scheduling }: RuntimeClass): FieldError[] {
  const errors: FieldError[] = []
  if (!handler) errors.push(field.required('handler'))
  else for (const message of isDNS1123Label(handler)) errors.push(field.invalid('handler', handler, message))
  if (scheduling?.nodeSelector) errors.push(...validateLabels(scheduling.nodeSelector, 'scheduling.nodeSelector'))
  return errors
}

export default defineKind<RuntimeClass>({
  group: 'node.k8s.io',
  version: 'v1',
  kind: 'RuntimeClass',
  plural: 'runtimeclasses',
  namespaced: false,
  allowCreateOnUpdate: true,
  allowUnconditionalUpdate: false,
  columns: [nameColumn, { name: 'Handler', value: (c) => c.handler ?? '' }, ageColumn],
  validate,
  validateUpdate: (runtimeClass, old) => [...validate(runtimeClass), ...validateImmutableField(runtimeClass.handler, old.handler, 'handler')],
})
