/** The file that says who decides what users may do, and in which order. Models k8s.io/apiserver/pkg/apis/apiserver/v1 (AuthorizationConfiguration), its validation, and LoadAndValidateData of k8s.io/kubernetes/pkg/kubeapiserver/authorizer. */
import fs from 'node:fs'
import path from 'node:path'
import { decodeConfigFile } from '../apimachinery/config/config-file.ts'
import { struct, typeMeta } from '../apimachinery/config/shape.ts'
import { formatDuration, parseDuration } from '../apimachinery/go-duration.ts'
import { ParseError } from '../apimachinery/parse-error.ts'
import { isDNS1123Subdomain } from '../apimachinery/validation.ts'
import { aggregateErrors, aggregateTexts, field, type FieldError } from '../errors.ts'
import { remoteOfKubeconfig } from './kubeconfig-remote.ts'
import { MatchConditions } from './match-conditions.ts'
import type { AuthorizationWebhook } from './webhooks.ts'

export const MODES = ['ABAC', 'AlwaysAllow', 'AlwaysDeny', 'Node', 'RBAC', 'Webhook']
const MAX_TIMEOUT = 30_000_000_000n
const FILE = 'KubeConfigFile'

export interface ConfiguredAuthorizer {
  type: string
  name: string
  webhook?: AuthorizationWebhook
}

interface ConnectionInfo {
  type?: string
  kubeConfigFile?: string
}

interface WebhookConfiguration {
  authorizedTTL?: string
  cacheAuthorizedRequests?: boolean
  unauthorizedTTL?: string
  cacheUnauthorizedRequests?: boolean
  timeout?: string
  subjectAccessReviewVersion?: string
  matchConditionSubjectAccessReviewVersion?: string
  failurePolicy?: string
  connectionInfo?: ConnectionInfo
  matchConditions?: { expression?: string }[]
}

interface AuthorizerConfiguration {
  type?: string
  name?: string
  webhook?: WebhookConfiguration
}

const shape = struct('AuthorizationConfiguration', {
  ...typeMeta,
  authorizers: {
    list: struct('AuthorizerConfiguration', {
      type: 'string',
      name: 'string',
      webhook: struct('WebhookConfiguration', {
        authorizedTTL: 'duration',
        cacheAuthorizedRequests: 'bool',
        unauthorizedTTL: 'duration',
        cacheUnauthorizedRequests: 'bool',
        timeout: 'duration',
        subjectAccessReviewVersion: 'string',
        matchConditionSubjectAccessReviewVersion: 'string',
        failurePolicy: 'string',
        connectionInfo: struct('WebhookConnectionInfo', { type: 'string', kubeConfigFile: 'string' }),
        matchConditions: { list: struct('WebhookMatchCondition', { expression: 'string' }) },
      }),
    }),
  },
})

/** In the order they are asked. Throws ParseError in upstream's words. */
export function parseAuthorizationConfiguration(text: string): ConfiguredAuthorizer[] {
  const { authorizers = [] } = decoded(text)
  const errors: FieldError[] = authorizers.length === 0 ? [field.required('authorizers', 'at least one authorization mode must be defined')] : []
  const configured = authorizers.flatMap((authorizer, i) => {
    const earlier = authorizers.slice(0, i)
    return authorizerOf(authorizer, { at: `authorizers[${i}]`, errors, earlier }) ?? []
  })
  if (errors.length > 0) throw new ParseError(aggregateErrors(errors))
  const misnamed = configured.filter(({ type, name }) => type !== 'Webhook' && name !== type.toLowerCase())
  if (misnamed.length > 0) throw new ParseError(aggregateTexts(misnamed.map(({ type, name }) => `expected name ${type.toLowerCase()} for authorizer ${type} instead of ${name}`)))
  return configured
}

function decoded(text: string): { authorizers?: AuthorizerConfiguration[] } {
  // Upstream takes an empty file for one that names nobody.
  if (text === '') return {}
  try {
    return decodeConfigFile(text, { group: 'apiserver.config.k8s.io', versions: ['v1', 'v1beta1', 'v1alpha1'], kind: 'AuthorizationConfiguration', shape })
  } catch (error) {
    if (!(error instanceof ParseError)) throw error
    throw new ParseError(`failed to load AuthorizationConfiguration from file: ${error.message}`, { cause: error })
  }
}

interface Place {
  at: string
  errors: FieldError[]
}

function authorizerOf({ type = '', name = '', webhook }: AuthorizerConfiguration, { at, errors, earlier }: Place & { earlier: readonly AuthorizerConfiguration[] }): ConfiguredAuthorizer | undefined {
  const wrongType = typeError(type, `${at}.type`, earlier)
  if (wrongType) {
    errors.push(wrongType)
    return undefined
  }
  errors.push(...nameErrors(name, `${at}.name`, earlier))
  if (type !== 'Webhook') {
    if (webhook) errors.push(field.invalid(`${at}.webhook`, 'non-null', 'may only be specified when type=Webhook'))
    return { type, name }
  }
  if (!webhook) errors.push(field.required(`${at}.webhook`, 'required when type=Webhook'))
  const asked = webhook && webhookOf(webhook, { at, errors })
  return asked && { type, name, webhook: asked }
}

function typeError(type: string, at: string, earlier: readonly AuthorizerConfiguration[]): FieldError | undefined {
  if (!type) return field.required(at)
  if (!MODES.includes(type)) return field.notSupported(at, type, MODES)
  return type !== 'Webhook' && earlier.some((other) => other.type === type) ? field.duplicate(at, type) : undefined
}

function nameErrors(name: string, at: string, earlier: readonly AuthorizerConfiguration[]): FieldError[] {
  if (!name) return [field.required(at)]
  if (earlier.some((other) => other.name === name)) return [field.duplicate(at, name)]
  const problems = isDNS1123Subdomain(name)
  return problems.length > 0 ? [field.invalid(at, name, `authorizer name is invalid: ${problems.join(', ')}`)] : []
}

function webhookOf(given: WebhookConfiguration, { at, errors }: Place): AuthorizationWebhook | undefined {
  const before = errors.length
  const timeoutMs = durationMs(given.timeout ?? '0s', { at: `${at}.timeout`, errors, max: MAX_TIMEOUT })
  const ttlMs = durationMs(orDefault(given.authorizedTTL, '5m'), { at: `${at}.authorizedTTL`, errors })
  const unauthorizedTtlMs = durationMs(orDefault(given.unauthorizedTTL, '30s'), { at: `${at}.unauthorizedTTL`, errors })
  const { subjectAccessReviewVersion: reviewVersion = '', matchConditionSubjectAccessReviewVersion: conditionVersion = '', failurePolicy = '', connectionInfo = {}, matchConditions = [] } = given
  errors.push(...oneOf(`${at}.subjectAccessReviewVersion`, reviewVersion, ['v1', 'v1beta1']))
  if (conditionVersion) errors.push(...oneOf(`${at}.matchConditionSubjectAccessReviewVersion`, conditionVersion, ['v1']))
  else if (matchConditions.length > 0) errors.push(field.required(`${at}.matchConditionSubjectAccessReviewVersion`, 'required if match conditions are specified'))
  errors.push(...oneOf(`${at}.failurePolicy`, failurePolicy, ['NoOpinion', 'Deny']), ...connectionErrors(connectionInfo, `${at}.connectionInfo`))
  const conditions = MatchConditions.compile(matchConditions.map(({ expression = '' }) => expression), at, errors)
  if (errors.length > before) return undefined
  return {
    // upstream's own error for what a cluster inside of itself would need
    remote: { ...connect(connectionInfo), timeoutMs },
    ttlMs: given.cacheAuthorizedRequests === false ? 0 : ttlMs,
    unauthorizedTtlMs: given.cacheUnauthorizedRequests === false ? 0 : unauthorizedTtlMs,
    onError: failurePolicy === 'Deny' ? 'Deny' : 'NoOpinion',
    reviewVersion,
    conditions,
  }
}

function connect({ type, kubeConfigFile = '' }: ConnectionInfo) {
  if (type !== FILE) throw new ParseError(`the connection ${type} of an authorization webhook is not supported: this server is in no cluster`)
  try {
    return remoteOfKubeconfig(kubeConfigFile)
  } catch (error) {
    throw new ParseError(`${kubeConfigFile}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}

const orDefault = (text: string | undefined, fallback: string): string => (text === undefined || parseDuration(text) === 0n ? fallback : text)

function durationMs(text: string, { at, errors, max }: Place & { max?: bigint }): number {
  const nanos = parseDuration(text)
  if (nanos === 0n) errors.push(field.required(at))
  else if (nanos < 0n || (max !== undefined && nanos > max)) errors.push(field.invalid(at, formatDuration(nanos), max === undefined ? 'must be > 0s' : `must be > 0s and <= ${formatDuration(max)}`))
  return Number(nanos / 1_000_000n)
}

function oneOf(at: string, value: string, known: readonly string[]): FieldError[] {
  if (!value) return [field.required(at)]
  return known.includes(value) ? [] : [field.notSupported(at, value, known)]
}

function connectionErrors({ type = '', kubeConfigFile }: ConnectionInfo, at: string): FieldError[] {
  const file = `${at}.kubeConfigFile`
  if (!type) return [field.required(`${at}.type`)]
  if (type === 'InClusterConfig') return kubeConfigFile === undefined ? [] : [field.invalid(file, kubeConfigFile, 'can only be set when type=KubeConfigFile')]
  if (type !== FILE) return [field.notSupported(`${at}.type`, { Type: type, KubeConfigFile: kubeConfigFile ?? null }, ['InClusterConfig', FILE])]
  if (!kubeConfigFile) return [field.required(file)]
  if (!path.isAbsolute(kubeConfigFile)) return [field.invalid(file, kubeConfigFile, 'must be an absolute path')]
  const found = fs.statSync(kubeConfigFile, { throwIfNoEntry: false })
  if (!found) return [field.invalid(file, kubeConfigFile, `error loading file: stat ${kubeConfigFile}: no such file or directory`)]
  return found.isFile() ? [] : [field.invalid(file, kubeConfigFile, 'must be a regular file')]
}
