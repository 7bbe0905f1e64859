/**
 * The kubelets of all virtual nodes, in one loop: every Node object there is, configured or created by a client, comes
 * alive, and pods bound to it run. Models cmd/kubelet and pkg/kubelet, seen from the API.
 */
import { defineLoop } from '../controller/controller.ts'
import { NodeKeeper } from './node-keeper.ts'
import { PodWorkers } from './pod-workers.ts'
import { StagesRuntime } from './runtimes/stages.ts'
import { Stages } from './stages.ts'

export const kubelet = defineLoop({
  name: 'kubelet',
  user: 'system:node:orrery',
  component: 'kubelet',
  start(ctx) {
    const stages = new Stages()
    const staged = new StagesRuntime(stages, ctx.clock)
    const pods: PodWorkers = new PodWorkers({ ctx, nodeOf: (name) => nodes.get(name), runtimeFor: () => staged })
    const nodes: NodeKeeper = new NodeKeeper(ctx, stages, pods)
    pods.start()
    nodes.start()
    return {
      close() {
        nodes.close()
        pods.close()
      },
    }
  },
})
