/** The objects that are there before the first request: those of every cluster, and the nodes asked for. */
import { familyOf } from '../apimachinery/ip-address.ts'
import { FRONT_PROXY_HEADERS, type FrontProxy } from '../auth/front-proxy.ts'
import { FRONT_PROXY, type ClusterPki } from '../auth/pki.ts'
import { ApiClient } from '../client/api-client.ts'
import { ensureBootstrapObjects, ensureObject } from '../client/bootstrap.ts'
import { virtualNode } from '../kubelet/virtual-node.ts'
import type { SystemReader } from '../registry/kind.ts'
import { standardStorageClass } from '../../controllers/_local-path.ts'
import type { ControlPlane } from './control-plane.ts'
import { ADVERTISED, SYSTEM, type NodeOptions } from './options.ts'

/** Writes what every cluster has; rejects with the StatusError of the first object that is refused. */
export async function bootstrap({ api }: ControlPlane, { port, pki, frontProxy, advertises, serviceCIDRs }: { port: number; pki: ClusterPki; frontProxy: FrontProxy | undefined; advertises: boolean; serviceCIDRs: readonly string[] }): Promise<void> {
  const client = new ApiClient(api, SYSTEM, { name: 'kube-apiserver' })
  await ensureBootstrapObjects(client, { now: api.clock.now(), serviceCIDRs, port, clientCA: pki.ca.cert, frontProxy: publishedProxy(frontProxy, pki.frontProxy.ca.cert), ...(advertises ? { advertiseAddress: ADVERTISED[familyOf(serviceCIDRs[0] ?? '')] } : {}), groupVersions: api.scheme.all() })
}

/** Whom servers beside this one are to believe: this one, whoever else it believes itself. */
function publishedProxy(given: FrontProxy | undefined, own: string): FrontProxy {
  if (!given || given.ca === own) return given ?? { ca: own, allowedNames: [FRONT_PROXY], ...FRONT_PROXY_HEADERS }
  return { ...given, ca: `${given.ca.trimEnd()}\n${own}`, allowedNames: given.allowedNames.length > 0 ? [...given.allowedNames, FRONT_PROXY] : [] }
}

/** Registers the nodes that are not there yet, and with the first of them the StorageClass of their disks. */
export async function registerNodes(nodes: NodeOptions[], client: ApiClient, system: SystemReader): Promise<void> {
  const missing = nodes.filter(({ name }) => !system.get('v1/Node', '', name))
  for (const { name, staticPods: _, ...rest } of missing) await client.create(virtualNode(name, rest))
  // Nodes bring their disks: the class comes with the first of them, and stays away once it was deleted.
  if (missing.length > 0 && missing.length === nodes.length) await ensureObject(client, standardStorageClass())
}
