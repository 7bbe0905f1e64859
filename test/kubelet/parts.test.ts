import t from 'tap'
import { FakeClock } from '../../src/clock.ts'
import { AddressPool, formatIPv4, parseCIDR } from '../../src/kubelet/addresses.ts'
import { fullImageName } from '../../src/kubelet/container-record.ts'
import { KeyedQueue } from '../../src/kubelet/keyed-queue.ts'
import { compilePath } from '../../src/kubelet/field-path.ts'
import { Periodic } from '../../src/kubelet/periodic.ts'
import { PodAddresses } from '../../src/kubelet/pod-addresses.ts'
import { Stages } from '../../src/kubelet/stages.ts'

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
  const taken = Array.from({ length: 254 }, (_, i) => addresses.take(`u${i}`, '10.244.0.0/24'))
  t.equal(new Set(taken).size, 254)
  t.equal(taken.at(-1), '100.64.0.1')
  t.equal(addresses.take('u0', '10.244.0.0/24'), '10.244.0.2', 'the same pod keeps its own')
  t.equal(addresses.take('x', undefined), '100.64.0.2', 'as do those of nodes without a block')
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
  const stages = new Stages([
    { kind: 'Pod', name: 'all', next: { container: { readyAfterMs: 5 } } },
    { kind: 'Pod', name: 'some', match: [{ path: 'metadata.labels.app', in: ['slow'] }, { path: 'spec.nodeName', exists: true }], next: { container: { readyAfterMs: 500, exitAfterMs: 1000, exitCode: 3 }, stopAfterMs: 50 } },
  ])
  t.match(stages.outcomeOf({ metadata: {}, spec: {} }), { container: { startAfterMs: 0, readyAfterMs: 5 }, stopAfterMs: 0 })
  t.match(stages.outcomeOf({ metadata: { labels: { app: 'slow' } }, spec: { nodeName: 'n' } }), { container: { readyAfterMs: 500, exitCode: 3 }, stopAfterMs: 50 })
  t.throws(() => new Stages([{ kind: 'Pod', name: 'x', match: [{ path: 'a' }], next: {} }]), /needs in, notIn or exists/)
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
