/** Which plugins run, in upstream's order. Models pkg/kubeapiserver/options/plugins.go and the enabling of k8s.io/apiserver/pkg/server/options/admission.go. */
import { alwaysDeny } from './always-deny.ts'
import { alwaysPullImages } from './always-pull-images.ts'
import { certificateApproval } from './certificate-approval.ts'
import { certificateSigning } from './certificate-signing.ts'
import { certificateSubjectRestriction } from './certificate-subject-restriction.ts'
import type { AdmissionPlugin } from './chain.ts'
import { defaultIngressClass } from './default-ingress-class.ts'
import { defaultTolerationSeconds } from './default-toleration-seconds.ts'
import { denyServiceExternalIPs } from './deny-service-external-ips.ts'
import { checkedLimits, type PluginConfigs, type WebhookAdmissionConfig } from './configuration.ts'
import { eventRateLimit } from './event-rate-limit.ts'
import { extendedResourceToleration } from './extended-resource-toleration.ts'
import { imagePolicyWebhook } from './image-policy-webhook.ts'
import { limitPodHardAntiAffinityTopology } from './limit-pod-hard-anti-affinity-topology.ts'
import { limitRanger } from './limit-ranger.ts'
import { mutatingAdmissionPolicy } from './mutating-admission-policy.ts'
import { mutatingWebhook } from './mutating-webhook.ts'
import { namespaceAutoProvision, namespaceExists } from './namespace-exists.ts'
import { namespaceLifecycle } from './namespace-lifecycle.ts'
import { nodeDeclaredFeatureValidator } from './node-declared-feature-validator.ts'
import { nodeRestriction } from './node-restriction.ts'
import { ownerReferencesPermissionEnforcement } from './owner-references-permission-enforcement.ts'
import { persistentVolumeClaimResize } from './persistent-volume-claim-resize.ts'
import { podNodeSelector } from './pod-node-selector.ts'
import { podResizeValidator } from './pod-resize-validator.ts'
import { podSecurity } from './pod-security.ts'
import { podTolerationRestriction } from './pod-toleration-restriction.ts'
import { podTopologyLabels } from './pod-topology-labels.ts'
import { webhookMatchConditions } from './policies/match-conditions.ts'
import { priorityAdmission } from './priority.ts'
import { resourceQuota } from './resource-quota.ts'
import { runtimeClassAdmission } from './runtime-class.ts'
import { serviceAccountAdmission } from './service-account.ts'
import { defaultStorageClass, storageObjectInUseProtection } from './storage.ts'
import { taintNodesByCondition } from './taint-nodes-by-condition.ts'
import { validatingAdmissionPolicy } from './validating-admission-policy.ts'
import { validatingWebhook } from './validating-webhook.ts'
import { WebhookClient } from './webhooks/client.ts'
import type { Dial } from '../apiserver/service-endpoint.ts'
import { quote, SettingError } from '../errors.ts'

export interface AdmissionOptions {
  /** Names of plugins that run besides those that do anyway. */
  enable?: readonly string[]
  disable?: readonly string[]
  /** What the plugins of these names are configured with. */
  config?: PluginConfigs
  /** Finds what listens behind the Services that webhooks name. */
  dial?: Dial
}

interface Entry {
  name: string
  isOn: boolean
  make(parts: { options: AdmissionOptions; clientOf(config: WebhookAdmissionConfig | undefined): WebhookClient }): AdmissionPlugin
}

const on = (plugin: AdmissionPlugin): Entry => ({ name: plugin.name, isOn: true, make: () => plugin })
const off = (plugin: AdmissionPlugin): Entry => ({ name: plugin.name, isOn: false, make: () => plugin })
/** Waits for a feature that is off in this version, and does nothing until then. */
const idle = (name: string, isOn = true): Entry => ({ name, isOn, make: () => ({ name }) })

/** One that may be configured. */
const set = (name: string, isOn: boolean, make: (config: PluginConfigs) => AdmissionPlugin): Entry => ({ name, isOn, make: ({ options }) => make(options.config ?? {}) })

const ORDERED: readonly Entry[] = [
  idle('AlwaysAdmit', false),
  off(namespaceAutoProvision),
  on(namespaceLifecycle),
  off(namespaceExists),
  off(limitPodHardAntiAffinityTopology),
  on(limitRanger),
  on(serviceAccountAdmission),
  // Upstream leaves this to those who set up the cluster, and all of them turn it on.
  on(nodeRestriction),
  on(taintNodesByCondition),
  off(alwaysPullImages),
  set('ImagePolicyWebhook', false, ({ ImagePolicyWebhook: config }) => imagePolicyWebhook(config)),
  set('PodSecurity', true, ({ PodSecurity: config }) => podSecurity(config)),
  set('PodNodeSelector', false, ({ PodNodeSelector: config }) => podNodeSelector(config)),
  on(priorityAdmission),
  on(defaultTolerationSeconds),
  set('PodTolerationRestriction', false, ({ PodTolerationRestriction: config }) => podTolerationRestriction(config)),
  set('EventRateLimit', false, ({ EventRateLimit: config }) => eventRateLimit(checkedLimits(config ?? {}))),
  off(extendedResourceToleration),
  on(defaultStorageClass),
  on(storageObjectInUseProtection),
  idle('PodGroupProtection'),
  off(ownerReferencesPermissionEnforcement),
  on(persistentVolumeClaimResize),
  on(runtimeClassAdmission),
  on(certificateApproval),
  on(certificateSigning),
  idle('ClusterTrustBundleAttest'),
  on(certificateSubjectRestriction),
  on(defaultIngressClass),
  off(denyServiceExternalIPs),
  on(podTopologyLabels),
  idle('PodGroupWorkloadExists'),
  on(nodeDeclaredFeatureValidator),
  idle('JobValidation'),
  on(podResizeValidator),
  on(mutatingAdmissionPolicy),
  { name: 'MutatingAdmissionWebhook', isOn: true, make: ({ options, clientOf }) => mutatingWebhook(clientOf(options.config?.MutatingAdmissionWebhook), webhookMatchConditions) },
  on(validatingAdmissionPolicy),
  { name: 'ValidatingAdmissionWebhook', isOn: true, make: ({ options, clientOf }) => validatingWebhook(clientOf(options.config?.ValidatingAdmissionWebhook), webhookMatchConditions) },
  set('ResourceQuota', true, ({ ResourceQuota: config }) => resourceQuota(config)),
  off(alwaysDeny),
]

/** The plugins of one cluster; they may hold state, so another cluster needs its own. @throws SettingError for names that are not known or contradict each other */
export function admissionPlugins(options: AdmissionOptions = {}): AdmissionPlugin[] {
  const { enable = [], disable = [] } = options
  checkNames('enable', enable)
  checkNames('disable', disable)
  const both = enable.filter((name) => disable.includes(name)).sort()
  if (both.length > 0) throw new SettingError(`[${both.join(' ')}] in enable-admission-plugins and disable-admission-plugins overlapped`)
  // Connections that show no user are shared.
  const anonymous = new WebhookClient(options.dial)
  const clientOf = (config: WebhookAdmissionConfig | undefined) => (config?.users ? new WebhookClient(options.dial, config.users) : anonymous)
  const isEnabled = ({ name, isOn }: Entry) => enable.includes(name) || (isOn && !disable.includes(name))
  return ORDERED.filter(isEnabled).map((entry) => made(entry, { options, clientOf }))
}

function made({ name, make }: Entry, parts: Parameters<Entry['make']>[0]): AdmissionPlugin {
  try {
    return make(parts)
  } catch (error) {
    throw new SettingError(`failed to apply admission: couldn't init admission plugin ${quote(name)}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}

function checkNames(list: string, names: readonly string[]): void {
  const unknown = names.find((name) => !ORDERED.some((entry) => entry.name === name))
  if (unknown !== undefined) throw new SettingError(`${list}-admission-plugins plugin "${unknown}" is unknown`)
}
