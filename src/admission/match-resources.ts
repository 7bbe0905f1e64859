/**
 * Which requests the rules and selectors of webhooks and policies are about. Models
 * k8s.io/apiserver/pkg/admission/plugin/webhook/predicates and the matching of plugin/webhook/generic.
 */
import type { Namespace, NamedRuleWithOperations } from '../../schemas/types.ts'
import type { Selector } from '../apimachinery/labels.ts'
import { notFound } from '../errors.ts'
import type { KubeObject } from '../registry/kind.ts'
import type { ServedKind } from '../registry/scheme.ts'
import type { AdmissionAttributes } from './chain.ts'

/** Rules of webhooks name no objects, those of policies may. */
type Rule = NamedRuleWithOperations

const CONFIGURATIONS = new Set([
  'ValidatingWebhookConfiguration',
  'MutatingWebhookConfiguration',
  'ValidatingAdmissionPolicy',
  'ValidatingAdmissionPolicyBinding',
  'MutatingAdmissionPolicy',
  'MutatingAdmissionPolicyBinding',
])

/** What decides about admission is not decided about by webhooks, lest it could not be repaired. */
export function isExempt({ kind }: AdmissionAttributes): boolean {
  return kind.group === 'admissionregistration.k8s.io' && CONFIGURATIONS.has(kind.kind)
}

/** The namespace a request is about: a namespace itself is in its own. */
export function namespaceOf({ kind, namespace, name, object }: AdmissionAttributes): string {
  return isNamespaces(kind) ? name || object?.metadata.name || namespace : namespace
}

const isNamespaces = ({ group, plural }: ServedKind) => group === '' && plural === 'namespaces'

/** The version of the request's resource that a rule names: its own or, where that will do, an equivalent one. */
export function matchingKind({ rules = [], matchPolicy }: { rules?: readonly Rule[] | undefined; matchPolicy?: string | undefined }, attributes: AdmissionAttributes): ServedKind | undefined {
  const { kind, ctx } = attributes
  if (rules.some((rule) => matchesRule(rule, attributes, kind))) return kind
  if (matchPolicy !== 'Equivalent' || !rules.some((rule) => matchesOperation(rule, attributes))) return undefined
  const others = (ctx.system.kinds?.() ?? []).filter((k) => k.prefix === kind.prefix && k !== kind)
  for (const rule of rules) {
    const found = others.find((other) => matchesRule(rule, attributes, other))
    if (found) return found
  }
  return undefined
}

export function matchesRule(rule: Rule, attributes: AdmissionAttributes, kind: ServedKind): boolean {
  if (!matchesOperation(rule, attributes) || !includes(rule.apiGroups, kind.group) || !includes(rule.apiVersions, kind.version)) return false
  if (rule.resourceNames?.length && !rule.resourceNames.includes(attributes.name)) return false
  return matchesScope(rule, attributes, kind) && (rule.resources ?? []).some((resource) => matchesResource(resource, kind.plural, attributes.subresource))
}

function matchesOperation({ operations = [] }: Rule, { operation }: AdmissionAttributes): boolean {
  return operations.includes('*') || operations.includes(operation)
}

function includes(items: readonly string[] = [], item: string): boolean {
  return items.includes('*') || items.includes(item)
}

function matchesScope({ scope = '*' }: Rule, { namespace }: AdmissionAttributes, kind: ServedKind): boolean {
  const isNamespaced = !isNamespaces(kind) && namespace !== ''
  return scope === '*' || (scope === 'Namespaced' && isNamespaced) || (scope === 'Cluster' && !isNamespaced)
}

/** @param rule `pods`, `pods/status`, `*`, `*` + `/*` … */
function matchesResource(rule: string, resource: string, subresource: string): boolean {
  const slash = rule.indexOf('/')
  const wanted = slash < 0 ? rule : rule.slice(0, slash)
  const sub = slash < 0 ? '' : rule.slice(slash + 1)
  return (wanted === '*' || wanted === resource) && (sub === '*' || sub === subresource)
}

export function matchesObject(selector: Selector, { object, oldObject }: AdmissionAttributes): boolean {
  if (selector.isEmpty) return true
  // Options of connections have no metadata.
  const matches = (o: KubeObject | undefined) => o?.metadata !== undefined && selector.matches(o.metadata.labels)
  return matches(object) || matches(oldObject)
}

/** @throws StatusError 404 for a namespace that is not there */
export function matchesNamespace(selector: Selector, attributes: AdmissionAttributes): boolean {
  const { kind, subresource, operation, object, ctx } = attributes
  const name = namespaceOf(attributes)
  if (selector.isEmpty || (!name && !isNamespaces(kind))) return true
  if (isNamespaces(kind) && subresource === '' && (operation === 'CREATE' || operation === 'UPDATE')) return selector.matches(object?.metadata.labels)
  const found = ctx.system.get<Namespace>('v1/Namespace', '', name)
  if (!found) throw notFound({ group: '', resource: 'namespaces' }, name)
  return selector.matches(found.metadata.labels)
}
