import t from 'tap'
import { FakeClock } from '../../src/clock.ts'
import { AddressPool, formatIPv4, parseCIDR } from '../../src/kubelet/addresses.ts'
import { fullImageName } from '../../src/kubelet/container-record.ts'
import { KeyedQueue } from '../../src/kubelet/keyed-queue.ts'
import { compilePath } from '../../src/kubelet/field-path.ts'
import { Periodic } from '../../src/kubelet/periodic.ts'
import { PodAddresses } from '../../src/kubelet/pod-addresses.ts'
import { parseStages, Stages } from '../../src/kubelet/stages.ts'

t.test('a pool gives each address once, and freed ones only after a round', async (t) => {
  const pool = new AddressPool('10.0.0.0/29', { skip: 2, skipLast: 1 })
  const take = () => {
    const address = pool.take()
    return address === undefined ? undefined : formatIPv4(address)
  }
  t.same([take(), take()], ['10.0.0.2', '10.0.0.3'])
  pool.release(parseCIDR('10.0.0.2/32')?.first ?? 0)
  pool.claim(parseCIDR('10.0.0.4/32')?.first ?? 0)
  t.same([take(), take(), take(), take()], ['10.0.0.5', '10.0.0.6', '10.0.0.2', undefined])
})

t.test('pods of a full node get addresses from the spare block', async (t) => {
  const addresses = new PodAddresses()
  const taken = Array.from({ length: 254 }, (_, i) => addresses.take(`u${i}`, ['10.244.0.0/24'])[0])
  t.equal(new Set(taken).size, 254)
  t.equal(taken.at(-1), '100.64.0.1')
  t.same(addresses.take('u0', ['10.244.0.0/24']), ['10.244.0.2'], 'the same pod keeps its own')
  t.same(addresses.take('x', []), ['100.64.0.2'], 'as do those of nodes without a block')
})

t.test('an address of the block that a node had before is not given again while its pod has it', async (t) => {
  const addresses = new PodAddresses()
  const [before, now] = [['10.244.0.0/24'], ['10.244.1.0/24']]
  addresses.claim('old', [], ['10.244.0.2'])
  t.same(addresses.take('a', before), ['10.244.0.3'], 'its node is not known yet')
  addresses.claim('old', now, ['10.244.0.2'])
  t.same(addresses.take('b', before), ['10.244.0.4'], 'its node has another block')
  addresses.claim('own', [], ['10.244.1.2'])
  addresses.claim('own', now, ['10.244.1.2'])
  t.same(addresses.take('c', now), ['10.244.1.3'])
  addresses.release('old')
  addresses.release('own')
  const rest = Array.from({ length: 255 }, (_, i) => [addresses.take(`x${i}`, before), addresses.take(`y${i}`, now)]).flat(2)
  t.ok(rest.includes('10.244.0.2') && rest.includes('10.244.1.2'), 'afterwards it is')
  t.equal(new Set(rest).size, rest.length)
})

t.test('a node with blocks of both families gives one address of each', async (t) => {
  const addresses = new PodAddresses()
  const both = ['10.244.1.0/24', 'fd00:10:244:1::/64']
  t.same(addresses.take('a', both), ['10.244.1.2', 'fd00:10:244:1::2'])
  t.same(addresses.take('b', both.toReversed()), ['fd00:10:244:1::3', '10.244.1.3'], 'the first one first')
  addresses.claim('old', both, ['fd00:10:244:1::4', '10.244.1.4'])
  t.same(addresses.take('c', both), ['10.244.1.5', 'fd00:10:244:1::5'])
  t.same(addresses.take('d', ['fd00:10:244:2::/64']), ['100.64.0.1', 'fd00:10:244:2::6440:1'], 'one from the spare block lies after those')
})

t.test('images as a container runtime names them', async (t) => {
  const table = [['nginx', 'docker.io/library/nginx:latest'], ['bitnami/redis:7', 'docker.io/bitnami/redis:7'], ['registry.k8s.io/pause:3.10', 'registry.k8s.io/pause:3.10'], ['localhost:5000/x', 'localhost:5000/x:latest'], ['localhost/x', 'localhost/x:latest']]
  for (const [image, full] of table) t.equal(fullImageName(image ?? ''), full)
})

t.test('a path reads what it names', async (t) => {
  const object = { metadata: { annotations: { 'a.b/c': 'x' }, ownerReferences: [{ kind: 'Job' }, { kind: 'Pod' }] } }
  t.same(compilePath('metadata.annotations["a.b/c"]')(object), ['x'])
  t.same(compilePath('metadata.ownerReferences[].kind')(object), ['Job', 'Pod'])
  t.same(compilePath('spec.nodeName')(object), [])
  t.throws(() => compilePath('metadata.[x'))
})

t.test('later stages win over earlier ones', async (t) => {
  const stages = new Stages(parseStages(`
- {kind: Pod, name: all, next: {container: {readyAfter: 5ms}}}
- kind: Pod
  name: some
  match: [{path: metadata.labels.app, in: [slow]}, {path: spec.nodeName, exists: true}]
  next: {container: {readyAfter: 500ms, exitAfter: 1s, exitCode: 3}, stopAfter: 50ms}
- kind: Pod
  name: images
  match: [{path: 'spec.containers[].image', like: ['registry.example.com/*']}]
  next: {pull: {failure: denied, failures: 2}, containers: {app: {readyAfter: never}}}
`, 'stages.yaml'), [])
  t.match(stages.outcomeOf({ metadata: {}, spec: {} }), { container: { startAfterMs: 0, readyAfterMs: 5 }, stopAfterMs: 0 })
  t.match(stages.outcomeOf({ metadata: { labels: { app: 'slow' } }, spec: { nodeName: 'n' } }), { container: { readyAfterMs: 500, exitAfterMs: 1000, exitCode: 3 }, stopAfterMs: 50 })
  const pulled = stages.outcomeOf({ metadata: {}, spec: { containers: [{ image: 'registry.example.com/app:1' }] } })
  t.match(pulled, { pull: { failure: 'denied', failures: 2 } })
  t.same(pulled.containers.get('app'), { readyAfterMs: -1 })
  const annotations = { 'orrery.io/exit-after': '30s', 'orrery.io/exit-reason': 'OOMKilled', 'orrery.io/start-after': 'soon' }
  t.match(stages.outcomeOf({ metadata: { annotations }, spec: {} }), { container: { startAfterMs: 0, exitAfterMs: 30_000, exitReason: 'OOMKilled', exitCode: 137 } }, 'the pod itself has the last word')
})

t.test('a mistake in stages is told with its line', async (t) => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['- kind: Pod\n  name: x\n  match: [{path: a}]\n  next: {}', /s\.yaml:3: "\[0\]\.match\[0\]": needs one of in, notIn, like and exists/],
    ['- kind: Pod\n  name: x\n  next:\n    stopAfter: soon', /s\.yaml:4: "\[0\]\.next\.stopAfter": "soon" is no duration/],
    ['- kind: Pod\n  name: x\n  next:\n    conteiner: {}', /s\.yaml:4: unknown key "\[0\]\.next\.conteiner" \(did you mean "container"\?\)/],
    ['- kind: Pod\n  name: x\n  next:\n    capacity: {cpu: "4"}', /"\[0\]\.next\.capacity": is not for Pods/],
  ]
  for (const [text, wanted] of cases) t.throws(() => parseStages(text, 's.yaml'), wanted)
})

t.test('many names share one timer', async (t) => {
  const clock = new FakeClock()
  const calls: string[][] = []
  const periodic = new Periodic(clock, 10_000, (names) => void calls.push([...names]))
  for (const name of ['a', 'b', 'c']) periodic.add(name, 'at once')
  await clock.step(0)
  await clock.step(100)
  periodic.add('d', 'after a period')
  periodic.remove('b')
  await clock.step(10_500)
  t.same(calls, [['a', 'b', 'c'], ['a', 'c', 'd']])
  t.equal(clock.pending, 1)
  periodic.close()
  t.equal(clock.pending, 0)
})

t.test('a key is worked on once at a time, and again when it was added meanwhile or failed', async (t) => {
  const clock = new FakeClock()
  const log: string[] = []
  let failures = 1
  const queue: KeyedQueue = new KeyedQueue({
    clock,
    concurrency: 2,
    failed: (key) => void log.push(`${key} failed`),
    async work(key) {
      log.push(key)
      if (key === 'again' && log.length < 3) queue.add('again')
      if (key === 'bad' && failures-- > 0) throw new Error('no')
      await Promise.resolve()
    },
  })
  queue.add('again')
  queue.add('bad')
  queue.add('bad')
  await clock.step(0)
  t.same(log, ['again', 'bad', 'bad failed', 'again'])
  await clock.step(100)
  t.equal(log.at(-1), 'bad')
  queue.addAfter('later', 500)
  queue.addAfter('later', 900)
  await clock.step(499)
  t.not(log.at(-1), 'later')
  await clock.step(1)
  t.equal(log.at(-1), 'later')
  queue.close()
  t.equal(clock.pending, 0)
})
