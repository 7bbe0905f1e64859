/** What serves the connections of pods, services and nodes, by the name their kinds give it. */
import { Connectors } from '../apiserver/subresources/create.ts'
import type { KubeletServer } from './kubelet/kubelet-server.ts'
import { log } from './logs.ts'
import type { NodeApi } from './node-api.ts'
import { portForward } from './port-forward.ts'
import { proxy, type Dial } from './proxy.ts'
import { attach, exec } from './remote-command.ts'

/** How the API server reaches pods, and the ports of kubelets. */
interface Ways {
  dial: Dial
  kubelets: KubeletServer
}

export function podConnectors(node: NodeApi, { dial, kubelets }: Ways): Connectors {
  const connectors = new Connectors()
  connectors.register('log', log(node))
  connectors.register('exec', exec(node))
  connectors.register('attach', attach(node))
  connectors.register('portforward', portForward(node))
  connectors.register('proxy', proxy(dial, (name) => (node.isServing(name) ? kubelets.open(name) : undefined)))
  return connectors
}
