/** Rules and conditions of flow control. Models the rule parts of k8s.io/kubernetes/pkg/apis/flowcontrol/validation/validation.go. */
import { field, type FieldError } from '../../../src/errors.ts'
import { isDNS1123Label, isDNS1123Subdomain } from '../../../src/apimachinery/validation.ts'
import type { FlowcontrolV1Subject as Subject, NonResourcePolicyRule, PolicyRulesWithSubjects, ResourcePolicyRule, ServiceAccountSubject } from '../../../schemas/types.ts'

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'proxy', 'update', 'watch']
const SUBJECT_KINDS = ['Group', 'ServiceAccount', 'User']
/** The member of a subject that goes with each kind, in the order of upstream's checks. */
const SUBJECT_FIELDS = [
  ['ServiceAccount', 'serviceAccount'],
  ['User', 'user'],
  ['Group', 'group'],
] as const

export function validateRules(rule: PolicyRulesWithSubjects, path: string): FieldError[] {
  const errors: FieldError[] = []
  const { resourceRules = [], nonResourceRules = [] } = rule
  const subjects = rule.subjects ?? []
  subjects.forEach((subject, i) => errors.push(...validateSubject(subject, `${path}.subjects[${i}]`)))
  if (subjects.length === 0) errors.push(field.required(`${path}.subjects`, 'subjects must contain at least one value'))
  if (resourceRules.length === 0 && nonResourceRules.length === 0) errors.push(field.required(path, 'at least one of resourceRules and nonResourceRules has to be non-empty'))
  resourceRules.forEach((r, i) => errors.push(...validateResourceRule(r, `${path}.resourceRules[${i}]`)))
  nonResourceRules.forEach((r, i) => errors.push(...validateNonResourceRule(r, `${path}.nonResourceRules[${i}]`)))
  return errors
}

function validateSubject(subject: Subject, path: string): FieldError[] {
  const mine = SUBJECT_FIELDS.find(([kind]) => kind === subject.kind)
  if (!mine) return [field.notSupported(`${path}.kind`, subject.kind ?? '', SUBJECT_KINDS)]
  const [kind, name] = mine
  const errors: FieldError[] = []
  const at = `${path}.${name}`
  if (!subject[name]) errors.push(field.required(at, `${name} is required when subject kind is '${kind}'`))
  else if (kind === 'ServiceAccount') errors.push(...validateServiceAccount(subject.serviceAccount ?? {}, at))
  else if (!subject[name].name) errors.push(field.required(`${at}.name`))
  for (const [otherKind, other] of SUBJECT_FIELDS) {
    if (other !== name && subject[other]) errors.push(field.forbidden(`${path}.${other}`, `${other} is forbidden when subject kind is not '${otherKind}'`))
  }
  return errors
}

function validateServiceAccount({ name, namespace }: ServiceAccountSubject, path: string): FieldError[] {
  const errors: FieldError[] = []
  if (!name) errors.push(field.required(`${path}.name`))
  else if (name !== '*') for (const message of isDNS1123Subdomain(name)) errors.push(field.invalid(`${path}.name`, name, message))
  if (!namespace) errors.push(field.required(`${path}.namespace`, 'must specify namespace for service account'))
  else for (const message of isDNS1123Label(namespace)) errors.push(field.invalid(`${path}.namespace`, namespace, message))
  return errors
}

function validateVerbs(verbs: readonly string[], path: string): FieldError[] {
  if (verbs.length === 0) return [field.required(path, 'verbs must contain at least one value')]
  if (verbs.includes('*')) return verbs.length > 1 ? [field.invalid(path, verbs, "if '*' is present, must not specify other verbs")] : []
  return verbs.every((v) => VERBS.includes(v)) ? [] : [field.notSupported(path, verbs, VERBS)]
}

/** A list that must have members, and only one if it holds the wildcard. */
function validateList(list: readonly string[] | undefined, path: string, texts: { missing: string; others: string }): FieldError[] {
  if (!list?.length) return [field.required(path, texts.missing)]
  return list.length > 1 && list.includes('*') ? [field.invalid(path, list, `if '*' is present, must not specify other ${texts.others}`)] : []
}

function validateResourceRule(rule: ResourcePolicyRule, path: string): FieldError[] {
  const errors = validateVerbs(rule.verbs ?? [], `${path}.verbs`)
  errors.push(...validateList(rule.apiGroups, `${path}.apiGroups`, { missing: 'resource rules must supply at least one api group', others: 'api groups' }))
  errors.push(...validateList(rule.resources, `${path}.resources`, { missing: 'resource rules must supply at least one resource', others: 'resources' }))
  const at = `${path}.namespaces`
  const namespaces = rule.namespaces ?? []
  if (namespaces.includes('*')) return [...errors, ...validateList(namespaces, at, { missing: '', others: 'namespaces' })]
  if (namespaces.length === 0 && !rule.clusterScope) errors.push(field.required(at, 'resource rules that are not cluster scoped must supply at least one namespace'))
  namespaces.forEach((namespace, i) => {
    for (const message of isDNS1123Label(namespace)) errors.push(field.invalid(`${at}[${i}]`, namespace, `each member of this list must be '*' or a DNS-1123 label; ${message}`))
  })
  return errors
}

function validateNonResourceRule(rule: NonResourcePolicyRule, path: string): FieldError[] {
  const errors = validateVerbs(rule.verbs ?? [], `${path}.verbs`)
  const at = `${path}.nonResourceURLs`
  const urls = rule.nonResourceURLs ?? []
  const wrong = validateList(urls, at, { missing: 'nonResourceURLs must contain at least one value', others: 'non-resource URLs' })
  if (wrong.length || urls.includes('*')) return [...errors, ...wrong]
  urls.forEach((url, i) => {
    const why = whyNotURLPath(url)
    if (why) errors.push(field.invalid(`${at}[${i}]`, url, why))
  })
  return errors
}

function whyNotURLPath(path: string): string | undefined {
  if (path === '') return 'must not be empty'
  if (path === '/') return undefined
  if (!path.startsWith('/')) return 'must start with slash'
  if (path.includes(' ')) return 'must not contain white-space'
  if (path.includes('//')) return 'must not contain double slash'
  const wildcards = path.split('*').length - 1
  return wildcards > 1 || (wildcards === 1 && !path.endsWith('/*')) ? 'wildcard can only do suffix matching' : undefined
}

export function validateStatusConditions(conditions: readonly { type?: string }[] | undefined): FieldError[] {
  const errors: FieldError[] = []
  const seen = new Set<string>()
  conditions?.forEach(({ type = '' }, i) => {
    const path = `status.conditions[${i}].type`
    if (seen.has(type)) errors.push(field.duplicate(path, type))
    seen.add(type)
    if (!type) errors.push(field.required(path))
  })
  return errors
}
