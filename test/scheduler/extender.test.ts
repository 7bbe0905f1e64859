/** Programs outside that filter, score, bind and choose victims, over HTTP. */
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { FakeCluster } from '../helpers/fake-client.ts'
import { eventually } from '../helpers/cluster.ts'
import { defaultSchedulerConfig } from '../../src/scheduler/config/load.ts'
import type { ExtenderConfig } from '../../src/scheduler/config/types.ts'
import { plugins } from '../../src/scheduler/registry.ts'
import { schedulerLoop } from '../../src/scheduler/scheduler.ts'
import type { Pod } from '../../schemas/types.ts'
import { node, pod } from './_objects.ts'

type Answers = Record<string, (body: Record<string, unknown>) => unknown>
type Test = { teardown(fn: () => void): unknown }

async function extender(t: Test, answers: Answers): Promise<{ url: string; asked: Record<string, unknown>[] }> {
  const asked: Record<string, unknown>[] = []
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body: Record<string, unknown> = JSON.parse(Buffer.concat(chunks).toString())
      const answer = answers[request.url?.slice(1) ?? '']
      asked.push({ verb: request.url?.slice(1), ...body })
      response.statusCode = answer ? 200 : 500
      response.end(JSON.stringify(answer?.(body) ?? null))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

function started(t: Test, extenders: ExtenderConfig[]) {
  const cluster = new FakeCluster({ gracefulPods: true })
  const { loop } = schedulerLoop({ ...defaultSchedulerConfig(plugins), extenders })
  const running = loop.start(cluster.context())
  t.teardown(() => void running.close())
  const read = (name: string) => cluster.read<Pod>('v1/Pod', name)
  /** Steps the cluster's clock until it is so: answers come by the host's time. */
  const until = async (condition: () => boolean) => {
    await eventually(async () => {
      await cluster.clock.step(1)
      return condition()
    })
  }
  return Object.assign(cluster, { pod: read, until, why: (name: string) => read(name).status?.conditions?.find((c) => c.type === 'PodScheduled')?.message })
}

t.test('filters and scores by names', async (t) => {
  const { url, asked } = await extender(t, {
    filter: ({ NodeNames }) => ({ NodeNames: (NodeNames as string[]).filter((n) => n !== 'a'), FailedNodes: { a: 'not a' } }),
    prioritize: () => [{ Host: 'c', Score: 10 }],
  })
  const cluster = started(t, [{ urlPrefix: url, filterVerb: 'filter', prioritizeVerb: 'prioritize', weight: 100, nodeCacheCapable: true }])
  cluster.seed(node('a'), node('b'), node('c'))
  await cluster.create(pod('p'))
  await cluster.until(() => cluster.pod('p').spec.nodeName !== undefined)
  t.equal(cluster.pod('p').spec.nodeName, 'c')
  t.match(asked, [{ verb: 'filter', Pod: { metadata: { name: 'p' } }, Nodes: null }, { verb: 'prioritize' }])
})

t.test('refuses all nodes, given whole', async (t) => {
  const { url, asked } = await extender(t, { filter: () => ({ Nodes: { items: [] }, FailedNodes: { a: 'too far' }, FailedAndUnresolvableNodes: { b: 'too old' } }) })
  const cluster = started(t, [{ urlPrefix: `${url}/`, filterVerb: 'filter' }])
  cluster.seed(node('a'), node('b'))
  await cluster.create(pod('p'))
  await cluster.until(() => cluster.why('p') !== undefined)
  t.equal(cluster.why('p'), '0/2 nodes are available: 1 too far, 1 too old. no new claims to deallocate, preemption: 0/2 nodes are available: 1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling.')
  t.match(asked, [{ Nodes: { items: [{ metadata: { name: 'a' } }, { metadata: { name: 'b' } }] }, NodeNames: null }])
})

t.test('one that fails holds pods up, unless it may be ignored', async (t) => {
  const { url } = await extender(t, {})
  const strict = started(t, [{ urlPrefix: url, filterVerb: 'filter' }])
  strict.seed(node('a'))
  await strict.create(pod('p'))
  await strict.until(() => strict.why('p') !== undefined)
  t.equal(strict.why('p'), `failed filter with extender at URL ${url}/filter, code 500`)
  const lenient = started(t, [{ urlPrefix: url, filterVerb: 'filter', bindVerb: 'bind', ignorable: true }])
  lenient.seed(node('a'))
  await lenient.create(pod('p'))
  await lenient.until(() => lenient.pod('p').spec.nodeName === 'a')
  t.pass('it is bound by the scheduler itself')
})

t.test('binds, and only pods that ask for what it manages', async (t) => {
  const { url, asked } = await extender(t, { bind: () => ({ Error: 'no thanks' }) })
  const cluster = started(t, [{ urlPrefix: url, bindVerb: 'bind', managedResources: [{ name: 'example.com/x', ignoredByScheduler: true }] }])
  cluster.seed(node('a'))
  await cluster.create(pod('plain'))
  await cluster.create(pod('managed', { containers: [{ name: 'c', resources: { requests: { 'example.com/x': '1' } } }] }))
  await cluster.until(() => cluster.why('managed') !== undefined && cluster.pod('plain').spec.nodeName === 'a')
  t.equal(cluster.why('managed'), 'no thanks', 'the fit plugin did not mind, the extender did')
  t.same(asked.map((a) => a.PodName), ['managed'])
})

t.test('chooses among the victims', async (t) => {
  const { url, asked } = await extender(t, { preempt: ({ NodeNameToMetaVictims }) => ({ NodeNameToMetaVictims: { b: (NodeNameToMetaVictims as Record<string, unknown>).b } }) })
  const cluster = started(t, [{ urlPrefix: url, preemptVerb: 'preempt', nodeCacheCapable: true }])
  cluster.seed(node('a'), node('b'))
  for (const name of ['a', 'b']) cluster.seed(pod(`on-${name}`, { nodeName: name, cpu: '4', priority: 1 }))
  await cluster.create(pod('high', { cpu: '4', priority: 100 }))
  await cluster.until(() => cluster.pod('on-b').metadata.deletionTimestamp !== undefined)
  t.equal(cluster.pod('high').status?.nominatedNodeName, 'b')
  t.notOk(cluster.pod('on-a').metadata.deletionTimestamp)
  t.match(asked, [{ NodeNameToVictims: null, NodeNameToMetaVictims: { a: { NumPDBViolations: 0 }, b: {} } }])
})
