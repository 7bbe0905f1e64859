/**
 * Tells of CustomResourceDefinitions whose schemas are not structural, which only old ones may be.
 * Models k8s.io/apiextensions-apiserver/pkg/controller/nonstructuralschema.
 */
import type { CustomResourceDefinition } from '../schemas/types.ts'
import { validateStructural, whyNotReadable } from '../src/apimachinery/structural-schema/structural.ts'
import { conditionOf, withoutCondition } from '../src/controller/conditions.ts'
import { defineController } from '../src/controller/controller.ts'
import { field } from '../src/errors.ts'
import { DEFINITION, SERVER, saysTheSame, withCRDCondition, type ConditionDraft } from './_crd-conditions.ts'

const TYPE = 'NonStructuralSchema'

export default defineController<CustomResourceDefinition>({
  ...SERVER,
  name: 'crd-nonstructural-schema',
  user: 'system:apiserver',
  for: DEFINITION,
  // Any other one has been refused when it was written.
  wakes: (crd) => (crd.spec.preserveUnknownFields ?? false) || conditionOf(crd.status?.conditions, TYPE) !== undefined,
  async reconcile(crd, { client, clock }) {
    const wanted = planCondition(crd)
    const current = conditionOf(crd.status?.conditions, TYPE)
    if (wanted ? saysTheSame(current, wanted) : !current) return
    await client.updateStatus(wanted ? withCRDCondition(crd, wanted, clock.now()) : { ...crd, status: { ...crd.status, conditions: withoutCondition(crd.status?.conditions, TYPE) } })
  },
})

export function planCondition({ spec }: CustomResourceDefinition): ConditionDraft | undefined {
  const errors = spec.preserveUnknownFields ? [field.invalid('spec.preserveUnknownFields', true, 'must be false')] : []
  for (const [i, { name, schema }] of (spec.versions ?? []).entries()) {
    const root = schema?.openAPIV3Schema
    if (!root) continue
    const why = whyNotReadable(root)
    if (why) return { type: TYPE, status: 'Unknown', reason: 'StructuralError', message: `failed to check validation schema for version ${name}: ${why}` }
    errors.push(...validateStructural(root, `spec.versions[${i}].schema.openAPIV3Schema`))
  }
  const texts = [...new Set(errors.map((e) => `${e.field}: ${e.body}`))]
  if (texts.length === 0) return undefined
  return { type: TYPE, status: 'True', reason: 'Violations', message: texts.length === 1 ? (texts[0] ?? '') : `[${texts.join(', ')}]` }
}
