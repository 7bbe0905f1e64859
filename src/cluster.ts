/**
 * The composition root: builds a cluster from its parts, starts them in order and closes them in reverse. Everything a part
 * needs is handed to it here.
 */
import fs from 'node:fs'
import path from 'node:path'
import apiKinds from 'folder:api'
import controllerModules from 'folder:controllers'
import pino, { type Logger } from 'pino'
import { AdmissionChain } from './admission/chain.ts'
import { admissionPlugins, type AdmissionOptions } from './admission/plugins.ts'
import { WebhookClient } from './admission/webhooks/client.ts'
import { conversionWebhooks } from './admission/webhooks/conversion.ts'
import { Aggregator } from './apiserver/aggregation/aggregator.ts'
import { RemoteDiscovery } from './apiserver/aggregation/remote-discovery.ts'
import { Api } from './apiserver/api.ts'
import { AuditLog } from './apiserver/audit/log.ts'
import type { AuditPolicy } from './apiserver/audit/policy.ts'
import type { Auditor } from './apiserver/audit/trail.ts'
import { ExtraPaths } from './apiserver/extra-paths.ts'
import { FlowControl } from './apiserver/flow-control.ts'
import { Health } from './apiserver/health.ts'
import { Metrics } from './apiserver/metrics.ts'
import { Routes } from './apiserver/routes.ts'
import { startServer, type HttpServer } from './apiserver/server.ts'
import { System } from './apiserver/system-reader.ts'
import { ADMIN_GROUP } from './auth/authenticate.ts'
import { CertificateSigner } from './auth/certificate-signer.ts'
import { authenticatorOf, tokensOf, type AuthenticationOptions } from './auth/authentication.ts'
import { authorizationOf, type AuthorizationOptions } from './auth/modes.ts'
import { ServiceAccountKeys } from './auth/service-account-tokens.ts'
import type { Tokens } from './auth/tokens.ts'
import { FRONT_PROXY, loadPki, type ClusterPki } from './auth/pki.ts'
import { ApiClient } from './client/api-client.ts'
import { ensureBootstrapObjects, ensureObject } from './client/bootstrap.ts'
import { Recorder } from './client/event-recorder.ts'
import { InformerFactory } from './client/informer.ts'
import { ServiceIPAddresses } from './client/service-ip-addresses.ts'
import { SystemClock, SystemRandom, type Clock, type Random } from './clock.ts'
import { type ControllerDefinition, type ControllerSettings, type LoopDefinition } from './controller/controller.ts'
import { ControllerManager } from './controller/manager.ts'
import { selectControllers } from './controller/selection.ts'
import { createKubelet, type Kubelet } from './kubelet/kubelet.ts'
import { virtualNode } from './kubelet/virtual-node.ts'
import { kubeconfigText } from './kubeconfig.ts'
import type { Party } from './network/network.ts'
import { ClusterNetwork } from './network/cluster-network.ts'
import { dnsGateways } from './network/dns-server.ts'
import { tcpGateway } from './network/gateway.ts'
import { ingressClass, LOOPBACK_BALANCERS, openHostAccess, type HostAccess, type HostAccessOptions } from './network/host-access.ts'
import { formatIP, parseCIDR } from './apimachinery/ip-address.ts'
import { ServiceAllocators, DEFAULT_SERVICE_CIDR } from './registry/allocators.ts'
import { firstAddress } from './registry/bootstrap-objects.ts'
import type { Authorizer } from './registry/authorization.ts'
import type { KindDefinition, SystemReader, UserInfo } from './registry/kind.ts'
import { codecOf } from './registry/facts-codec.ts'
import { CustomResources } from './registry/custom-resources.ts'
import { objectCodec } from './registry/object-codec.ts'
import type { ObjectStore } from './registry/resource-storage.ts'
import { Scheme } from './registry/scheme.ts'
import type { SchedulerConfig } from './scheduler/config/types.ts'
import type { Explanation } from './scheduler/explain.ts'
import { schedulerLoop } from './scheduler/scheduler.ts'
import { podConnectors } from './streaming/connectors.ts'
import { openStore } from './storage/open.ts'
import { answerWhy } from './testbed/why.ts'
import { nodeMetrics } from '../api/metrics/v1beta1/_nodemetrics.ts'
import { podMetrics } from '../api/metrics/v1beta1/_podmetrics.ts'
import { standardStorageClass } from '../controllers/_local-path.ts'
import type { Pod, Service } from '../schemas/types.ts'

export interface NodeOptions {
  name: string
  capacity?: Record<string, string>
  labels?: Record<string, string>
  taints?: { key: string; value?: string; effect: string }[]
}

export interface ClusterOptions {
  host: string
  /** 0 takes a free one. */
  port: number
  /** Where state and keys are kept; undefined keeps all in memory. */
  dataDir: string | undefined
  /** A bearer token of an administrator, besides the client certificate. */
  adminToken?: string
  nodes: NodeOptions[]
  logLevel: string
  /** Containers may be privileged. Unless told: where there are nodes, as distributions set it; upstream's own default is no. */
  allowPrivileged?: boolean
  /** Which controllers run, as `--controllers` of kube-controller-manager says it; all unless told. */
  controllers?: readonly string[]
  /** Whether the scheduler runs; it does unless told. */
  scheduler?: boolean
  /** Admission plugins to switch on or off, and what they are configured with. */
  admission?: AdmissionOptions
  /** Which requests are written down, and where: a file, or `-` for standard output. */
  audit?: { policy: AuditPolicy; path: string }
  /** How users are known. */
  authentication?: AuthenticationOptions
  /** Who decides what a user may do. */
  authorization?: AuthorizationOptions
  /** How it places pods; by upstream's defaults unless told. */
  schedulerConfig?: SchedulerConfig
  /** Services, Ingresses and names on ports of the host's loopback address; nothing unless told. */
  hostAccess?: HostAccessOptions
  clock?: Clock
  random?: Random
  log?: Logger
  /** Freezes objects that are shared, so that a stray write throws (tests). */
  freeze?: boolean
}

export interface Cluster {
  readonly url: string
  readonly port: number
  /** YAML of a kubeconfig for the administrator: its client certificate and the cluster's authority inside. */
  kubeconfig(): string
  /** Where the host reaches the cluster's network, if it does. */
  readonly hostAccess?: Pick<HostAccess, 'ingress' | 'dnsPort'>
  close(): Promise<void>
}

const SETTINGS: Omit<ControllerSettings, 'rootCA'> = {
  serviceCIDR: DEFAULT_SERVICE_CIDR,
  podCIDR: '10.244.0.0/16',
  loadBalancerCIDR: '172.18.255.0/24',
  clusterName: 'orrery',
}
const ADMIN: UserInfo = { name: 'admin', uid: 'admin', groups: [ADMIN_GROUP] }
const API_SERVER: Party = { name: 'kube-apiserver', ip: '127.0.0.1', nodeName: '' }
/** Where pods find the API server, on the network of the nodes. */
const ADVERTISED = '172.18.0.1'
/** The tenth address of the Services' range, as kubeadm gives it to the cluster's DNS. */
const DNS_HOST = 10
const SYSTEM: UserInfo = { name: 'system:apiserver', groups: [ADMIN_GROUP] }

/** Rejects with an Error of one clear line when the port or the data directory is in use. */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const opened: { close(): Promise<void> | void }[] = []
  const closeAll = async () => {
    for (const part of opened.splice(0).reverse()) await part.close()
  }
  try {
    return await build(options, opened, closeAll)
  } catch (error) {
    await closeAll()
    throw error
  }
}

async function build(options: ClusterOptions, opened: { close(): Promise<void> | void }[], closeAll: () => Promise<void>): Promise<Cluster> {
  const controllers = selectControllers(controllerModules as (ControllerDefinition | LoopDefinition)[], options.controllers ?? ['*'])
  const scheduler = schedulerLoop(options.schedulerConfig)
  const clock = options.clock ?? new SystemClock()
  const random = options.random ?? new SystemRandom()
  const log = options.log ?? pino({ level: options.logLevel }, pino.destination(2))
  if (options.dataDir) fs.mkdirSync(options.dataDir, { recursive: true, mode: 0o700 })
  const store: ObjectStore = await openStore({ dataDir: options.dataDir && path.join(options.dataDir, 'store'), codec: objectCodec({ freeze: options.freeze ?? false }), clock })
  opened.push(store)
  const pki = await loadPki({ dir: options.dataDir && path.join(options.dataDir, 'pki'), hosts: [options.host], clock, random })

  const plane = buildControlPlane({ store, clock, random, log, pki, allowPrivileged: options.allowPrivileged ?? options.nodes.length > 0, hasMetrics: options.nodes.length > 0, admission: options.admission, authorization: options.authorization, authentication: authenticationOf(options) })
  const { api, system } = plane
  opened.push(plane)
  const kubelet = createKubelet({ network: plane.network })
  const loops = [...(options.scheduler === false ? [] : [scheduler.loop]), kubelet.loop]
  const state = { ready: false }
  const audit = options.audit && { policy: options.audit.policy, log: new AuditLog(options.audit.path) }
  if (audit) opened.push(audit.log)
  const server = await listen(options, { ...plane, pki, log, audit, state, kubelet, explain: scheduler.explain })
  opened.push(server)
  joinNetwork(plane.network, { host: reachable(options.host), port: server.port })
  const access = options.hostAccess && (await openHostAccess({ network: plane.network, informers: plane.informers, fallback: pki.server, log }, options.hostAccess))
  if (access) opened.push(access)
  await bootstrap(plane, { port: server.port, pki, advertises: options.nodes.length > 0 })
  // The watch caches of a real server begin when it does: what was before cannot be watched from.
  store.compact(store.revision)
  state.ready = true
  opened.push(startParts(plane, { definitions: [...controllers, ...loops, ...(access?.definitions ?? [])], loadBalancerCIDR: access ? LOOPBACK_BALANCERS : SETTINGS.loadBalancerCIDR, pki, clock, random, log }))
  const client = new ApiClient(api, SYSTEM, { name: 'orrery' })
  await registerNodes(options.nodes, client, system)
  if (access && options.nodes.length > 0) await ensureObject(client, ingressClass)

  const url = `https://${reachable(options.host)}:${server.port}`
  let closing: Promise<void> | undefined
  return {
    url,
    port: server.port,
    ...(access ? { hostAccess: access } : {}),
    kubeconfig: () => kubeconfigText({ server: url, name: SETTINGS.clusterName, ca: pki.ca.cert, client: pki.admin }),
    close: () => (closing ??= closeAll()),
  }
}

/** With the administrator's token among those that are known beforehand. */
function authenticationOf({ authentication = {}, adminToken }: ClusterOptions): AuthenticationOptions {
  const { staticTokens = [] } = authentication
  return { ...authentication, staticTokens: [...(adminToken ? [{ token: adminToken, user: ADMIN }] : []), ...staticTokens] }
}

/** The API and what decides about it, without any way to reach it yet. */
interface ControlPlane {
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
  allowPrivileged: boolean
  /** There are nodes, whose use of resources is told. */
  hasMetrics: boolean
  admission: AdmissionOptions | undefined
  authorization: AuthorizationOptions | undefined
  authentication: AuthenticationOptions
}

function buildControlPlane({ store, clock, random, log, pki, allowPrivileged, hasMetrics, admission, authorization, authentication }: ControlPlaneParts): ControlPlane {
  const scheme = new Scheme(codecOf)
  scheme.add(apiKinds as KindDefinition[])
  if (hasMetrics) scheme.add([nodeMetrics, podMetrics] as unknown as KindDefinition[])
  const dial = (address: { host: string; port: number }) => network.connect(API_SERVER, address)
  const addresses = new ServiceIPAddresses({ client: () => new ApiClient(api, SYSTEM, { name: 'kube-apiserver' }), onError: (error) => log.error({ err: error }, 'an IPAddress was not written') })
  const allocators = new ServiceAllocators({ random, serviceCIDR: SETTINGS.serviceCIDR, onServiceIP: addresses })
  const keys: ServiceAccountKeys = new ServiceAccountKeys(pki.serviceAccountKey, { clock, random, system: () => system })
  const api: Api = new Api({ scheme, store, admission: new AdmissionChain(admissionPlugins({ dial, ...admission })), clock, random, system: () => system })
  const converters = new WebhookClient(dial)
  const customResources = new CustomResources({ scheme, store, converter: conversionWebhooks(converters, () => api.context({ user: SYSTEM, namespace: '' })) })
  const informers = new InformerFactory(api)
  const { authorizer, close: closeAuthorizer } = authorizationOf(authorization ?? {}, { feeds: informers, clock })
  const flowControl = new FlowControl(informers, clock)
  const tokens = tokensOf(authentication, { keys, clock, system: () => system })
  const system: SystemReader = new System(api, { allocators, authorizer, authenticator: tokens, serviceAccountTokens: keys, allowPrivileged })
  allocators.restore(system.list<Service>('v1/Service'))
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

/** Pods reach the API server by its Service and by the address behind it, and the cluster's DNS by that of kubeadm's. */
function joinNetwork(network: ClusterNetwork, server: { host: string; port: number }): void {
  const { network: serviceNetwork } = parseCIDR(SETTINGS.serviceCIDR) ?? { network: new Uint8Array(4) }
  network.addGateway(tcpGateway({ ip: firstAddress(SETTINGS.serviceCIDR), port: 443 }, server))
  network.addGateway(tcpGateway({ ip: ADVERTISED, port: server.port }, server))
  for (const gateway of dnsGateways(network.directory, formatIP(serviceNetwork.with(-1, (serviceNetwork.at(-1) ?? 0) + DNS_HOST)))) network.addGateway(gateway)
}

async function bootstrap({ api }: ControlPlane, { port, pki, advertises }: { port: number; pki: ClusterPki; advertises: boolean }): Promise<void> {
  const client = new ApiClient(api, SYSTEM, { name: 'kube-apiserver' })
  await ensureBootstrapObjects(client, { now: api.clock.now(), serviceCIDRs: [SETTINGS.serviceCIDR], port, clientCA: pki.ca.cert, frontProxy: { ca: pki.frontProxy.ca.cert, names: [FRONT_PROXY] }, ...(advertises ? { advertiseAddress: ADVERTISED } : {}), groupVersions: api.scheme.all() })
}

/** The host of a URL by which clients on this machine reach what listens on `host`. */
function reachable(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return host.includes(':') ? `[${host}]` : host
}

interface ListenParts {
  pki: ClusterPki
  log: Logger
  audit: Auditor | undefined
  state: { ready: boolean }
  kubelet: Kubelet
  explain: (pod: Pod) => Explanation | undefined
}

function listen(options: ClusterOptions, { api, authorizer, flowControl, keys, tokens, network, aggregation, pki, log, audit, state, kubelet, explain }: ControlPlane & ListenParts): Promise<HttpServer> {
  const authenticator = authenticatorOf(options.authentication ?? {}, tokens, pki.ca.cert)
  const metrics = new Metrics()
  const health = new Health(state)
  const extra = new ExtraPaths({ scheme: api.scheme, metrics, health, flowControl, startedMs: api.clock.now(), countObjects: (prefix) => api.store.count(prefix), keySet: () => keys.keySet(), remote: aggregation.discovery })
  const routes = new Routes({ api, aggregation, authenticator, authorizer, flowControl, metrics, audit, connectors: podConnectors(kubelet.node, (host, port) => network.connect(API_SERVER, { host, port })), log, extra: (request) => extra.respond(request) ?? answerWhy(api, explain, request) })
  return startServer({
    host: options.host,
    port: options.port,
    tls: { key: pki.server.key, cert: pki.server.cert, clientCA: [pki.ca.cert, ...(options.authentication?.frontProxy ? [options.authentication.frontProxy.ca] : [])] },
    clock: api.clock,
    handler: (request) => routes.handle(request),
    onError: (error, request) => routes.failure(error, request),
  })
}

/** Controllers, scheduler and kubelets: all that acts by itself. */
interface MovingParts {
  /** In the order of starting. */
  definitions: readonly (ControllerDefinition | LoopDefinition)[]
  loadBalancerCIDR: string
  pki: ClusterPki
  clock: Clock
  random: Random
  log: Logger
}

function startParts({ api, informers, keys, authorizer, aggregation }: ControlPlane, { definitions, loadBalancerCIDR, pki, clock, random, log }: MovingParts): { close(): Promise<void> } {
  const recorders: Recorder[] = []
  const clientFor = (user: UserInfo, name: string) => new ApiClient(api, user, { name, authorizer })
  const signer = new CertificateSigner(pki.ca, { clock, random })
  const manager = new ControllerManager({
    clientFor,
    recorderFor: (component, user) => {
      const recorder = new Recorder({ client: clientFor(user, component), clock, random, log, component })
      recorders.push(recorder)
      return recorder
    },
    kinds: deletableKinds(api.scheme),
    signLegacyToken: (account, secretName) => keys.signLegacy(account, secretName),
    signCertificate: (request) => signer.sign(request),
    served: () => api.scheme.all(),
    checkAPIService: (service) => aggregation.aggregator.check(service),
    informers,
    clock,
    random,
    log,
    settings: { ...SETTINGS, loadBalancerCIDR, rootCA: pki.ca.cert },
  })
  for (const definition of definitions) {
    if ('start' in definition) manager.startLoop(definition)
    else manager.startController(definition)
  }
  return {
    async close() {
      for (const recorder of recorders) recorder.close()
      await manager.close()
    },
  }
}

async function registerNodes(nodes: NodeOptions[], client: ApiClient, system: SystemReader): Promise<void> {
  const missing = nodes.filter(({ name }) => !system.get('v1/Node', '', name))
  for (const { name, ...rest } of missing) await client.create(virtualNode(name, rest))
  // Nodes bring their disks: the class comes with the first of them, and stays away once it was deleted.
  if (missing.length > 0 && missing.length === nodes.length) await ensureObject(client, standardStorageClass())
}

/** Every kind that can be listed and deleted, in one of its versions. */
function deletableKinds(scheme: Scheme): () => { kind: string; plural: string; namespaced: boolean }[] {
  let known: { generation: number; kinds: { kind: string; plural: string; namespaced: boolean }[] } | undefined
  return () => {
    if (known?.generation !== scheme.generation) {
      const kinds = scheme.all().filter((k) => k === k.storage && !k.definition.isAlternative && k.verbs.includes('delete'))
      known = { generation: scheme.generation, kinds: kinds.map((k) => ({ kind: k.ref, plural: k.plural, namespaced: k.namespaced })) }
    }
    return known.kinds
  }
}
