/** metrics.k8s.io, which is there where nodes are. */
import path from 'node:path'
import t from 'tap'
import { FakeClock, SystemClock } from '../../../src/clock.ts'
import { eventually } from '../../helpers/cluster.ts'
import { startApiCluster } from '../../helpers/http.ts'

const METRICS = '/apis/metrics.k8s.io/v1beta1'
/** What the image below uses, whatever its containers ask for. */
const IMAGES = `
- name: app
  match: [registry.example/app]
  does: {cpu: 100m, memory: 64Mi}
`
const container = (name: string, requests?: Record<string, string>) => ({ name, image: 'registry.example/app:1', ...(requests ? { resources: { requests } } : {}) })
const pod = (name: string, ...containers: object[]) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: { app: name } }, spec: { containers } })

t.test('figures of pods and nodes', async (t) => {
  const images = path.join(t.testdir({ 'images.yaml': IMAGES }), 'images.yaml')
  const clock = new FakeClock(new SystemClock().now())
  const api = await startApiCluster(t, { nodes: [{ name: 'node-1' }], images, clock })
  await eventually(async () => (await api.get('/api/v1/namespaces/default/serviceaccounts/default')).status === 200)
  await api.make('/api/v1/namespaces/default/pods', pod('a', container('one', { cpu: '200m', memory: '64Mi' }), container('two')))
  await api.make('/api/v1/namespaces/default/pods', { ...pod('waits', container('one')), spec: { containers: [container('one')], schedulerName: 'nobody' } })
  await eventually(async () => {
    await clock.step(1000)
    return (await api.get(`${METRICS}/namespaces/default/pods/a`)).status === 200
  })
  await clock.step(20_000)
  const { body } = await api.get(`${METRICS}/namespaces/default/pods/a`)
  t.match(body, { kind: 'PodMetrics', metadata: { name: 'a', labels: { app: 'a' } }, window: '15s' })
  t.same(body.containers, [{ name: 'one', usage: { cpu: '100m', memory: '64Mi' } }, { name: 'two', usage: { cpu: '100m', memory: '64Mi' } }])
  t.equal((await api.get(`${METRICS}/namespaces/default/pods/waits`)).status, 404, 'nothing runs yet')
  const names = async (path: string) => (await api.get(`${METRICS}/${path}`)).body.items?.map(({ metadata }) => metadata.name)
  t.same(await names('pods'), ['a'])
  t.same(await names('namespaces/kube-system/pods'), [])
  t.same(await names('pods?labelSelector=app%3Db'), [])
  t.same((await api.get(`${METRICS}/nodes/node-1`)).body.usage, { cpu: '250m', memory: '428Mi' })
  t.match(await api.get(METRICS), { body: { resources: [{ name: 'nodes', kind: 'NodeMetrics', verbs: ['get', 'list'] }, { name: 'pods', kind: 'PodMetrics', namespaced: true }] } })
  t.equal((await api.delete(`${METRICS}/nodes/node-1`)).status, 405)
  t.match((await api.get('/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.metrics.k8s.io')).body, { spec: { groupPriorityMinimum: 100 }, status: { conditions: [{ type: 'Available', status: 'True' }] } })
})

t.test('a bare control plane has none', async (t) => {
  const api = await startApiCluster(t)
  t.equal((await api.get(METRICS)).status, 404)
})
