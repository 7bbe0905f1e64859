/**
 * Tells in the status of a ValidatingAdmissionPolicy what is wrong with its expressions for the types that it matches.
 * Models k8s.io/kubernetes/pkg/controller/validatingadmissionpolicystatus.
 */
import type { CustomResourceDefinition, JSONSchemaProps, Rule, ValidatingAdmissionPolicy, ValidatingAdmissionPolicySpec } from '../schemas/types.ts'
import { builtInSchema } from '../src/apimachinery/cel/built-in-schema.ts'
import { schemaType, type SchemaType } from '../src/apimachinery/cel/schema-types.ts'
import { expressionWarnings, type MatchedType } from '../src/apimachinery/cel/type-check.ts'
import { defineController, type ControllerContext, type ServedType } from '../src/controller/controller.ts'
import { DEFINITION } from './_crd-conditions.ts'

const POLICY = 'admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy'
const MAX_TYPES = 10

export default defineController<ValidatingAdmissionPolicy>({
  name: 'validatingadmissionpolicy-status',
  for: POLICY,
  setup: ({ informers }) => void informers.lister(DEFINITION),
  wakes: isUnchecked,
  async reconcile(policy, ctx) {
    if (!isUnchecked(policy)) return
    const { name = '', generation } = policy.metadata
    const warnings = expressionWarnings(policy.spec, typesOf(policy.spec, ctx))
    const status = { observedGeneration: generation, typeChecking: warnings.length > 0 ? { expressionWarnings: warnings } : {} }
    await ctx.client.patch(POLICY, { name }, { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingAdmissionPolicy', metadata: { name }, status }, { type: 'apply', subresource: 'status', fieldManager: 'validatingadmissionpolicy-status', force: true })
  },
})

function isUnchecked({ metadata, status }: ValidatingAdmissionPolicy): boolean {
  return (metadata.generation ?? 0) > (status?.observedGeneration ?? 0)
}

function typesOf({ matchConstraints, paramKind }: ValidatingAdmissionPolicySpec, ctx: ControllerContext): { matched: MatchedType[]; params: SchemaType | undefined } {
  const matched = matchedTypes(matchConstraints?.resourceRules ?? [], ctx.served?.() ?? []).flatMap(({ group, version, kind }): MatchedType[] => {
    const schema = schemaOf({ group, version, kind }, ctx)
    return schema ? [{ name: `${group}/${version}, Kind=${kind}`, type: schemaType(schema, kind, true) }] : []
  })
  const [version = '', group = ''] = (paramKind?.apiVersion ?? '').split('/').reverse()
  const params = paramKind && schemaOf({ group, version, kind: paramKind.kind ?? '' }, ctx)
  return { matched, params: params && schemaType(params, `${paramKind?.kind ?? ''}Params`, true) }
}

/** The kinds that rules name in full, in order. Models typesToCheck. */
export function matchedTypes(rules: readonly Rule[], served: readonly ServedType[]): ServedType[] {
  const found = new Set<ServedType>()
  for (const { apiGroups = [], apiVersions = [], resources = [] } of rules) {
    if ([...apiGroups, ...apiVersions].some((name) => name.includes('*'))) continue
    const plain = resources.filter((name) => !/[*/]/.test(name))
    // A group that is not named is any.
    const isNamed = ({ group, version, plural }: ServedType) => (apiGroups.includes(group) || apiGroups.includes('')) && apiVersions.includes(version) && plain.includes(plural)
    for (const type of served.filter(isNamed).slice(0, MAX_TYPES)) found.add(type)
  }
  const order = ({ group, version, kind }: ServedType) => `${group}\n${version}\n${kind}`
  return [...found].sort((a, b) => (order(a) < order(b) ? -1 : 1))
}

function schemaOf(gvk: { group: string; version: string; kind: string }, { informers }: ControllerContext): JSONSchemaProps | undefined {
  const builtIn = builtInSchema(gvk)
  if (builtIn) return builtIn
  const crd = informers.lister<CustomResourceDefinition>(DEFINITION).list().find(({ spec, status }) => spec.group === gvk.group && status?.acceptedNames?.kind === gvk.kind)
  const version = crd?.spec.versions?.find(({ name }) => name === gvk.version)
  if (!version) return undefined
  const schema = version.schema?.openAPIV3Schema ?? {}
  return { ...schema, type: 'object', properties: { ...schema.properties, ...resourceMembers() } }
}

let members: Record<string, JSONSchemaProps> | undefined
const resourceMembers = (): Record<string, JSONSchemaProps> => (members ??= { apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata: objectMeta() })

/** That of any kind. */
function objectMeta(): JSONSchemaProps {
  const metadata = builtInSchema({ group: '', version: 'v1', kind: 'ConfigMap' })?.properties?.metadata
  if (!metadata) throw new Error('there are no facts about metadata')
  return metadata
}
