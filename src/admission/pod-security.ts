/**
 * Pod security standards by the labels of namespaces. Models k8s.io/kubernetes/plugin/pkg/admission/security/podsecurity
 * and k8s.io/pod-security-admission/admission.
 */
import type { Container, EphemeralContainer, Namespace, Pod, PodTemplateSpec } from '../../schemas/types.ts'
import { equalJSON } from '../apimachinery/json.ts'
import { aggregateErrors, type FieldError, internalError, invalid, quote } from '../errors.ts'
import type { KubeObject } from '../registry/kind.ts'
import type { AdmissionAttributes, AdmissionPlugin } from './chain.ts'
import { detailsText, evaluatePod } from './pod-security/evaluate.ts'
import { podWarnings } from './pod-security/namespace-pods.ts'
import { defaultPolicy, exemptWarning, type PodSecurityConfig } from './pod-security/configuration.ts'
import { compareLevels, formatLevel, isPrivileged, isSameLevel, policyFor, PREFIX, type LevelVersion, type Policy } from './pod-security/policy.ts'
import type { Finding, Subject } from './pod-security/check.ts'
import { refuse } from './refuse.ts'

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

interface Settings extends Required<NonNullable<PodSecurityConfig['exemptions']>> {
  fallback: Policy
}

/** @throws Error for levels that are none */
export function podSecurity(config: PodSecurityConfig = {}): AdmissionPlugin {
  const settings: Settings = { usernames: [], namespaces: [], runtimeClasses: [], ...config.exemptions, fallback: defaultPolicy(config) }
  return {
    name: 'PodSecurity',
    validate(attributes) {
      const { operation, kind } = attributes
      if (operation !== 'CREATE' && operation !== 'UPDATE') return
      if (kind.group === '' && kind.plural === 'namespaces') return validateNamespace(attributes, settings)
      if (kind.group === '' && kind.plural === 'pods') return validatePod(attributes, settings)
      validateTemplate(attributes, settings)
    },
  }
}

function validateNamespace(attributes: AdmissionAttributes, settings: Settings): void {
  const { subresource, object, oldObject, kind, name, ctx } = attributes
  if (subresource || !object) return
  const { fallback } = settings
  const { labels } = object.metadata
  const { policy, errors } = policyFor(labels, fallback)
  const old = oldObject && policyFor((oldObject as Namespace).metadata.labels, fallback)
  if (errors.length > 0 && !(old && equalJSON(errors, old.errors))) throw invalid(kind, name, errors)
  const { enforce } = policy
  if (old && (isSameLevel(enforce, old.policy.enforce) || enforce.level === 'privileged')) return
  if (old && enforce.minor === old.policy.enforce.minor && compareLevels(enforce.level, old.policy.enforce.level) <= 0) return
  const namespace = object.metadata.name ?? ''
  if (settings.namespaces.includes(namespace)) {
    const warning = exemptWarning(namespace, policy, { labels, fallback })
    if (warning) ctx.warn(warning)
    return
  }
  if (!old) return
  for (const warning of podWarnings(namespace, enforce, notExempt(ctx.system.list<Pod>('v1/Pod', namespace), settings))) ctx.warn(warning)
}

const notExempt = (pods: readonly Pod[], { runtimeClasses }: Settings): Pod[] => pods.filter(({ spec }) => !runtimeClasses.includes(spec.runtimeClassName ?? ''))

/** Whether the request is nobody's business; noted in the audit log. */
function isExempt(attributes: AdmissionAttributes, { usernames, namespaces }: Settings): boolean {
  const reason = namespaces.includes(attributes.namespace) ? 'namespace' : usernames.includes(attributes.ctx.user.name) ? 'user' : undefined
  if (reason) annotate(attributes, 'exempt', reason)
  return reason !== undefined
}

function isExemptClass(attributes: AdmissionAttributes, { spec }: Subject, { runtimeClasses }: Settings): boolean {
  const isListed = spec.runtimeClassName !== undefined && runtimeClasses.includes(spec.runtimeClassName)
  if (isListed) annotate(attributes, 'exempt', 'runtimeClass')
  return isListed
}

function validatePod(attributes: AdmissionAttributes, settings: Settings): void {
  const { subresource, object, oldObject, ctx } = attributes
  if (IGNORED_SUBRESOURCES.has(subresource) || !object || isExempt(attributes, settings)) return
  const { policy, errors } = policyOf(attributes, settings)
  if (errors.length === 0 && isPrivileged(policy)) return annotate(attributes, 'enforce-policy', formatLevel({ level: 'privileged', minor: Infinity }))
  const pod = object as Pod
  if (oldObject && !changesImages(pod, oldObject as Pod)) return
  const { metadata, spec } = pod
  const subject = { metadata, spec }
  if (isExemptClass(attributes, subject, settings)) return
  noteErrors(attributes, errors)
  annotate(attributes, 'enforce-policy', formatLevel(policy.enforce))
  const enforced = evaluatePod(policy.enforce, subject)
  audit(attributes, policy, subject)
  if (enforced.length > 0) throw refuse(attributes, `violates ${describe(policy.enforce, enforced)}`)
  warn(policy, subject, (text) => ctx.warn(text))
}

/** Templates are never refused: that happens to their pods. */
function validateTemplate(attributes: AdmissionAttributes, settings: Settings): void {
  const { kind, subresource, object, ctx } = attributes
  const { group, resource } = kind.groupResource
  const templateOf = TEMPLATES[group ? `${resource}.${group}` : resource]
  if (!templateOf || subresource || !object || isExempt(attributes, settings) || !namespaceOf(attributes)) return
  const { policy, errors } = policyOf(attributes, settings)
  if (errors.length === 0 && policy.warn.level === 'privileged' && policy.audit.level === 'privileged') return
  const template = templateOf(object as never)
  if (!template) return
  const subject: Subject = { metadata: template.metadata ?? {}, spec: template.spec ?? {} }
  if (isExemptClass(attributes, subject, settings)) return
  noteErrors(attributes, errors)
  audit(attributes, policy, subject)
  warn(policy, subject, (text) => ctx.warn(text))
}

function namespaceOf({ namespace, ctx }: AdmissionAttributes): KubeObject | undefined {
  return ctx.system.get('v1/Namespace', '', namespace)
}

function policyOf(attributes: AdmissionAttributes, { fallback }: Settings): ReturnType<typeof policyFor> {
  const found = namespaceOf(attributes)
  if (!found) throw internalError(`failed to lookup namespace ${quote(attributes.namespace)}`)
  return policyFor(found.metadata.labels, fallback)
}

function noteErrors(attributes: AdmissionAttributes, errors: readonly FieldError[]): void {
  if (errors.length > 0) annotate(attributes, 'error', `Failed to parse policy: ${aggregateErrors(errors)}`)
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
