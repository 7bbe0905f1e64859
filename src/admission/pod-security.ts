/**
 * Pod security standards by the labels of namespaces. Models k8s.io/kubernetes/plugin/pkg/admission/security/podsecurity
 * and k8s.io/pod-security-admission/admission; as configured by default nothing is exempt.
 */
import type { Container, EphemeralContainer, Namespace, Pod, PodTemplateSpec } from '../../schemas/types.ts'
import { equalJSON } from '../apimachinery/json.ts'
import { internalError, invalid, quote, type FieldError } from '../errors.ts'
import type { KubeObject } from '../registry/kind.ts'
import type { AdmissionAttributes, AdmissionPlugin } from './chain.ts'
import { detailsText, evaluatePod } from './pod-security/evaluate.ts'
import { podWarnings } from './pod-security/namespace-pods.ts'
import { compareLevels, formatLevel, isPrivileged, isSameLevel, policyFor, PREFIX, type LevelVersion, type Policy } from './pod-security/policy.ts'
import type { Finding, Subject } from './pod-security/check.ts'
import { aggregate, refuse } from './refuse.ts'

const IGNORED_SUBRESOURCES = new Set(['exec', 'attach', 'binding', 'eviction', 'log', 'portforward', 'proxy', 'status'])

/** Where kinds keep the template of the pods that they will make. */
const TEMPLATES: Readonly<Record<string, (object: never) => PodTemplateSpec | undefined>> = {
  replicationcontrollers: (rc: { spec: { template?: PodTemplateSpec } }) => rc.spec.template,
  podtemplates: (t: { template?: PodTemplateSpec }) => t.template,
  'replicasets.apps': (rs: { spec: { template?: PodTemplateSpec } }) => rs.spec.template,
  'deployments.apps': (d: { spec: { template?: PodTemplateSpec } }) => d.spec.template,
  'statefulsets.apps': (s: { spec: { template?: PodTemplateSpec } }) => s.spec.template,
  'daemonsets.apps': (d: { spec: { template?: PodTemplateSpec } }) => d.spec.template,
  'jobs.batch': (j: { spec: { template?: PodTemplateSpec } }) => j.spec.template,
  'cronjobs.batch': (c: { spec: { jobTemplate?: { spec?: { template?: PodTemplateSpec } } } }) => c.spec.jobTemplate?.spec?.template,
}

export const podSecurity: AdmissionPlugin = {
  name: 'PodSecurity',
  validate(attributes) {
    const { operation, kind } = attributes
    if (operation !== 'CREATE' && operation !== 'UPDATE') return
    if (kind.group === '' && kind.plural === 'namespaces') return validateNamespace(attributes)
    if (kind.group === '' && kind.plural === 'pods') return validatePod(attributes)
    validateTemplate(attributes)
  },
}

function validateNamespace(attributes: AdmissionAttributes): void {
  const { subresource, object, oldObject, kind, name, ctx } = attributes
  if (subresource || !object) return
  const { policy, errors } = policyFor(object.metadata.labels)
  if (!oldObject) return checkLabels(errors)
  const old = policyFor((oldObject as Namespace).metadata.labels)
  if (!equalJSON(errors, old.errors)) checkLabels(errors)
  const { enforce } = policy
  if (isSameLevel(enforce, old.policy.enforce) || enforce.level === 'privileged') return
  if (enforce.minor === old.policy.enforce.minor && compareLevels(enforce.level, old.policy.enforce.level) <= 0) return
  const namespace = object.metadata.name ?? ''
  for (const warning of podWarnings(namespace, enforce, ctx.system.list<Pod>('v1/Pod', namespace))) ctx.warn(warning)

  function checkLabels(found: FieldError[]): void {
    if (found.length > 0) throw invalid(kind, name, found)
  }
}

function validatePod(attributes: AdmissionAttributes): void {
  const { subresource, object, oldObject, ctx } = attributes
  if (IGNORED_SUBRESOURCES.has(subresource) || !object) return
  const { policy, errors } = policyOf(attributes)
  if (errors.length === 0 && isPrivileged(policy)) return annotate(attributes, 'enforce-policy', formatLevel({ level: 'privileged', minor: Infinity }))
  const pod = object as Pod
  if (oldObject && !changesImages(pod, oldObject as Pod)) return
  const { metadata, spec } = pod
  const subject = { metadata, spec }
  noteErrors(attributes, errors)
  annotate(attributes, 'enforce-policy', formatLevel(policy.enforce))
  const enforced = evaluatePod(policy.enforce, subject)
  audit(attributes, policy, subject)
  if (enforced.length > 0) throw refuse(attributes, `violates ${describe(policy.enforce, enforced)}`)
  warn(policy, subject, (text) => ctx.warn(text))
}

/** Templates are never refused: that happens to their pods. */
function validateTemplate(attributes: AdmissionAttributes): void {
  const { kind, subresource, object, ctx } = attributes
  const { group, resource } = kind.groupResource
  const templateOf = TEMPLATES[group ? `${resource}.${group}` : resource]
  if (!templateOf || subresource || !object || !namespaceOf(attributes)) return
  const { policy, errors } = policyOf(attributes)
  if (errors.length === 0 && policy.warn.level === 'privileged' && policy.audit.level === 'privileged') return
  const template = templateOf(object as never)
  if (!template) return
  const subject: Subject = { metadata: template.metadata ?? {}, spec: template.spec ?? {} }
  noteErrors(attributes, errors)
  audit(attributes, policy, subject)
  warn(policy, subject, (text) => ctx.warn(text))
}

function namespaceOf({ namespace, ctx }: AdmissionAttributes): KubeObject | undefined {
  return ctx.system.get('v1/Namespace', '', namespace)
}

function policyOf(attributes: AdmissionAttributes): ReturnType<typeof policyFor> {
  const found = namespaceOf(attributes)
  if (!found) throw internalError(`failed to lookup namespace ${quote(attributes.namespace)}`)
  return policyFor(found.metadata.labels)
}

function noteErrors(attributes: AdmissionAttributes, errors: readonly FieldError[]): void {
  if (errors.length > 0) annotate(attributes, 'error', `Failed to parse policy: ${aggregate(errors.map((e) => `${e.field}: ${e.body}`))}`)
}

function audit(attributes: AdmissionAttributes, policy: Policy, subject: Subject): void {
  const findings = evaluatePod(policy.audit, subject)
  if (findings.length > 0) annotate(attributes, 'audit-violations', `would violate ${describe(policy.audit, findings)}`)
}

function warn({ warn: level }: Policy, subject: Subject, tell: (text: string) => void): void {
  const findings = evaluatePod(level, subject)
  if (findings.length > 0) tell(`would violate ${describe(level, findings)}`)
}

function describe(level: LevelVersion, findings: readonly Finding[]): string {
  return `PodSecurity ${quote(formatLevel(level))}: ${detailsText(findings)}`
}

function annotate({ ctx }: AdmissionAttributes, key: string, value: string): void {
  ctx.annotateAudit(PREFIX + key, value)
}

/** Of what the checks look at, only images and ephemeral containers can change. */
function changesImages({ spec }: Pod, { spec: old }: Pod): boolean {
  const differ = (now: readonly Container[] = [], before: readonly Container[] = []) => now.length !== before.length || now.some((c, i) => c.image !== before[i]?.image)
  const isNew = (c: EphemeralContainer) => old.ephemeralContainers?.find(({ name }) => name === c.name)?.image !== c.image
  return differ(spec.containers, old.containers) || differ(spec.initContainers, old.initContainers) || (spec.ephemeralContainers ?? []).some(isNew)
}
