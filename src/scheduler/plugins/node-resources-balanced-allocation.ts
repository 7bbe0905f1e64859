/** Prefers nodes whose resources would be used evenly. Models pkg/scheduler/framework/plugins/noderesources/balanced_allocation.go. */
import { SKIP, definePlugin } from '../framework.ts'
import { CPU_AND_MEMORY, balanceScore } from '../resource-scores.ts'
import { amountOf } from '../resources.ts'

export default definePlugin<undefined, readonly number[]>({
  name: 'NodeResourcesBalancedAllocation',
  order: 165,
  preScore(_cycle, { effective }) {
    const wanted = CPU_AND_MEMORY.map(({ name }) => amountOf(effective, name))
    // Pods that ask for nothing would all go to the same node.
    return wanted.every((w) => w === 0) ? SKIP : { state: wanted }
  },
  score(wanted, _pod, node) {
    return balanceScore(CPU_AND_MEMORY, wanted, node)
  },
})
