/** A node must have declared the features that the pod needs. Models pkg/scheduler/framework/plugins/nodedeclaredfeatures. */
import type { Pod } from '../../../schemas/types.ts'
import { equalJSON } from '../../apimachinery/json.ts'
import { isSelf, type ClusterEvent } from '../cluster-events.ts'
import { SKIP, definePlugin, unresolvable } from '../framework.ts'

const REFUSED = unresolvable("node(s) didn't match Pod's required features")

/** Features that matter for placing pods, and which pods need them. */
const FEATURES: readonly { name: string; isNeeded(pod: Pod): boolean }[] = [
  { name: 'RestartAllContainersOnContainerExits', isNeeded: ({ spec }) => [...(spec.containers ?? []), ...(spec.initContainers ?? [])].some((c) => c.restartPolicyRules?.some((rule) => rule.action === 'RestartAllContainers')) },
  { name: 'UserNamespacesHostNetworkSupport', isNeeded: ({ spec }) => spec.hostNetwork === true && spec.hostUsers === false },
]

export default definePlugin<readonly string[]>({
  name: 'NodeDeclaredFeatures',
  order: 190,
  isLocal: true,
  events: [
    { resource: 'Node', actions: ['add', 'features'] },
    { resource: 'WaitingPod', actions: ['update', 'labels', 'gates', 'tolerations', 'resourceClaims', 'scaleDown'], helps: needsOther },
  ],
  preFilter(_cycle, { pod }) {
    const needed = neededBy(pod)
    return needed.length === 0 ? SKIP : { state: needed }
  },
  filter(needed, _pod, { node }) {
    const declared = node.status?.declaredFeatures ?? []
    return needed.every((name) => declared.includes(name)) ? undefined : REFUSED
  },
})

function neededBy(pod: Pod): string[] {
  return FEATURES.filter(({ isNeeded }) => isNeeded(pod)).map(({ name }) => name)
}

function needsOther(pod: Parameters<typeof isSelf>[0], event: ClusterEvent): boolean {
  return isSelf(pod, event) && event.pod !== undefined && event.oldPod !== undefined && !equalJSON(neededBy(event.pod), neededBy(event.oldPod))
}
