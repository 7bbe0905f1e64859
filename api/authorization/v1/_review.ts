/**
 * What the access reviews share: validation of their specs, and the question they put to the authorizer.
 * Models k8s.io/kubernetes/pkg/apis/authorization/validation and pkg/registry/authorization/util.
 */
import { field, invalid, type FieldError } from '../../../src/errors.ts'
import { parseFieldSelector } from '../../../src/apimachinery/fields.ts'
import { parseSelector } from '../../../src/apimachinery/labels.ts'
import { makeRequirement, type Operator } from '../../../src/apimachinery/labels-requirement.ts'
import { ParseError } from '../../../src/apimachinery/parse-error.ts'
import { validateLabelSelectorRequirement } from '../../../src/apimachinery/validate-meta.ts'
import type { AuthorizationAttributes, SelectorRequirement } from '../../../src/registry/authorization.ts'
import type { UserInfo, WriteContext } from '../../../src/registry/kind.ts'
import type { FieldSelectorAttributes, LabelSelectorAttributes, ObjectMeta, ResourceAttributes, SubjectAccessReviewSpec, SubjectAccessReviewStatus } from '../../../schemas/types.ts'

type Spec = Pick<SubjectAccessReviewSpec, 'resourceAttributes' | 'nonResourceAttributes'>

const LABEL_OPERATORS: Readonly<Record<string, Operator>> = { In: 'in', NotIn: 'notin', Exists: 'exists', DoesNotExist: '!' }

/** Upstream leaves the kind out of these errors. */
export function refuseInvalid(errors: FieldError[]): void {
  if (errors.length) throw invalid({ group: 'authorization.k8s.io', kind: '' }, '', errors)
}

export function validateSpec(spec: Spec): FieldError[] {
  const errors: FieldError[] = []
  const { resourceAttributes, nonResourceAttributes } = spec
  if (resourceAttributes && nonResourceAttributes) {
    errors.push(field.invalid('spec.nonResourceAttributes', internalNonResource(nonResourceAttributes), 'cannot be specified in combination with resourceAttributes'))
  }
  if (!resourceAttributes && !nonResourceAttributes) {
    errors.push(field.invalid('spec.resourceAttributes', null, 'exactly one of nonResourceAttributes or resourceAttributes must be specified'))
  }
  return errors
}

export function validateSubject(spec: SubjectAccessReviewSpec): FieldError[] {
  return spec.user || spec.groups?.length ? [] : [field.invalid('spec.user', spec.user ?? '', 'at least one of user or group must be specified')]
}

export const internalNonResource = ({ path = '', verb = '' }: { path?: string; verb?: string }) => ({ Path: path, Verb: verb })

/** @param allowed members of metadata that may be there */
export function validateMetadata(metadata: ObjectMeta, allowed: readonly string[]): FieldError[] {
  const given = Object.entries(metadata).some(([key, value]) => key !== 'managedFields' && !allowed.includes(key) && value !== undefined && value !== '')
  if (!given) return []
  return [field.invalid('metadata', metadata, allowed.length ? 'must be empty except for namespace' : 'must be empty')]
}

export function validateResourceAttributes(attributes: ResourceAttributes | undefined): FieldError[] {
  if (!attributes) return []
  const path = 'spec.resourceAttributes'
  const { fieldSelector, labelSelector } = attributes
  const errors: FieldError[] = []
  if (fieldSelector) {
    errors.push(...validateSelectorForm(fieldSelector, `${path}.fieldSelector`))
    fieldSelector.requirements?.forEach((r, i) => errors.push(...validateFieldRequirement(r, `${path}.fieldSelector.requirements[${i}]`)))
  }
  if (labelSelector) {
    errors.push(...validateSelectorForm(labelSelector, `${path}.labelSelector`))
    labelSelector.requirements?.forEach((r, i) =>
      errors.push(...validateLabelSelectorRequirement(r, `${path}.labelSelector.requirements[${i}]`, { allowUnknownOperatorInRequirement: true })),
    )
  }
  return errors
}

function validateSelectorForm({ rawSelector, requirements }: { rawSelector?: string; requirements?: readonly unknown[] }, path: string): FieldError[] {
  const hasRequirements = Boolean(requirements?.length)
  if (rawSelector && hasRequirements) return [field.invalid(`${path}.rawSelector`, rawSelector, 'may not specified at the same time as requirements')]
  return rawSelector || hasRequirements ? [] : [field.required(`${path}.requirements`, `when ${path} is specified, requirements or rawSelector is required`)]
}

function validateFieldRequirement({ key, operator, values }: { key?: string; operator?: string; values?: string[] }, path: string): FieldError[] {
  const errors: FieldError[] = []
  if (!key) errors.push(field.required(`${path}.key`, 'must be specified'))
  if ((operator === 'In' || operator === 'NotIn') && !values?.length) errors.push(field.required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'"))
  if ((operator === 'Exists' || operator === 'DoesNotExist') && values?.length) {
    errors.push(field.forbidden(`${path}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"))
  }
  return errors
}

/** Asks the authorizer and writes its verdict as a status. */
export async function askAuthorizer(spec: Spec, user: UserInfo, ctx: WriteContext): Promise<SubjectAccessReviewStatus> {
  const notes: string[] = []
  const attributes = attributesOf(spec, user, notes)
  const verdict = ctx.system.authorizer ? await ctx.system.authorizer.authorize(attributes) : { decision: 'Allow', reason: '' }
  if ('error' in verdict && verdict.error) notes.unshift(verdict.error)
  return {
    allowed: verdict.decision === 'Allow',
    ...(verdict.decision === 'Deny' ? { denied: true } : {}),
    ...(verdict.reason ? { reason: verdict.reason } : {}),
    ...(notes.length ? { evaluationError: notes.join('; ') } : {}),
  }
}

function attributesOf({ resourceAttributes, nonResourceAttributes }: Spec, user: UserInfo, notes: string[]): AuthorizationAttributes {
  if (!resourceAttributes) return { user, verb: nonResourceAttributes?.verb ?? '', path: nonResourceAttributes?.path ?? '' }
  const { verb = '', namespace = '', group = '', version, resource = '', subresource = '', name = '', fieldSelector, labelSelector } = resourceAttributes
  const fields = fieldSelector ? requirementsOf(() => fieldTerms(fieldSelector), 'fieldSelector', notes) : undefined
  const labels = labelSelector ? requirementsOf(() => labelTerms(labelSelector), 'labelSelector', notes) : undefined
  return {
    ...{ user, verb, namespace, apiGroup: group, apiVersion: version || '*', resource, subresource, name },
    ...(fields ? { fieldSelector: fields } : {}),
    ...(labels ? { labelSelector: labels } : {}),
  }
}

/** The terms that could be read; a note tells of the others. */
function requirementsOf(read: () => (SelectorRequirement | undefined)[], name: string, notes: string[]): SelectorRequirement[] {
  let terms: (SelectorRequirement | undefined)[] = [undefined]
  try {
    terms = read()
  } catch (error) {
    if (!(error instanceof ParseError)) throw error
  }
  const known = terms.filter((t) => t !== undefined)
  if (known.length < terms.length) notes.push(`spec.resourceAttributes.${name} ${known.length ? 'partially ' : ''}ignored due to parse error`)
  return known
}

function fieldTerms({ rawSelector, requirements = [] }: FieldSelectorAttributes): (SelectorRequirement | undefined)[] {
  if (rawSelector && !requirements.length) return parseFieldSelector(rawSelector).requirements.map((r) => ({ key: r.field, operator: r.operator, values: [r.value] }))
  return requirements.map(({ key = '', operator, values = [] }) => {
    const known = operator === 'In' ? '=' : operator === 'NotIn' ? '!=' : undefined
    return known && values.length === 1 ? { key, operator: known, values } : undefined
  })
}

function labelTerms({ rawSelector, requirements = [] }: LabelSelectorAttributes): (SelectorRequirement | undefined)[] {
  if (rawSelector && !requirements.length) return [...parseSelector(rawSelector).requirements]
  return requirements.map(({ key = '', operator = '', values = [] }) => {
    try {
      const known = LABEL_OPERATORS[operator]
      return known && makeRequirement(key, known, values)
    } catch (error) {
      if (error instanceof ParseError) return undefined
      throw error
    }
  })
}

export const userOf = ({ user = '', uid, groups = [], extra }: SubjectAccessReviewSpec): UserInfo => ({ name: user, groups, ...(uid ? { uid } : {}), ...(extra ? { extra } : {}) })
