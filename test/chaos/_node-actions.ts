/** What may happen to nodes: they are lost and found, fall silent, are cordoned, tainted and healed. */
import type { Answer } from '../helpers/http.ts'
import type { Action } from './_actions.ts'
import { NODES, type World } from './_world.ts'

const KUBELET = 'orrery.io/kubelet'
const pathOf = (name: string) => `/api/v1/nodes/${name}`
const patchAny = (world: World, change: object): Promise<Answer> => world.api.patch(pathOf(world.pick(NODES)), change)

export const nodeActions: readonly Action[] = [
  { name: 'lose node', weight: 2, run: (world) => world.api.delete(pathOf(world.pick(NODES))) },
  { name: 'gain node', weight: 5, run: (world) => world.api.post('/api/v1/nodes', node(world, world.pick(NODES))) },
  { name: 'silence node', weight: 1, run: (world) => patchAny(world, { metadata: { annotations: { [KUBELET]: 'stopped' } } }) },
  { name: 'cordon', weight: 2, run: (world) => patchAny(world, { spec: { unschedulable: true } }) },
  { name: 'taint', weight: 2, run: (world) => patchAny(world, { spec: { taints: [{ key: 'chaos', effect: 'NoExecute' }] } }) },
  { name: 'heal node', weight: 5, run: (world) => healNode(world, world.pick(NODES)) },
]

function node({ capacity }: World, name: string): object {
  return { apiVersion: 'v1', kind: 'Node', metadata: { name, labels: { 'kubernetes.io/hostname': name } }, status: { capacity, allocatable: capacity } }
}

function healNode(world: World, name: string): Promise<Answer> {
  return world.api.patch(pathOf(name), { metadata: { annotations: { [KUBELET]: null } }, spec: { unschedulable: null, taints: null } })
}

export async function healNodes(world: World): Promise<void> {
  for (const name of NODES) {
    await world.api.post('/api/v1/nodes', node(world, name))
    await healNode(world, name)
  }
}
