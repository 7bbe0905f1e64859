import t from 'tap'
import { Cache } from '../../src/scheduler/cache.ts'
import { nodesToFind } from '../../src/scheduler/find-node.ts'
import { Heap } from '../../src/scheduler/heap.ts'
import { podInfoOf } from '../../src/scheduler/pod-info.ts'
import { SeededRandom } from '../../src/clock.ts'
import { node, pod } from './_objects.ts'

const zoned = (name: string, zone: string) => node(name, { labels: { 'topology.kubernetes.io/zone': zone } })
const matching = { id: 'web', namespaces: new Set(['default']), matches: (p: { labels: Readonly<Record<string, string>> | undefined }) => p.labels?.app === 'web' }
const web = (name: string, nodeName: string) => pod(name, { uid: name, labels: { app: 'web' }, nodeName })

t.test('counts follow pods, nodes and labels', async (t) => {
  const cache = new Cache()
  for (const n of [zoned('a', 'z1'), zoned('b', 'z2')]) cache.setNode(n)
  cache.setPod(web('x', 'a'))
  const byZone = () => Object.fromEntries(cache.counts(matching).byValue('topology.kubernetes.io/zone'))
  t.same(byZone(), { z1: 1 })
  cache.setPod(web('y', 'b'))
  cache.assume(podInfoOf(web('w', '')), 'b')
  t.same(byZone(), { z1: 1, z2: 2 })
  cache.forget('w')
  cache.forget('y')
  t.same(byZone(), { z1: 1, z2: 1 }, 'only what was assumed is forgotten')
  cache.setNode(zoned('a', 'z2'))
  t.same(byZone(), { z2: 2 })
  cache.removeNode('b')
  t.same(byZone(), { z2: 1 })
  cache.removePod('x')
  t.same(byZone(), {})
})

t.test('pods of a node that is not there yet count once it comes', async (t) => {
  const cache = new Cache()
  cache.setPod(web('x', 'a'))
  t.equal(cache.node('a'), undefined)
  cache.setNode(node('a'))
  t.equal(cache.node('a')?.pods.size, 1)
  cache.removeNode('a')
  cache.removePod('x')
  cache.setNode(node('a'))
  t.equal(cache.node('a')?.pods.size, 0)
})

t.test('a pod whose status alone changes is not counted anew', async (t) => {
  const cache = new Cache()
  cache.setNode(node('a'))
  const p = web('x', 'a')
  cache.setPod(p)
  const before = [...(cache.node('a')?.pods.values() ?? [])][0]
  const running = { ...p, status: { phase: 'Running' } }
  cache.setPod(running)
  const after = [...(cache.node('a')?.pods.values() ?? [])][0]
  t.equal(after, before)
  t.equal(after?.pod, running, 'but its newest version is known')
})

t.test('nodes of different zones come in turns', async (t) => {
  const cache = new Cache()
  for (const [name, zone] of [['a1', 'a'], ['a2', 'a'], ['b1', 'b'], ['c1', 'c'], ['b2', 'b']] as const) cache.setNode(zoned(name, zone))
  t.same(cache.nodes.map((n) => n.name), ['a1', 'b1', 'c1', 'a2', 'b2'])
})

t.test('on large clusters some nodes are enough', async (t) => {
  const table: [count: number, percentage: number, expected: number][] = [[10, 0, 10], [99, 30, 99], [1000, 0, 420], [6000, 0, 300], [5000, 0, 500], [1000, 30, 300], [400, 5, 100]]
  for (const [count, percentage, expected] of table) t.equal(nodesToFind(count, percentage), expected, `${count} at ${percentage}%`)
})

t.test('a heap gives its items in order, whatever is taken out between', async (t) => {
  const random = new SeededRandom(7)
  const heap = new Heap<{ n: number }>((a, b) => a.n < b.n)
  const items = Array.from({ length: 200 }, () => ({ n: random.int(1000) }))
  for (const item of items) heap.push(item)
  const gone = new Set(items.filter((_, i) => i % 3 === 0))
  for (const item of gone) t.equal(heap.delete(item), true)
  const moved = items[1]
  if (moved) {
    moved.n = -1
    heap.push(moved)
  }
  const out: number[] = []
  for (let item = heap.pop(); item; item = heap.pop()) out.push(item.n)
  t.same(out, items.filter((i) => !gone.has(i)).map((i) => i.n).sort((a, b) => a - b))
})
