/** networking.k8s.io/v1 IngressClass. Models k8s.io/kubernetes/pkg/registry/networking/ingressclass. */
import { byteLength, isDNS1123Label, isDomainPrefixedPath } from '../../../src/apimachinery/validation.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import { defineKind } from '../../../src/registry/kind.ts'
import type { IngressClass, IngressClassParametersReference } from '../../../schemas/types.ts'
import { ageColumn, nameColumn } from '../../_columns.ts'
import { invalids } from '../../_field-errors.ts'
import { validateMetadataOf } from '../../_validate-metadata.ts'
import { validateKindAndName } from './_ingress-validation.ts'

const IS_DEFAULT = 'ingressclass.kubernetes.io/is-default-class'
const MAX_CONTROLLER = 250

function validateParameters(parameters: IngressClassParametersReference | undefined, path: string): FieldError[] {
  if (!parameters) return []
  const { scope, namespace } = parameters
  const errors = validateKindAndName(parameters, path)
  const at = `${path}.namespace`
  if (scope === undefined) return [...errors, field.required(`${path}.scope`)]
  if (scope === 'Namespace') {
    if (namespace === undefined) return [...errors, field.required(at, "`parameters.scope` is set to 'Namespace'")]
    return [...errors, ...invalids(at, namespace, isDNS1123Label(namespace))]
  }
  if (scope !== 'Cluster') return [...errors, field.notSupported(`${path}.scope`, scope, ['Cluster', 'Namespace'])]
  return namespace === undefined ? errors : [...errors, field.forbidden(at, "`parameters.scope` is set to 'Cluster'")]
}

function validate({ spec }: IngressClass): FieldError[] {
  const { controller = '' } = spec
  const path = 'spec.controller'
  return [
    ...(byteLength(controller) > MAX_CONTROLLER ? [field.tooLong(path, MAX_CONTROLLER)] : []),
    ...isDomainPrefixedPath(path, controller),
    ...validateParameters(spec.parameters, 'spec.parameters'),
  ]
}

function parametersText({ spec: { parameters } }: IngressClass): string {
  if (!parameters) return '<none>'
  const { apiGroup, kind = '', name = '' } = parameters
  return `${kind}${typeof apiGroup === 'string' ? `.${apiGroup}` : ''}/${name}`
}

export default defineKind<IngressClass>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IngressClass',
  plural: 'ingressclasses',
  namespaced: false,
  generation: true,
  columns: [
    { ...nameColumn, value: ({ metadata }) => `${metadata.name ?? ''}${metadata.annotations?.[IS_DEFAULT] === 'true' ? ' (default)' : ''}` },
    { name: 'Controller', value: ({ spec }) => spec.controller ?? '' },
    { name: 'Parameters', value: parametersText },
    ageColumn,
  ],
  default({ spec }) {
    if (spec?.parameters) spec.parameters.scope ??= 'Cluster'
  },
  validate,
  validateUpdate(ingressClass, old) {
    const { controller = '' } = ingressClass.spec
    const changed = controller === (old.spec.controller ?? '') ? [] : [field.invalid('spec.controller', controller, 'field is immutable')]
    return [...changed, ...validateMetadataOf(ingressClass, 'Cluster'), ...validate(ingressClass)]
  },
})
