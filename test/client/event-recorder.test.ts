import pino from 'pino'
import t, { type Test } from 'tap'
import { Recorder } from '../../src/client/event-recorder.ts'
import { FakeClock, SeededRandom } from '../../src/clock.ts'
import type { KubeObject } from '../../src/registry/kind.ts'
import type { Event } from '../../schemas/types.ts'
import { FakeCluster } from '../helpers/fake-client.ts'

const POD: KubeObject = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace: 'shop', uid: 'u1', resourceVersion: '5' } }

function start(): { recorder: Recorder; cluster: FakeCluster; clock: FakeClock; events(): Promise<Event[]> } {
  const clock = new FakeClock()
  const cluster = new FakeCluster({ clock })
  const recorder = new Recorder({ client: cluster, clock, random: new SeededRandom(1), log: pino({ level: 'silent' }), component: 'tester' })
  return {
    recorder,
    cluster,
    clock,
    async events() {
      await clock.step(0)
      await clock.step(0)
      return cluster.all<Event>('v1/Event')
    },
  }
}

t.test('what an event says', async (t) => {
  const { recorder, events } = start()
  recorder.event(POD, 'Warning', 'BackOff', 'Back-off restarting', { fieldPath: 'spec.containers{c}', host: 'node-1' })
  const [event] = await events()
  t.match(event, {
    metadata: { name: /^web\.[0-9a-f]{16}$/, namespace: 'shop' },
    involvedObject: { kind: 'Pod', namespace: 'shop', name: 'web', uid: 'u1', apiVersion: 'v1', resourceVersion: '5', fieldPath: 'spec.containers{c}' },
    reason: 'BackOff',
    message: 'Back-off restarting',
    type: 'Warning',
    source: { component: 'tester', host: 'node-1' },
    firstTimestamp: '2026-01-01T00:00:00Z',
    lastTimestamp: '2026-01-01T00:00:00Z',
    count: 1,
    reportingComponent: 'tester',
    reportingInstance: 'node-1',
  })
  recorder.event({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'n', uid: 'u2' } }, 'Normal', 'Starting', '')
  t.equal((await events())[1]?.metadata.namespace, 'default', 'events about what has no namespace')
})

t.test('the same again is counted', async (t) => {
  const { recorder, clock, events } = start()
  for (let i = 0; i < 3; i++) {
    recorder.event(POD, 'Normal', 'Pulled', 'ready')
    await events()
    await clock.step(1000)
  }
  t.match(await events(), [{ count: 3, firstTimestamp: '2026-01-01T00:00:00Z', lastTimestamp: '2026-01-01T00:00:02Z' }])
  t.equal((await events()).length, 1)
})

t.test('one that was deleted meanwhile begins anew', async (t) => {
  const { recorder, cluster, events } = start()
  recorder.event(POD, 'Normal', 'Pulled', 'ready')
  const [first] = await events()
  cluster.finish('v1/Event', first?.metadata.name ?? '')
  recorder.event(POD, 'Normal', 'Pulled', 'ready')
  t.match(await events(), [{ count: 1 }])
})

t.test('many that differ in their words become one', async (t) => {
  const { recorder, events, clock } = start()
  for (let i = 0; i < 15; i++) recorder.event(POD, 'Normal', 'Odd', `number ${i}`)
  const all = await events()
  t.equal(all.length, 10)
  t.match(all[9], { message: '(combined from similar events): number 14', count: 6 }, 'from the tenth on')
  t.same([all[9]?.reportingComponent, all[0]?.reportingComponent], ['', 'tester'], 'it names no reporter')
  recorder.event(POD, 'Normal', 'Odd', 'number 3')
  t.match((await events())[3], { message: 'number 3', count: 2 }, 'a known one is still itself')
  await clock.step(600_001)
  recorder.event(POD, 'Normal', 'Odd', 'number 99')
  t.equal((await events())[10]?.message, 'number 99', 'long after, all begins anew')
})

t.test('who floods is cut off, and may speak again later', async (t) => {
  const { recorder, events, clock } = start()
  for (let i = 0; i < 40; i++) recorder.event(POD, 'Normal', `Reason${i}`, 'x')
  t.equal((await events()).length, 25)
  recorder.event(POD, 'Warning', 'Other', 'x')
  t.equal((await events()).length, 26, 'another type has a budget of its own')
  await clock.step(300_000)
  for (let i = 0; i < 3; i++) recorder.event(POD, 'Normal', `Later${i}`, 'x')
  t.equal((await events()).length, 27, 'one more in five minutes')
})

t.test('events with an action are series', async (t) => {
  const { recorder, cluster, events, clock } = start()
  const fail = (message: string) => recorder.event(POD, 'Warning', 'FailedScheduling', message, { action: 'Scheduling' })
  fail('0/1 nodes')
  const [first] = await events()
  t.match(first, { eventTime: '2026-01-01T00:00:00.000000Z', action: 'Scheduling', reportingComponent: 'tester', reportingInstance: /^tester-/, source: {} })
  t.notOk(first?.count)
  fail('0/1 nodes')
  fail('0/2 nodes')
  t.match(await events(), [{ message: '0/1 nodes', series: { count: 2 } }], 'the words of the first stay, and the third is not written')
  const writes = cluster.writes.length
  await clock.step(1_800_000)
  fail('0/1 nodes')
  t.match(await events(), [{ series: { count: 4, lastObservedTime: '2026-01-01T00:30:00.000000Z' } }], 'now and then it is')
  t.equal(cluster.writes.length, writes + 1)
  recorder.event({ ...POD, metadata: { ...POD.metadata, resourceVersion: '6' } }, 'Warning', 'FailedScheduling', '0/1 nodes', { action: 'Scheduling' })
  t.equal((await events()).length, 2, 'another version is another story')
})

t.test('nothing holds up who records, nothing is recorded after close', async (t: Test) => {
  const { recorder, cluster, events } = start()
  cluster.before = () => {
    throw new Error('the namespace is going away')
  }
  recorder.event(POD, 'Normal', 'A', 'x')
  t.same(await events(), [])
  cluster.before = () => {}
  recorder.event(POD, 'Normal', 'B', 'x')
  t.equal((await events()).length, 1, 'a failed write costs one event')
  recorder.event(POD, 'Normal', 'C', 'x')
  recorder.close()
  recorder.event(POD, 'Normal', 'D', 'x')
  t.ok((await events()).every((event) => event.reason !== 'D'))
})
