/** The API and all that decides about its requests, built in order; nothing of it moves or listens yet. */
import apiKinds from 'folder:api'
import type { Logger } from 'pino'
import { AdmissionChain } from '../admission/chain.ts'
import { admissionPlugins, type AdmissionOptions } from '../admission/plugins.ts'
import { WebhookClient } from '../admission/webhooks/client.ts'
import { conversionWebhooks } from '../admission/webhooks/conversion.ts'
import { Aggregator } from '../apiserver/aggregation/aggregator.ts'
import { RemoteDiscovery } from '../apiserver/aggregation/remote-discovery.ts'
import { Api } from '../apiserver/api.ts'
import { FlowControl } from '../apiserver/flow-control.ts'
import { System } from '../apiserver/system-reader.ts'
import { tokensOf, type AuthenticationOptions } from '../auth/authentication.ts'
import { authorizationOf, type AuthorizationOptions } from '../auth/modes.ts'
import { ServiceAccountKeys } from '../auth/service-account-tokens.ts'
import type { Tokens } from '../auth/tokens.ts'
import type { ClusterPki } from '../auth/pki.ts'
import { ApiClient } from '../client/api-client.ts'
import { InformerFactory } from '../client/informer.ts'
import { ServiceIPAddresses } from '../client/service-ip-addresses.ts'
import type { Clock, Random } from '../clock.ts'
import { ClusterNetwork } from '../network/cluster-network.ts'
import { ServiceAllocators } from '../registry/allocators.ts'
import type { Authorizer } from '../registry/authorization.ts'
import type { KindDefinition, SystemReader } from '../registry/kind.ts'
import { codecOf } from '../registry/facts-codec.ts'
import { CustomResources } from '../registry/custom-resources.ts'
import type { ObjectStore } from '../registry/resource-storage.ts'
import { Scheme } from '../registry/scheme.ts'
import type { UsageSource } from '../registry/usage.ts'
import { nodeMetrics } from '../../api/metrics/v1beta1/_nodemetrics.ts'
import { podMetrics } from '../../api/metrics/v1beta1/_podmetrics.ts'
import type { Service, ServiceCIDR } from '../../schemas/types.ts'
import { watchConfigFiles } from './config-files.ts'
import { API_SERVER } from './network.ts'
import { SYSTEM } from './options.ts'

/** The API and what decides about it, without any way to reach it yet. */
export interface ControlPlane {
  api: Api
  informers: InformerFactory
  authorizer: Authorizer
  flowControl: FlowControl
  keys: ServiceAccountKeys
  tokens: Tokens
  system: SystemReader
  network: ClusterNetwork
  aggregation: { aggregator: Aggregator; discovery: RemoteDiscovery }
  close(): Promise<void>
}

interface ControlPlaneParts {
  store: ObjectStore
  clock: Clock
  random: Random
  log: Logger
  pki: ClusterPki
  serviceCIDRs: readonly string[]
  allowPrivileged: boolean
  /** There are nodes, whose use of resources is told. */
  hasMetrics: boolean
  /** What the containers of those use. */
  usage: UsageSource
  admission: AdmissionOptions | undefined
  authorization: AuthorizationOptions | undefined
  authentication: AuthenticationOptions
}

/** Builds the parts of the API server over a store; `close` stops what they keep open. */
export function buildControlPlane({ store, clock, random, log, pki, serviceCIDRs, allowPrivileged, hasMetrics, usage, admission, authorization = {}, authentication }: ControlPlaneParts): ControlPlane {
  const scheme = new Scheme(codecOf)
  scheme.add(apiKinds as KindDefinition[])
  if (hasMetrics) scheme.add([nodeMetrics, podMetrics] as unknown as KindDefinition[])
  const dial = (address: { host: string; port: number }) => network.connect(API_SERVER, address)
  const addresses = new ServiceIPAddresses({ client: () => new ApiClient(api, SYSTEM, { name: 'kube-apiserver' }), onError: (error) => log.error({ err: error }, 'an IPAddress was not written') })
  const allocators = new ServiceAllocators({ random, serviceCIDRs, onServiceIP: addresses })
  const keys: ServiceAccountKeys = new ServiceAccountKeys(pki.serviceAccountKey, { clock, random, system: () => system })
  const api: Api = new Api({ scheme, store, admission: new AdmissionChain(admissionPlugins({ dial, ...admission })), clock, random, system: () => system })
  const converters = new WebhookClient(dial)
  const customResources = new CustomResources({ scheme, store, converter: conversionWebhooks(converters, () => api.context({ user: SYSTEM, namespace: '' })) })
  const informers = new InformerFactory(api, (kind, error) => log.error({ err: error, kind }, 'an informer could not tell of a change'))
  const { authorizer, replace: replaceAuthorizers, close: closeAuthorizer } = authorizationOf(authorization, { feeds: informers, clock })
  const flowControl = new FlowControl(informers, clock)
  const { tokens, outside } = tokensOf(authentication, { keys, clock, system: () => system })
  const files = watchConfigFiles({ authentication, authorization, outside, replaceAuthorizers, clock, log })
  const system: SystemReader = new System(api, { allocators, authorizer, authenticator: tokens, serviceAccountTokens: keys, allowPrivileged, usage })
  allocators.restore(system.list<Service>('v1/Service'))
  followServiceCIDRs(informers, allocators)
  const network: ClusterNetwork = new ClusterNetwork({ informers, clock, random })
  const aggregator = new Aggregator({ scheme, store, system, clock, clientCert: pki.frontProxy.client, dial })
  const discovery = new RemoteDiscovery(aggregator, clock)
  return {
    api,
    informers,
    authorizer,
    flowControl,
    keys,
    tokens,
    system,
    network,
    aggregation: { aggregator, discovery },
    async close() {
      files.close()
      await addresses.settled()
      discovery.close()
      aggregator.close()
      api.admission.close()
      closeAuthorizer()
      flowControl.close()
      informers.close()
      customResources.close()
      converters.close()
    },
  }
}

/** Services get addresses of every range that is ready. */
function followServiceCIDRs(informers: InformerFactory, allocators: ServiceAllocators): void {
  const ranges = informers.for<ServiceCIDR>('networking.k8s.io/v1/ServiceCIDR')
  const isReady = ({ metadata, status }: ServiceCIDR) => !metadata.deletionTimestamp && status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True')
  const use = () => allocators.useServiceCIDRs(ranges.lister.list().filter(isReady).flatMap(({ spec }) => spec?.cidrs ?? []))
  ranges.subscribe({ add: use, update: use, delete: use })
}
