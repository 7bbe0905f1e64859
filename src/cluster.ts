/**
 * The composition root: builds a cluster from its parts, starts them in order and closes them in reverse. Everything a part
 * needs is handed to it here.
 */
import fs from 'node:fs'
import path from 'node:path'
import controllerModules from 'folder:controllers'
import pino from 'pino'
import { ADMIN_GROUP } from './auth/authenticate.ts'
import type { AuthenticationOptions } from './auth/authentication.ts'
import { FRONT_PROXY_HEADERS } from './auth/front-proxy.ts'
import { FRONT_PROXY, loadPki, type ClusterPki } from './auth/pki.ts'
import { ApiClient } from './client/api-client.ts'
import { ensureObject } from './client/bootstrap.ts'
import { SystemClock, SystemRandom, nextTurn } from './clock.ts'
import { openAudit } from './cluster/auditing.ts'
import { bootstrap, registerNodes } from './cluster/bootstrap.ts'
import { buildControlPlane } from './cluster/control-plane.ts'
import { IdentityLease } from './cluster/identity-lease.ts'
import { listen } from './cluster/listening.ts'
import { startParts } from './cluster/moving-parts.ts'
import { openKubelet } from './cluster/nodes.ts'
import { joinNetwork, reachable } from './cluster/network.ts'
import { addressRanges, SETTINGS, SYSTEM, type ClusterOptions } from './cluster/options.ts'
import type { ControllerDefinition, LoopDefinition } from './controller/controller.ts'
import { selectControllers } from './controller/selection.ts'
import type { Kubelet } from './kubelet/kubelet.ts'
import { kubeconfigText } from './kubeconfig.ts'
import { ingressClass, LOOPBACK_BALANCERS, openHostAccess, type HostAccess } from './network/host-access.ts'
import type { UserInfo } from './registry/kind.ts'
import { objectCodec } from './registry/object-codec.ts'
import type { ObjectStore } from './registry/resource-storage.ts'
import { schedulerLoop } from './scheduler/scheduler.ts'
import { nthAddress } from './apimachinery/ip-address.ts'
import { usageByRequests } from './registry/usage.ts'
import { openStore } from './storage/open.ts'

export type { ClusterOptions, NodeOptions } from './cluster/options.ts'

export interface Cluster {
  readonly url: string
  readonly port: number
  /** YAML of a kubeconfig for the administrator: its client certificate and the cluster's authority inside. */
  kubeconfig(): string
  /** Where the host reaches the cluster's network, if it does. */
  readonly hostAccess?: Pick<HostAccess, 'ingress' | 'dnsPort'>
  /** Lists everything again for all that follows the API, as if every watch had ended; resolves when nothing has anything left to do about it. */
  relist(): Promise<void>
  close(): Promise<void>
}

const ADMIN: UserInfo = { name: 'admin', uid: 'admin', groups: [ADMIN_GROUP] }

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

async function build(options: ClusterOptions, opened: { close(): void | Promise<void> }[], closeAll: () => Promise<void>): Promise<Cluster> {
  const controllers = selectControllers(controllerModules as (ControllerDefinition | LoopDefinition)[], options.controllers ?? ['*'])
  const scheduler = schedulerLoop(options.schedulerConfig)
  const clock = options.clock ?? new SystemClock()
  const random = options.random ?? new SystemRandom()
  const log = options.log ?? pino({ level: options.logLevel }, pino.destination(2))
  const ranges = addressRanges(options.addresses)
  if (options.dataDir) fs.mkdirSync(options.dataDir, { recursive: true, mode: 0o700 })
  const store: ObjectStore = await openStore({ dataDir: options.dataDir && path.join(options.dataDir, 'store'), codec: objectCodec({ freeze: options.freeze ?? false }), clock })
  opened.push(store)
  const pki = await loadPki({ dir: options.dataDir && path.join(options.dataDir, 'pki'), hosts: [options.host, ...ranges.serviceCIDRs.map((range) => nthAddress(range, 1))], clock, random })

  const authentication = authenticationOf(options, pki)
  const plane = buildControlPlane({ store, clock, random, log, pki, serviceCIDRs: ranges.serviceCIDRs, allowPrivileged: options.allowPrivileged ?? options.nodes.length > 0, hasMetrics: options.nodes.length > 0, usage: (pod, container) => kubelet.usage(pod, container) ?? usageByRequests(pod, container), admission: options.admission, authorization: options.authorization, authentication })
  const { api, system } = plane
  opened.push(plane)
  const kubelet: Kubelet = await openKubelet(options, { network: plane.network, log, opened })
  const loops = [...(options.scheduler === false ? [] : [scheduler.loop]), kubelet.loop]
  const state = { ready: false }
  const audit = options.audit && openAudit(options.audit, { clock, log })
  if (audit) opened.push(audit.sink)
  const server = await listen({ ...options, authentication }, { ...plane, pki, log, audit, state, kubelet, random, explain: scheduler.explain })
  opened.push(server)
  joinNetwork(plane.network, { host: reachable(options.host), port: server.port }, ranges)
  const access = options.hostAccess && (await openHostAccess({ network: plane.network, informers: plane.informers, random, clock, fallback: pki.server, log }, options.hostAccess))
  if (access) opened.push(access)
  await bootstrap(plane, { port: server.port, pki, frontProxy: authentication.frontProxy, advertises: options.nodes.length > 0, serviceCIDRs: ranges.serviceCIDRs })
  // The watch caches of a real server begin when it does: what was before cannot be watched from.
  store.compact(store.revision)
  state.ready = true
  const parts = startParts(plane, { definitions: [...controllers, ...loops, ...(access?.definitions ?? [])], loadBalancerCIDR: access ? LOOPBACK_BALANCERS : SETTINGS.loadBalancerCIDR, ranges, pki, clock, random, log })
  opened.push(parts)
  const lease = new IdentityLease({ client: new ApiClient(api, SYSTEM, { name: 'kube-apiserver' }), clock, random, log, address: `${reachable(options.host)}:${server.port}` })
  opened.push(lease)
  const client = new ApiClient(api, SYSTEM, { name: 'orrery' })
  await Promise.all([lease.start(), registerNodes(options.nodes, client, system)])
  if (access && options.nodes.length > 0) await ensureObject(client, ingressClass)

  const url = `https://${reachable(options.host)}:${server.port}`
  let closing: Promise<void> | undefined
  return {
    url,
    port: server.port,
    ...(access ? { hostAccess: access } : {}),
    kubeconfig: () => kubeconfigText({ server: url, name: SETTINGS.clusterName, ca: pki.ca.cert, client: pki.admin }),
    async relist() {
      plane.informers.relist()
      while (!parts.idle && !closing) await nextTurn()
    },
    close: () => (closing ??= closeAll()),
  }
}

/** With the administrator's token among those that are known beforehand, and with the cluster's own front proxy unless another is named. */
function authenticationOf({ authentication = {}, adminToken }: ClusterOptions, { frontProxy: own }: ClusterPki): AuthenticationOptions {
  const { staticTokens = [], frontProxy = { ca: own.ca.cert, allowedNames: [FRONT_PROXY], ...FRONT_PROXY_HEADERS } } = authentication
  return { ...authentication, frontProxy, staticTokens: [...(adminToken ? [{ token: adminToken, user: ADMIN }] : []), ...staticTokens] }
}
