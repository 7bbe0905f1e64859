/** networking.k8s.io/v1 IPAddress. Models k8s.io/kubernetes/pkg/registry/networking/ipaddress. */
import { equalJSON } from '../../../src/apimachinery/json.ts'
import { isValidIP } from '../../../src/apimachinery/validation-ip.ts'
import { isPathSegmentName } from '../../../src/apimachinery/validation.ts'
import { field, formatBadValue, type FieldError } from '../../../src/errors.ts'
import { defineKind } from '../../../src/registry/kind.ts'
import type { IPAddress, ParentReference } from '../../../schemas/types.ts'
import { ageColumn, nameColumn } from '../../_columns.ts'
import { invalids, validateSubdomain } from '../../_field-errors.ts'
import { validateMetadataOf } from '../../_validate-metadata.ts'

/** The name is the address, in canonical form. */
function validateName(name: string): string[] {
  const head = `Invalid value: ${formatBadValue(name)}: `
  return isValidIP('', name).map(({ body }) => (body.startsWith(head) ? body.slice(head.length) : body))
}

function validate({ spec: { parentRef } }: IPAddress): FieldError[] {
  const path = 'spec.parentRef'
  if (!parentRef) return [field.required(path)]
  const { group, resource, name, namespace } = parentRef
  const segment = (part: string, value: string | undefined): FieldError[] =>
    value ? invalids(`${path}.${part}`, value, isPathSegmentName(value)) : part === 'namespace' ? [] : [field.required(`${path}.${part}`)]
  return [
    ...(group ? validateSubdomain(`${path}.group`, group) : []),
    ...segment('resource', resource),
    ...segment('name', name),
    ...segment('namespace', namespace),
  ]
}

/** As upstream's internal type prints. */
function printed(ref: ParentReference | undefined): unknown {
  return ref ? { Group: ref.group ?? '', Resource: ref.resource ?? '', Namespace: ref.namespace ?? '', Name: ref.name ?? '' } : null
}

function parentText({ spec: { parentRef } }: IPAddress): string {
  if (!parentRef) return '<none>'
  const { group, resource = '', namespace, name = '' } = parentRef
  return `${(group ? `${resource}.${group}` : resource).toLowerCase()}${namespace ? `/${namespace}` : ''}/${name}`
}

export default defineKind<IPAddress>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IPAddress',
  plural: 'ipaddresses',
  shortNames: ['ip'],
  namespaced: false,
  repeatsMetadataUpdate: 'last',
  columns: [nameColumn, { name: 'ParentRef', value: parentText }, { ...ageColumn, undeclared: true }],
  validateName,
  validate,
  validateUpdate(address, old) {
    const errors = [...validateMetadataOf(address, 'Cluster', { validateName }), ...validate(address)]
    const parent = printed(address.spec.parentRef)
    if (!equalJSON(parent, printed(old.spec.parentRef))) errors.push(field.invalid('spec.parentRef', parent, 'field is immutable'))
    return errors
  },
})
