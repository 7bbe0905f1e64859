/** What of the cluster's network the host can reach: Services, Ingresses and names, each on ports of the loopback address. */
import type { Logger } from 'pino'
import type { Ingress, IngressClass } from '../../schemas/types.ts'
import type { Informers } from '../client/lister.ts'
import type { Clock, Random } from '../clock.ts'
import { defineController, defineLoop, keyOf, type ControllerDefinition, type LoopDefinition } from '../controller/controller.ts'
import { semanticEqual } from '../controller/equal.ts'
import type { ClusterNetwork } from './cluster-network.ts'
import { startDnsServer } from './dns-server.ts'
import { HostListeners } from './host-listeners.ts'
import { unsupported } from './ingress-annotations.ts'
import { INGRESS_CONTROLLER, isOurs, startIngressServer, type IngressOptions, type IngressServer } from './ingress-server.ts'

export interface HostAccessOptions {
  /** Where Ingresses are served; a port that is taken is replaced by a free one. */
  ingressPort: number
  ingressTlsPort: number
  /** Undefined: names are answered inside the cluster only. */
  dnsPort?: number
}

export interface HostAccess {
  readonly ingress: Pick<IngressServer, 'httpPort' | 'httpsPort'>
  readonly dnsPort: number | undefined
  /** What runs with the controllers. */
  readonly definitions: readonly (ControllerDefinition<Ingress> | LoopDefinition)[]
  close(): Promise<void>
}

const HOST = '127.0.0.1'
/** Who acts: what a distribution's own programs would. */
const USER = 'system:apiserver'

/** Loopback addresses that balancers get, so that the host reaches them. */
export const LOOPBACK_BALANCERS = '127.18.255.0/24'

export const ingressClass: IngressClass = { apiVersion: 'networking.k8s.io/v1', kind: 'IngressClass', metadata: { name: 'orrery' }, spec: { controller: INGRESS_CONTROLLER } }

interface Parts {
  network: ClusterNetwork
  informers: Informers
  random: Random
  clock: Clock
  fallback: IngressOptions['fallback']
  log: Logger
}

/** Rejects with the system's error when the DNS port cannot be had. */
export async function openHostAccess({ network, informers, random, clock, fallback, log }: Parts, options: HostAccessOptions): Promise<HostAccess> {
  network.allowRedirects()
  const dns = options.dnsPort === undefined ? undefined : await startDnsServer(network.directory, { host: HOST, port: options.dnsPort })
  const serve = (httpPort: number, httpsPort: number) => startIngressServer({ network, informers, random, clock, fallback, host: HOST, httpPort, httpsPort })
  const ingress = await serve(options.ingressPort, options.ingressTlsPort).catch((error: unknown) => {
    log.warn({ err: error }, 'the ports of the ingress are taken, free ones serve instead')
    return serve(0, 0)
  })
  return {
    ingress,
    dnsPort: dns?.port,
    definitions: [listeners(network), ingressStatus],
    async close() {
      await ingress.close()
      await dns?.close()
    },
  }
}

function listeners(network: ClusterNetwork): LoopDefinition {
  return defineLoop({ name: 'service-listener', user: USER, component: 'service-listener', start: ({ informers, events, clock }) => new HostListeners({ network, informers, events, clock }) })
}

const STATUS = { ingress: [{ ip: HOST }] }

const ingressStatus = defineController<Ingress>({
  name: 'ingress-status',
  user: USER,
  component: 'ingress-controller',
  for: 'networking.k8s.io/v1/Ingress',
  watches: { 'networking.k8s.io/v1/IngressClass': (_class, { informers }) => informers.lister<Ingress>('networking.k8s.io/v1/Ingress').list().map(keyOf) },
  async reconcile(ingress, { client, events, informers }) {
    if (!isOurs(ingress, informers)) return
    const others = unsupported(ingress)
    if (others.length > 0) events.event(ingress, 'Warning', 'Unsupported', `These annotations have no effect: ${others.join(', ')}`)
    if (semanticEqual(ingress.status?.loadBalancer, STATUS)) return
    events.event(ingress, 'Normal', 'Sync', 'Scheduled for sync')
    await client.updateStatus<Ingress>({ ...ingress, status: { ...ingress.status, loadBalancer: STATUS } })
  },
})
