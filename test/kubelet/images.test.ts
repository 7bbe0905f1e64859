/** Images as volumes, who may have which, and nodes whose disks fill with them. */
import path from 'node:path'
import t from 'tap'
import type { Event, Node, Pod } from '../../schemas/types.ts'
import { Images, parseImages } from '../../src/kubelet/images.ts'
import { createKubelet } from '../../src/kubelet/kubelet.ts'
import { virtualNode } from '../../src/kubelet/virtual-node.ts'
import { eventually, Kubectl, startTestCluster } from '../helpers/cluster.ts'
import { FakeCluster } from '../helpers/fake-client.ts'
import { LocalNetwork } from '../helpers/local-network.ts'

const OWN = `
- {name: data, match: ['example.com/data'], files: {/models/a.txt: one, /models/deep/b.txt: two}, tools: none}
- {name: secret, match: ['private.example.com/*'], pull: {private: true}, does: {}}
`

const pod = (name: string, { reference, mount = '', policy = '', spec = '' }: { reference: string; mount?: string; policy?: string; spec?: string }) => `
---
apiVersion: v1
kind: Pod
metadata: {name: ${name}}
spec:
  ${spec}
  terminationGracePeriodSeconds: 1
  containers: [{name: main, image: busybox, command: [sleep, inf], volumeMounts: [{name: v, mountPath: /data${mount}}]}]
  volumes: [{name: v, image: {reference: ${reference}${policy}}}]
`

t.test('volumes', async (t) => {
  const file = path.join(t.testdir({ 'images.yaml': OWN }), 'images.yaml')
  const k = new Kubectl('1.36', await startTestCluster(t, { nodes: 1, images: file }))
  await k.apply([
    pod('whole', { reference: 'example.com/data' }),
    pod('part', { reference: 'example.com/data', mount: ', subPath: models/deep' }),
    pod('lacking', { reference: 'example.com/data', mount: ', subPath: nothing' }),
    pod('never', { reference: 'example.com/other', policy: ', pullPolicy: Never' }),
    pod('private', { reference: 'private.example.com/data', spec: 'imagePullSecrets: [{name: absent}]' }),
  ].join(''))
  await k.run('wait pod/whole pod/part --for=condition=Ready --timeout=60s')
  t.equal(await k.run(['exec', 'whole', '--', 'sh', '-c', 'cd /data; find models -type f | sort | xargs cat; touch x 2>&1; true']), 'onetwotouch: x: Read-only file system\n')
  t.equal(await k.run('exec part -- cat /data/b.txt'), 'two')
  const waiting = async (name: string) => (await k.json<Pod>(`get pod ${name}`)).status?.containerStatuses?.[0]?.state?.waiting
  const reason = (name: string, wanted: string) => k.run(`wait pod/${name} --for=jsonpath={.status.containerStatuses[0].state.waiting.reason}=${wanted} --timeout=60s`)
  await reason('lacking', 'CreateContainerError')
  await reason('never', 'ErrImageNeverPull')
  t.equal((await waiting('never'))?.message, 'Container image "example.com/other" is not present with pull policy of Never')
  await reason('private', 'ImagePullBackOff')
  const messages = await eventually(async () => {
    const { items } = await k.json<{ items: Event[] }>('get events --field-selector involvedObject.name=private')
    return items.some((e) => e.reason === 'FailedToRetrieveImagePullSecret') && items
  })
  t.match(messages.find((e) => e.reason === 'FailedToRetrieveImagePullSecret'), { type: 'Warning', message: 'Unable to retrieve some image pull secrets (absent); attempting to pull the image may not succeed.' })
  t.match(messages.find((e) => e.reason === 'Pulling'), { message: 'Pulling image "private.example.com/data"', involvedObject: { fieldPath: undefined } })
})

t.test('a disk full of images', async (t) => {
  const images = new Images()
  images.use('test', { images: parseImages('[{name: big, match: ["big/*"], sizeBytes: 300000000, does: {exitAfter: 0s}}, {name: used, match: ["used"], sizeBytes: 500000000, does: {}}]', 'f') })
  const cluster = new FakeCluster()
  cluster.seed(virtualNode('own', { capacity: { 'ephemeral-storage': '1000M', cpu: '8', memory: '8Gi', pods: '110' } }))
  const loop = createKubelet({ network: new LocalNetwork(), images }).loop.start(cluster.context())
  t.teardown(() => void loop.close())
  const run = (name: string, image: string) => cluster.seed({ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default', uid: name }, spec: { nodeName: 'own', restartPolicy: 'Never', containers: [{ name: 'c', image }] } } as Pod)
  const steps = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 5000) await cluster.clock.step(5000)
  }
  const told = () => ((cluster.all('v1/Node')[0] as Node).status?.images ?? []).flatMap(({ names = [] }) => names.slice(1))
  const tells = (reason: string) => cluster.events.some((line) => line.includes(` ${reason}: `))
  await cluster.clock.step(1)
  run('keeps', 'used')
  run('passes', 'big/one')
  await steps(20_000)
  t.same(told().sort(), ['docker.io/big/one:latest', 'docker.io/library/used:latest'])
  await steps(300_000)
  t.same(told().sort(), ['docker.io/big/one:latest', 'docker.io/library/used:latest'], 'there is room')
  run('more', 'big/two')
  await steps(20_000)
  t.ok(tells('EvictionThresholdMet'), 'it has become too much')
  t.notOk(told().includes('docker.io/big/one:latest'), 'what nobody uses makes room')
  t.notOk(tells('Evicted'), 'so that nobody has to go')
})
