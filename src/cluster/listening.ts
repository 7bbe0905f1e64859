/** The HTTP server in front of the API: who asks, what is answered besides objects, and the streams into pods. */
import type { Logger } from 'pino'
import type { Auditor } from '../apiserver/audit/trail.ts'
import { ExtraPaths } from '../apiserver/extra-paths.ts'
import { Health } from '../apiserver/health.ts'
import { Metrics } from '../apiserver/metrics.ts'
import { Routes } from '../apiserver/routes.ts'
import { startServer, type HttpServer } from '../apiserver/server.ts'
import { Authenticator } from '../auth/authenticate.ts'
import { authenticatorOf } from '../auth/authentication.ts'
import type { ClusterPki } from '../auth/pki.ts'
import type { Random } from '../clock.ts'
import type { Kubelet } from '../kubelet/kubelet.ts'
import type { Explanation } from '../scheduler/explain.ts'
import { podConnectors } from '../streaming/connectors.ts'
import { KubeletServer } from '../streaming/kubelet/kubelet-server.ts'
import { answerWhy } from '../testbed/why.ts'
import type { Node, Pod } from '../../schemas/types.ts'
import type { ControlPlane } from './control-plane.ts'
import { API_SERVER } from './network.ts'
import type { ClusterOptions } from './options.ts'

interface ListenParts {
  pki: ClusterPki
  log: Logger
  audit: Auditor | undefined
  state: { ready: boolean }
  kubelet: Kubelet
  random: Random
  explain: (pod: Pod) => Explanation | undefined
}

/** Rejects with an Error of one line when the port is taken. */
export function listen(options: ClusterOptions, { api, authorizer, flowControl, keys, tokens, system, network, aggregation, pki, log, audit, state, kubelet, random, explain }: ControlPlane & ListenParts): Promise<HttpServer> {
  const authenticator = authenticatorOf(options.authentication ?? {}, tokens, pki.ca.cert)
  const kubelets = kubeletServer({ api, authorizer, tokens, system, pki, kubelet, random })
  network.serveKubelets((name) => (kubelet.node.isServing(name) ? (stream) => kubelets.accept(name, stream) : undefined))
  const metrics = new Metrics()
  const health = new Health(state)
  const extra = new ExtraPaths({ scheme: api.scheme, metrics, health, clock: api.clock, flowControl, startedMs: api.clock.now(), flags: options.flags ?? {}, countObjects: (prefix) => api.store.count(prefix), keySet: () => keys.keySet(), remote: aggregation.discovery })
  const routes = new Routes({ api, aggregation, authenticator, authorizer, flowControl, metrics, audit, connectors: podConnectors(kubelet.node, { dial: (host, port) => network.connect(API_SERVER, { host, port }), kubelets }), log, extra: (request) => extra.respond(request) ?? answerWhy(api, explain, request) })
  return startServer({
    host: options.host,
    port: options.port,
    tls: { key: pki.server.key, cert: pki.server.cert, clientCA: [pki.ca.cert, ...(options.authentication?.frontProxy ? [options.authentication.frontProxy.ca] : [])] },
    clock: api.clock,
    handler: (request) => routes.handle(request),
    onError: (error, request) => routes.failure(error, request),
  })
}

/** The kubelets' own port: they know users as the API server does, but for a front proxy's, and let nobody in who does not say who they are. */
function kubeletServer({ api, authorizer, tokens, system, pki, kubelet, random }: Pick<ControlPlane & ListenParts, 'api' | 'authorizer' | 'tokens' | 'system' | 'pki' | 'kubelet' | 'random'>): KubeletServer {
  return new KubeletServer({
    node: kubelet.node,
    clock: api.clock,
    random,
    startedMs: api.clock.now(),
    authenticator: new Authenticator({ tokens, clientCA: pki.ca.cert, anonymous: false }),
    authorizer,
    clientCA: pki.ca.cert,
    podOf(nodeName, namespace, name) {
      const pod = system.get<Pod>('v1/Pod', namespace, name)
      return pod?.spec.nodeName === nodeName ? pod : undefined
    },
    addressesOf: (name) => (system.get<Node>('v1/Node', '', name)?.status?.addresses ?? []).flatMap(({ type, address }) => (type === 'InternalIP' && address ? [address] : [])),
  })
}
