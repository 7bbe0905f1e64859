import pino from 'pino'
import t from 'tap'
import type { Client } from '../../src/client/client.ts'
import { defineController, defineLoop, keyOf, splitKey, type ControllerDefinition } from '../../src/controller/controller.ts'
import { ControllerManager, type ManagerParts } from '../../src/controller/manager.ts'
import { conflict, forbidden } from '../../src/errors.ts'
import type { KubeObject, UserInfo } from '../../src/registry/kind.ts'
import { FakeCluster } from '../helpers/fake-client.ts'

const SET = 'apps/v1/ReplicaSet'
const set = (name: string, metadata: object = {}): KubeObject => ({ apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { name, namespace: 'default', ...metadata } })
const pod = (name: string, owner?: { apiVersion?: string; kind?: string; name: string }): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default', ...(owner ? { ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', uid: 'u', controller: true, ...owner }] } : {}) },
})

function start(parts: Partial<ManagerParts> = {}) {
  const cluster = new FakeCluster()
  const users: UserInfo[] = []
  const log: { level: number; msg: string }[] = []
  const manager = new ControllerManager({
    clientFor: (user): Client => {
      users.push(user)
      return cluster
    },
    recorderFor: () => cluster.recorder,
    kinds: () => [],
    informers: cluster.informers,
    clock: cluster.clock,
    random: cluster.random,
    log: pino({ level: 'debug' }, { write: (line: string) => void log.push(JSON.parse(line) as { level: number; msg: string }) }),
    settings: { serviceCIDRs: [], podCIDRs: [], clusterDNS: '', rootCA: '', loadBalancerCIDR: '', clusterName: 'test' },
    ...parts,
  })
  return { cluster, manager, users, log, settle: () => cluster.clock.step(0) }
}

const recording = (seen: string[], extra: Partial<ControllerDefinition> = {}): ControllerDefinition =>
  defineController({
    name: 'replicaset',
    for: SET,
    async reconcile(object) {
      seen.push(object.metadata.name ?? '')
    },
    ...extra,
  })

t.test('keys', (t) => {
  for (const [namespace, name, key] of [['a', 'b', 'a/b'], ['', 'b', 'b']] as const) {
    t.equal(keyOf({ metadata: namespace ? { namespace, name } : { name } }), key)
    t.same(splitKey(key), { namespace, name })
  }
  t.end()
})

t.test('what wakes a controller', async (t) => {
  const { cluster, manager, settle } = start()
  const seen: string[] = []
  const gone: string[] = []
  cluster.seed(set('there'))
  manager.startController(
    recording(seen, {
      owns: ['v1/Pod'],
      watches: { 'v1/Secret': (secret) => [`default/${secret.metadata.labels?.wakes ?? ''}`] },
      async deleted(key) {
        gone.push(key)
      },
    }),
  )
  const expectSeen = async (what: string, ...names: string[]): Promise<void> => {
    await settle()
    t.same(seen.splice(0).sort(), names, what)
  }
  await expectSeen('what is there', 'there')
  cluster.seed(set('new'))
  await expectSeen('what comes', 'new')
  cluster.edit(SET, 'new', (o) => (o.metadata.labels = { a: 'b' }))
  await expectSeen('what changes', 'new')
  cluster.seed(pod('p', { name: 'there' }))
  await expectSeen('what it owns', 'there')
  cluster.edit('v1/Pod', 'p', (o) => (o.metadata.ownerReferences = [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', uid: 'u', controller: true, name: 'new' }]))
  await expectSeen('both owners of what changed hands', 'new', 'there')
  cluster.seed(pod('q', { name: 'there', kind: 'StatefulSet' }), pod('r', { name: 'there', apiVersion: 'example.com/v1' }), pod('s'))
  await expectSeen('not what others own')
  cluster.seed({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x', namespace: 'default', labels: { wakes: 'new' } } })
  await expectSeen('what it watches', 'new')
  cluster.finish(SET, 'new')
  await expectSeen('what is gone is not reconciled')
  t.same(gone, ['default/new'])
  await manager.close()
  cluster.seed(set('late'))
  await expectSeen('nothing after close')
})

t.test('changes that do not matter', async (t) => {
  const { cluster, manager, settle } = start()
  const seen: string[] = []
  manager.startController(recording(seen, { wakes: (object, old) => object.metadata.labels?.a !== old?.metadata.labels?.a }))
  cluster.seed(set('x', { labels: { a: '1' } }))
  await settle()
  cluster.edit(SET, 'x', (o) => (o.metadata.annotations = { b: 'c' }))
  await settle()
  t.same(seen, ['x'])
  await manager.close()
})

t.test('failures are tried again, later and later; conflicts are no news', async (t) => {
  const { cluster, manager, settle, log } = start()
  let failures = 4
  const at: number[] = []
  manager.startController(
    defineController({
      name: 'flaky',
      for: SET,
      async reconcile() {
        at.push(cluster.clock.now())
        failures--
        if (failures === 3) throw conflict({ group: '', resource: 'x' }, 'x', 'changed')
        if (failures === 2) throw forbidden({ group: '', resource: 'pods' }, 'p', 'exceeded quota: q')
        if (failures >= 0) throw new Error('not yet')
      },
    }),
  )
  cluster.seed(set('x'))
  const begin = cluster.clock.now()
  await settle()
  await cluster.clock.step(1000)
  t.same(at.map((ms) => ms - begin), [0, 5, 15, 35, 75])
  const failed = log.filter((line) => line.msg === 'reconcile failed')
  t.same(failed.map((line) => line.level), [20, 40, 50, 50])
  t.match(failed[1], { error: 'pods "p" is forbidden: exceeded quota: q', reason: 'Forbidden', err: undefined }, 'what the API refuses needs no stack')
  await manager.close()
})

t.test('a controller may be more patient', async (t) => {
  const { cluster, manager, settle } = start()
  const at: number[] = []
  const begin = cluster.clock.now()
  manager.startController(
    defineController({
      name: 'patient',
      for: SET,
      retryDelaysMs: [1000, 3000],
      async reconcile() {
        at.push(cluster.clock.now() - begin)
        throw new Error('never')
      },
    }),
  )
  cluster.seed(set('x'))
  await settle()
  await cluster.clock.step(10_000)
  t.same(at, [0, 1000, 3000, 6000, 9000])
  await manager.close()
})

t.test('a controller may ask to come back', async (t) => {
  const { cluster, manager, settle } = start()
  let runs = 0
  manager.startController(
    defineController({
      name: 'again',
      for: SET,
      setup: ({ enqueue }) => enqueue('default/later', 5000),
      async reconcile(object) {
        runs++
        return object.metadata.name === 'x' && runs < 3 ? { requeueAfterMs: 60_000 } : undefined
      },
    }),
  )
  cluster.seed(set('x'), set('later'))
  await settle()
  t.equal(runs, 2)
  t.ok(manager.idle, 'what waits for its time does not count')
  await cluster.clock.step(5000)
  t.equal(runs, 3, 'what setup asked for')
  await cluster.clock.step(60_000)
  t.equal(runs, 4)
  await manager.close()
  t.equal(cluster.clock.pending, 0)
})

t.test('keys are worked on side by side, one at a time each', async (t) => {
  const { cluster, manager, settle } = start()
  const running = new Map<string, () => void>()
  let most = 0
  manager.startController(
    defineController({
      name: 'slow',
      for: SET,
      concurrency: 2,
      async reconcile({ metadata: { name = '' } }) {
        t.notOk(running.has(name))
        await new Promise<void>((resolve) => {
          running.set(name, resolve)
          most = Math.max(most, running.size)
        })
        running.delete(name)
      },
    }),
  )
  cluster.seed(set('a'), set('b'), set('c'))
  await settle()
  t.same([...running.keys()], ['a', 'b'])
  t.notOk(manager.idle)
  cluster.edit(SET, 'a', (o) => (o.metadata.labels = { x: 'y' }))
  await settle()
  t.same([...running.keys()], ['a', 'b'], 'a key that is busy waits')
  for (const name of ['b', 'c', 'a', 'a']) {
    running.get(name)?.()
    await settle()
    await settle()
  }
  t.equal(most, 2)
  t.ok(manager.idle)
  const closing = manager.close()
  t.equal(await Promise.race([closing.then(() => 'closed'), settle().then(() => 'waits')]), 'closed')
})

t.test('who acts', async (t) => {
  const { manager, users } = start()
  manager.startController(recording([]))
  manager.startController(recording([], { name: 'own', user: 'system:own' }))
  const closed: string[] = []
  for (const name of ['first', 'second']) manager.startLoop(defineLoop({ name, start: ({ clientFor }) => (clientFor?.({ name: `${name}-user`, groups: ['g'] }), { close: () => void closed.push(name) }) }))
  t.match(users[0], { name: 'system:serviceaccount:kube-system:replicaset-controller', groups: ['system:serviceaccounts', 'system:serviceaccounts:kube-system', 'system:authenticated'] })
  t.match(users[1], { name: 'system:own', groups: ['system:authenticated'] })
  t.match(users[3], { name: 'first-user', groups: ['g', 'system:authenticated'] })
  await manager.close()
  t.same(closed, ['second', 'first'], 'what began last ends first')
})

t.test('a key that comes as the last worker ends is worked on', async (t) => {
  for (let ticks = 0; ticks < 12; ticks++) {
    const { cluster, manager, settle } = start()
    const seen: string[] = []
    manager.startController(recording(seen, { concurrency: 1 }))
    await cluster.create(set('first'))
    const late = (async () => {
      for (let tick = 0; tick < ticks; tick++) await Promise.resolve()
      await cluster.create(set('second'))
    })()
    await late
    await settle()
    t.same(seen, ['first', 'second'], `${ticks} turns later`)
    await manager.close()
  }
})
