/**
 * The file that says what admission plugins are configured with, each in its own form. Models
 * k8s.io/apiserver/pkg/admission/config.go and the configurations of the plugins.
 */
import fs from 'node:fs'
import path from 'node:path'
import { validateTolerations } from '../../api/core/v1/_scheduling-validation.ts'
import { decodeConfigFile } from '../apimachinery/config/config-file.ts'
import { struct, typeMeta } from '../apimachinery/config/shape.ts'
import { isRecord } from '../apimachinery/json.ts'
import { usersOfKubeconfig, type UsersByServer } from '../auth/kubeconfig-remote.ts'
import { parseYAML } from '../apimachinery/parse.ts'
import { aggregateErrors, field, type FieldError, quote, SettingError } from '../errors.ts'
import { EVENT_LIMIT_TYPES, type EventRateLimitConfig } from './event-rate-limit.ts'
import { imagePolicyConfig, type ImagePolicyConfig } from './image-policy-webhook.ts'
import type { PodNodeSelectorConfig } from './pod-node-selector.ts'
import { exemptionErrors, type PodSecurityConfig } from './pod-security/configuration.ts'
import type { PodTolerationRestrictionConfig } from './pod-toleration-restriction.ts'
import type { LimitedResource } from './resource-quota/limited.ts'

export interface PluginConfigs {
  EventRateLimit?: EventRateLimitConfig
  MutatingAdmissionWebhook?: WebhookAdmissionConfig
  ImagePolicyWebhook?: ImagePolicyConfig
  PodNodeSelector?: PodNodeSelectorConfig
  PodSecurity?: PodSecurityConfig
  PodTolerationRestriction?: PodTolerationRestrictionConfig
  ResourceQuota?: { limitedResources?: readonly LimitedResource[] }
  ValidatingAdmissionWebhook?: WebhookAdmissionConfig
}

/** Who the server is to webhooks. */
export interface WebhookAdmissionConfig {
  users?: UsersByServer
}

type Readers = { [Name in keyof PluginConfigs]-?: (text: string, dir: string) => NonNullable<PluginConfigs[Name]> }

const tolerations = { list: { api: 'io.k8s.api.core.v1.Toleration' } } as const
const limit = struct('Limit', { type: 'string', qps: 'int32', burst: 'int32', cacheSize: 'int32' })
const limitedResource = struct('LimitedResource', { apiGroup: 'string', resource: 'string', matchContains: { list: 'string' }, matchScopes: { list: { api: 'io.k8s.api.core.v1.ScopedResourceSelectorRequirement' } } })
const levels = struct('PodSecurityDefaults', { enforce: 'string', 'enforce-version': 'string', audit: 'string', 'audit-version': 'string', warn: 'string', 'warn-version': 'string' })
const exemptions = struct('PodSecurityExemptions', { usernames: { list: 'string' }, namespaces: { list: 'string' }, runtimeClasses: { list: 'string' } })

const READERS: Readers = {
  MutatingAdmissionWebhook: webhookAdmission,
  ValidatingAdmissionWebhook: webhookAdmission,
  EventRateLimit(text) {
    const shape = struct('Configuration', { ...typeMeta, limits: { list: limit } })
    const config = decodeConfigFile(text, { group: 'eventratelimit.admission.k8s.io', versions: ['v1alpha1'], kind: 'Configuration', shape, isLenient: true })
    return checkedLimits(config as unknown as Partial<EventRateLimitConfig>)
  },
  ImagePolicyWebhook: (text, dir) => imagePolicyConfig(yamlObject(text), dir),
  PodNodeSelector(text) {
    const { podNodeSelectorPluginConfig: config } = yamlObject(text)
    return isRecord(config) ? Object.fromEntries(Object.entries(config).map(([namespace, selector]) => [namespace, String(selector)])) : {}
  },
  PodSecurity(text) {
    const shape = struct('PodSecurityConfiguration', { ...typeMeta, defaults: levels, exemptions })
    const config = decodeConfigFile(text, { group: 'pod-security.admission.config.k8s.io', versions: ['v1', 'v1beta1', 'v1alpha1'], kind: 'PodSecurityConfiguration', shape }) as PodSecurityConfig
    refuse(exemptionErrors(config))
    return config
  },
  PodTolerationRestriction(text) {
    const shape = struct('Configuration', { ...typeMeta, default: tolerations, whitelist: tolerations })
    const config = decodeConfigFile(text, { group: 'podtolerationrestriction.admission.k8s.io', versions: ['v1alpha1'], kind: 'Configuration', shape, isLenient: true }) as PodTolerationRestrictionConfig
    const errors = [...validateTolerations(config.default ?? [], 'podtolerationrestriction.default'), ...validateTolerations(config.whitelist ?? [], 'podtolerationrestriction.whitelist')]
    if (errors.length > 0) throw new Error(`invalid config: [${errors.map(textOf).join(' ')}]`)
    return config
  },
  ResourceQuota(text) {
    const shape = struct('Configuration', { ...typeMeta, limitedResources: { list: limitedResource } })
    const kinds = [['apiserver.config.k8s.io', ['v1'], 'ResourceQuotaConfiguration'] as const, ['resourcequota.admission.k8s.io', ['v1', 'v1beta1', 'v1alpha1'], 'Configuration'] as const]
    const [group, versions, kind] = kinds.find(([name]) => String(yamlObject(text).apiVersion).startsWith(`${name}/`)) ?? kinds[0] ?? ['', [], '']
    const config = decodeConfigFile(text, { group, versions, kind, shape }) as { limitedResources?: LimitedResource[] }
    refuse((config.limitedResources ?? []).flatMap(({ resource }, i) => (resource ? [] : [field.required(`limitedResources[${i}].resource`)])))
    return config
  },
}

function webhookAdmission(text: string): WebhookAdmissionConfig {
  const shape = struct('WebhookAdmission', { ...typeMeta, kubeConfigFile: 'string', staticManifestsDir: 'string' })
  const { kubeConfigFile, staticManifestsDir } = decodeConfigFile(text, { group: 'apiserver.config.k8s.io', versions: ['v1'], kind: 'WebhookAdmissionConfiguration', shape })
  if (staticManifestsDir) throw new Error('staticManifestsDir is not supported')
  if (!kubeConfigFile) return {}
  if (!path.isAbsolute(String(kubeConfigFile))) refuse([field.invalid('kubeConfigFile', kubeConfigFile, 'must be an absolute file path')])
  return { users: usersOfKubeconfig(String(kubeConfigFile)) }
}

/** What the plugins that are on would find wrong with having no configuration at all. */
export function checkedLimits({ limits = [] }: Partial<EventRateLimitConfig>): EventRateLimitConfig {
  const errors: FieldError[] = limits.length === 0 ? [field.invalid('limits', null, 'must not be empty')] : []
  for (const [i, { type, burst = 0, qps = 0, cacheSize = 0 }] of limits.entries()) {
    if (!EVENT_LIMIT_TYPES.includes(type)) errors.push(field.notSupported(`limits[${i}].type`, type, EVENT_LIMIT_TYPES))
    if (burst <= 0) errors.push(field.invalid(`limits[${i}].burst`, burst, 'must be positive'))
    if (qps <= 0) errors.push(field.invalid(`limits[${i}].qps`, qps, 'must be positive'))
    if (type !== 'Server' && cacheSize < 0) errors.push(field.invalid(`limits[${i}].cacheSize`, cacheSize, 'must not be negative'))
  }
  refuse(errors)
  return { limits }
}

const textOf = ({ field: at, body }: FieldError): string => `${at}: ${body}`

function refuse(errors: readonly FieldError[]): void {
  if (errors.length > 0) throw new Error(aggregateErrors(errors))
}

function yamlObject(text: string): Record<string, unknown> {
  const { value } = parseYAML(text)
  return isRecord(value) ? value : {}
}

interface Given {
  plugins?: { name?: string; path?: string; configuration?: unknown }[]
}

const shape = struct('AdmissionConfiguration', { ...typeMeta, plugins: { list: struct('AdmissionPluginConfiguration', { name: 'string', path: 'string', configuration: 'raw' }) } })

/** @param file where relative paths begin. @throws SettingError in upstream's words */
export function parseAdmissionConfiguration(text: string, file: string): PluginConfigs {
  const { plugins = [] } = because('failed to apply admission: failed to read plugin config', () => decodeConfigFile(text, { group: 'apiserver.config.k8s.io', versions: ['v1', 'v1alpha1'], kind: 'AdmissionConfiguration', shape }) as Given)
  const configs = plugins.map(({ name = '', path: place = '', configuration }) => {
    const read = Object.hasOwn(READERS, name) ? READERS[name as keyof Readers] : undefined
    // Upstream takes no notice of these, and nobody would know.
    if (!read) throw new SettingError(`failed to apply admission: the configuration of the admission plugin ${quote(name)} is not supported`)
    const from = path.resolve(path.dirname(file), place)
    return because(`failed to apply admission: couldn't init admission plugin ${quote(name)}`, () => {
      if (configuration !== undefined) return [name, read(JSON.stringify(configuration), path.dirname(file))]
      return place ? [name, read(fs.readFileSync(from, 'utf8'), path.dirname(from))] : [name, undefined]
    })
  })
  return Object.fromEntries(configs.filter(([, config]) => config !== undefined)) as PluginConfigs
}

function because<T>(what: string, act: () => T): T {
  try {
    return act()
  } catch (error) {
    throw new SettingError(`${what}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}
