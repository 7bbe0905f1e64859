/** Prefers nodes whose resources would be used evenly. Models pkg/scheduler/framework/plugins/noderesources/balanced_allocation.go. */
import { SKIP, definePlugin } from '../framework.ts'
import { balanceScore, type WeighedResource } from '../resource-scores.ts'
import { amountOf } from '../resources.ts'

interface Balance {
  resources: readonly WeighedResource[]
  wanted: readonly number[]
}

export default definePlugin<undefined, Balance>({
  name: 'NodeResourcesBalancedAllocation',
  order: 165,
  isLocal: true,
  preScore(cycle, { effective }) {
    const { resources } = cycle.args('NodeResourcesBalancedAllocation')
    const wanted = resources.map(({ name }) => amountOf(effective, name))
    // Pods that ask for nothing would all go to the same node.
    return wanted.every((w) => w === 0) ? SKIP : { state: { resources, wanted } }
  },
  score({ resources, wanted }, _pod, node) {
    return balanceScore(resources, wanted, node)
  },
})
