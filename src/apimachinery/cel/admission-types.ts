/** The variables of admission expressions and their types. Models k8s.io/apiserver/pkg/admission/plugin/cel/compile.go. */
import { AUTHORIZER_TYPE, RESOURCE_CHECK_TYPE } from './authorizer.ts'
import { type Environment, environment, type Fields, structProvider, type TypeProvider } from './environment.ts'
import { findPatchType, makePatchValue, PATCH_FUNCTIONS, patchField } from './patch-types.ts'
import { BOOL, type CelType, DYN, INT, listOf, mapOf, STRING, structType, TIMESTAMP } from './types.ts'

const texts = (...names: string[]): Fields => Object.fromEntries(names.map((name) => [name, STRING]))
const named = (name: string): CelType => structType(`kubernetes.${name}`)

/** `kubernetes.UserInfo` */
export const USER_INFO: Fields = { ...texts('username', 'uid'), groups: listOf(STRING), extra: mapOf(STRING, listOf(STRING)) }

const TYPES: Readonly<Record<string, Fields>> = {
  'kubernetes.GroupVersionKind': texts('group', 'version', 'kind'),
  'kubernetes.GroupVersionResource': texts('group', 'version', 'resource'),
  'kubernetes.UserInfo': USER_INFO,
  'kubernetes.AdmissionRequest': {
    kind: named('GroupVersionKind'),
    resource: named('GroupVersionResource'),
    requestKind: named('GroupVersionKind'),
    requestResource: named('GroupVersionResource'),
    ...texts('subResource', 'requestSubResource', 'name', 'namespace', 'operation'),
    userInfo: named('UserInfo'),
    dryRun: BOOL,
    options: DYN,
  },
  'kubernetes.NamespaceMetadata': {
    ...texts('name', 'generateName', 'namespace', 'UID', 'resourceVersion'),
    labels: mapOf(STRING, STRING),
    annotations: mapOf(STRING, STRING),
    creationTimestamp: TIMESTAMP,
    deletionTimestamp: TIMESTAMP,
    deletionGracePeriodSeconds: INT,
    generation: INT,
    finalizers: listOf(STRING),
  },
  'kubernetes.NamespaceSpec': { finalizers: listOf(STRING) },
  'kubernetes.NamespaceStatus': texts('phase'),
  'kubernetes.Namespace': { metadata: named('NamespaceMetadata'), spec: named('NamespaceSpec'), status: named('NamespaceStatus') },
}

const KNOWN = structProvider(TYPES)
const VARIABLES_TYPE = named('variables')

export interface AdmissionEnvironmentOptions {
  hasParams: boolean
  hasAuthorizer: boolean
  /** Expressions may build patches (Object, JSONPatch). */
  hasPatchTypes?: boolean
  /** The types of the variables of a policy by their names; one that is added later is known from then on. */
  variables?: ReadonlyMap<string, CelType>
}

function provider({ variables, hasPatchTypes }: AdmissionEnvironmentOptions): TypeProvider {
  return {
    find: (name) => KNOWN.find(name) ?? (variables && name === VARIABLES_TYPE.name ? VARIABLES_TYPE : hasPatchTypes ? findPatchType(name) : undefined),
    field(type, field) {
      if (type === VARIABLES_TYPE.name) return variables?.get(field)
      return Object.hasOwn(TYPES, type) ? KNOWN.field(type, field) : hasPatchTypes ? patchField(type, field) : undefined
    },
    ...(hasPatchTypes ? { create: makePatchValue } : {}),
  }
}

export function admissionEnvironment(options: AdmissionEnvironmentOptions): Environment {
  const { hasParams, hasAuthorizer, hasPatchTypes, variables } = options
  return environment({
    types: provider(options),
    ...(hasPatchTypes ? { functions: PATCH_FUNCTIONS } : {}),
    variables: {
      object: DYN,
      oldObject: DYN,
      request: named('AdmissionRequest'),
      namespaceObject: named('Namespace'),
      ...(hasParams ? { params: DYN } : {}),
      ...(hasAuthorizer ? { authorizer: AUTHORIZER_TYPE, 'authorizer.requestResource': RESOURCE_CHECK_TYPE } : {}),
      ...(variables ? { variables: VARIABLES_TYPE } : {}),
    },
  })
}
