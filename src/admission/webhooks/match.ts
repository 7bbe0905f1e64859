/**
 * Whether a webhook is called for a request, and in which version it wants the object. Models
 * k8s.io/apiserver/pkg/admission/plugin/webhook/{generic,predicates}.
 */
import type { Namespace, RuleWithOperations } from '../../../schemas/types.ts'
import { forbidden, notFound } from '../../errors.ts'
import type { KubeObject } from '../../registry/kind.ts'
import type { ServedKind } from '../../registry/scheme.ts'
import type { AdmissionAttributes } from '../chain.ts'
import type { Hook } from './hook.ts'
import type { MatchConditions } from './match-conditions.ts'

/** A webhook that is to be called. */
export interface Invocation {
  hook: Hook
  /** The version of the resource that its rule names. */
  kind: ServedKind
}

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

/** @throws StatusError 404 for a namespace that is not there, 403 when a condition cannot be evaluated */
export async function invocationOf(hook: Hook, attributes: AdmissionAttributes, conditions: MatchConditions): Promise<Invocation | undefined> {
  const kind = matchingKind(hook, attributes)
  if (!kind || !matchesObject(hook, attributes) || !matchesNamespace(hook, attributes)) return undefined
  const invocation = { hook, kind }
  if (!hook.webhook.matchConditions?.length) return invocation
  const { matches, error } = await conditions(invocation, attributes)
  if (error !== undefined) throw forbidden(attributes.kind.groupResource, attributes.name, error)
  return matches ? invocation : undefined
}

function matchingKind({ webhook }: Hook, attributes: AdmissionAttributes): ServedKind | undefined {
  const { rules = [], matchPolicy } = webhook
  const { kind, ctx } = attributes
  if (rules.some((rule) => matchesRule(rule, attributes, kind))) return kind
  if (matchPolicy !== 'Equivalent' || !rules.some((rule) => matchesOperation(rule, attributes))) return undefined
  const others = (ctx.system.kinds?.() ?? []).filter((k) => k.storage === kind.storage && k !== kind)
  for (const rule of rules) {
    const found = others.find((other) => matchesRule(rule, attributes, other))
    if (found) return found
  }
  return undefined
}

function matchesRule(rule: RuleWithOperations, attributes: AdmissionAttributes, kind: ServedKind): boolean {
  if (!matchesOperation(rule, attributes) || !includes(rule.apiGroups, kind.group) || !includes(rule.apiVersions, kind.version)) return false
  return matchesScope(rule, attributes, kind) && (rule.resources ?? []).some((resource) => matchesResource(resource, kind.plural, attributes.subresource))
}

function matchesOperation({ operations = [] }: RuleWithOperations, { operation }: AdmissionAttributes): boolean {
  return operations.includes('*') || operations.includes(operation)
}

function includes(items: readonly string[] = [], item: string): boolean {
  return items.includes('*') || items.includes(item)
}

function matchesScope({ scope = '*' }: RuleWithOperations, { namespace }: AdmissionAttributes, kind: ServedKind): boolean {
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

function matchesObject({ objectSelector }: Hook, { object, oldObject }: AdmissionAttributes): boolean {
  if (objectSelector.isEmpty) return true
  // Options of connections have no metadata.
  const matches = (o: KubeObject | undefined) => o?.metadata !== undefined && objectSelector.matches(o.metadata.labels)
  return matches(object) || matches(oldObject)
}

function matchesNamespace({ namespaceSelector }: Hook, attributes: AdmissionAttributes): boolean {
  const { kind, subresource, operation, object, ctx } = attributes
  const name = namespaceOf(attributes)
  if (namespaceSelector.isEmpty || (!name && !isNamespaces(kind))) return true
  if (isNamespaces(kind) && subresource === '' && (operation === 'CREATE' || operation === 'UPDATE')) return namespaceSelector.matches(object?.metadata.labels)
  const found = ctx.system.get<Namespace>('v1/Namespace', '', name)
  if (!found) throw notFound({ group: '', resource: 'namespaces' }, name)
  return namespaceSelector.matches(found.metadata.labels)
}
