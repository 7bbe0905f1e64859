/**
 * Webhook configurations of both sorts. Models the webhook parts of
 * k8s.io/kubernetes/pkg/apis/admissionregistration/validation/validation.go and v1/defaults.go.
 */
import { equalJSON } from '../../../src/apimachinery/json.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import { isDNS1035Label, isFullyQualifiedName } from '../../../src/apimachinery/validation.ts'
import { validateLabelSelector } from '../../../src/apimachinery/validate-meta.ts'
import { validateWebhookService, validateWebhookURL } from '../../_webhook-client.ts'
import { nameColumn, ageColumn } from '../../_columns.ts'
import { validateMatchConditions } from './_match-conditions.ts'
import { defaultRules, FAILURE_POLICIES, MATCH_POLICIES, validateRuleWithOperations } from './_rules.ts'
import type { Column, KubeObject } from '../../../src/registry/kind.ts'
import type { MutatingWebhook } from '../../../schemas/types.ts'

/** A mutating webhook is a validating one with reinvocationPolicy. */
type Webhook = MutatingWebhook
export type WebhookConfiguration = KubeObject & { webhooks?: Webhook[] }

const REVIEW_VERSIONS = ['v1', 'v1beta1']
const SIDE_EFFECTS = ['None', 'NoneOnDryRun', 'Some', 'Unknown']
const NO_SIDE_EFFECTS = ['None', 'NoneOnDryRun']
const REINVOCATION_POLICIES = ['IfNeeded', 'Never']

/** What an update may keep although it would be refused when new. */
interface Options {
  ignoreMatchConditions: boolean
  requireNoSideEffects: boolean
  requireKnownReviewVersion: boolean
  requireUniqueNames: boolean
  allowInvalidLabelValueInSelector: boolean
}

const STRICT: Options = {
  ignoreMatchConditions: false,
  requireNoSideEffects: true,
  requireKnownReviewVersion: true,
  requireUniqueNames: true,
  allowInvalidLabelValueInSelector: false,
}

export function defaultWebhook(hook: Webhook): void {
  hook.failurePolicy ??= 'Fail'
  hook.matchPolicy ??= 'Equivalent'
  hook.namespaceSelector ??= {}
  hook.objectSelector ??= {}
  hook.timeoutSeconds ??= 10
  if (hook.clientConfig?.service) hook.clientConfig.service.port ??= 443
  defaultRules(hook.rules)
}

export function validateWebhooks(config: WebhookConfiguration): FieldError[] {
  return validateWith(config, STRICT)
}

export function validateWebhooksUpdate(config: WebhookConfiguration, old: WebhookConfiguration): FieldError[] {
  const was = old.webhooks ?? []
  const now = config.webhooks ?? []
  return validateWith(config, {
    ignoreMatchConditions: now.length === was.length && was.every((hook, i) => equalJSON(now[i]?.matchConditions, hook.matchConditions)),
    requireNoSideEffects: was.every((hook) => NO_SIDE_EFFECTS.includes(hook.sideEffects ?? '')),
    requireKnownReviewVersion: was.every((hook) => !hook.admissionReviewVersions?.length || hook.admissionReviewVersions.some((v) => REVIEW_VERSIONS.includes(v))),
    requireUniqueNames: new Set(was.map((hook) => hook.name)).size === was.length,
    allowInvalidLabelValueInSelector: was.some((hook) => [hook.namespaceSelector, hook.objectSelector].some((s) => s && validateLabelSelector(s, '', {}).length > 0)),
  })
}

function validateWith(config: WebhookConfiguration, options: Options): FieldError[] {
  const errors: FieldError[] = []
  const names = new Set<string>()
  config.webhooks?.forEach((hook, i) => {
    const path = `webhooks[${i}]`
    errors.push(...validateWebhook(hook, path, options))
    errors.push(...validateReviewVersions(hook.admissionReviewVersions ?? [], `${path}.admissionReviewVersions`, options.requireKnownReviewVersion))
    if (!options.requireUniqueNames || !hook.name) return
    if (names.has(hook.name)) errors.push(field.duplicate(`${path}.name`, hook.name))
    names.add(hook.name)
  })
  return errors
}

function validateWebhook(hook: Webhook, path: string, options: Options): FieldError[] {
  const errors = isFullyQualifiedName(`${path}.name`, hook.name ?? '')
  const oneOf = (name: string, value: string | undefined, supported: readonly string[]): void => {
    if (value !== undefined && !supported.includes(value)) errors.push(field.notSupported(`${path}.${name}`, value, supported))
  }
  hook.rules?.forEach((rule, i) => errors.push(...validateRuleWithOperations(rule, `${path}.rules[${i}]`)))
  oneOf('failurePolicy', hook.failurePolicy, FAILURE_POLICIES)
  oneOf('matchPolicy', hook.matchPolicy, MATCH_POLICIES)
  const supported = options.requireNoSideEffects ? NO_SIDE_EFFECTS : SIDE_EFFECTS
  // it is null on the wire where nothing is told
  const sideEffects = hook.sideEffects ?? undefined
  if (sideEffects === undefined) errors.push(field.required(`${path}.sideEffects`, `must specify one of ${supported.join(', ')}`))
  oneOf('sideEffects', sideEffects, supported)
  const { timeoutSeconds } = hook
  if (timeoutSeconds !== undefined && (timeoutSeconds > 30 || timeoutSeconds < 1)) {
    errors.push(field.invalid(`${path}.timeoutSeconds`, timeoutSeconds, 'the timeout value must be between 1 and 30 seconds'))
  }
  const { allowInvalidLabelValueInSelector } = options
  if (hook.namespaceSelector) errors.push(...validateLabelSelector(hook.namespaceSelector, `${path}.namespaceSelector`, { allowInvalidLabelValueInSelector }))
  if (hook.objectSelector) errors.push(...validateLabelSelector(hook.objectSelector, `${path}.objectSelector`, { allowInvalidLabelValueInSelector }))
  oneOf('reinvocationPolicy', hook.reinvocationPolicy, REINVOCATION_POLICIES)
  errors.push(...validateClientConfig(hook.clientConfig, `${path}.clientConfig`))
  if (!options.ignoreMatchConditions) errors.push(...validateMatchConditions(hook.matchConditions, `${path}.matchConditions`, { hasParams: false }))
  return errors
}

function validateClientConfig(config: Webhook['clientConfig'] | undefined, path: string): FieldError[] {
  const { url, service } = config ?? {}
  if ((url === undefined) === (service === undefined)) return [field.required(path, 'exactly one of url or service is required')]
  if (url !== undefined) return validateWebhookURL(`${path}.url`, url)
  return service ? validateWebhookService(`${path}.service`, service) : []
}

function validateReviewVersions(versions: readonly string[], path: string, requireKnown: boolean): FieldError[] {
  const known = REVIEW_VERSIONS.join(', ')
  if (versions.length === 0) return [field.required(path, `must specify one of ${known}`)]
  const errors: FieldError[] = []
  const seen = new Set<string>()
  versions.forEach((version, i) => {
    if (seen.has(version)) return errors.push(field.invalid(`${path}[${i}]`, version, 'duplicate version'))
    seen.add(version)
    for (const message of isDNS1035Label(version)) errors.push(field.invalid(`${path}[${i}]`, version, message))
  })
  if (requireKnown && !versions.some((v) => REVIEW_VERSIONS.includes(v))) errors.push(field.invalid(path, versions, `must include at least one of ${known}`))
  return errors
}

export const webhookColumns: readonly Column<WebhookConfiguration>[] = [nameColumn, { name: 'Webhooks', type: 'integer', value: (c) => c.webhooks?.length ?? 0 }, ageColumn]

/** The rules about generation: only the webhooks count. */
export const webhooksChanged = (config: WebhookConfiguration, old: WebhookConfiguration): boolean => !equalJSON(config.webhooks, old.webhooks)
