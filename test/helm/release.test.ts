/** The life of a release of chart/, with each Helm: installed, tested, upgraded, refused, rolled back and uninstalled. */
import t, { type Test } from 'tap'
import type { ConfigMap, Deployment, Job, PersistentVolumeClaim, Pod, Secret, StatefulSet } from '../../schemas/types.ts'
import { startTestCluster } from '../helpers/cluster.ts'
import { Helm, helmVersions } from '../helpers/helm.ts'

const target = await startTestCluster(t, { nodes: 2 })

interface List<T> {
  items: T[]
}

const patience = '--wait --timeout 40s'

async function install(t: Test, h: Helm): Promise<void> {
  const said = await h.run(`install demo chart --create-namespace ${patience} --description first --set replicas=1`)
  t.match(said, /^STATUS: deployed\nREVISION: 1$/m)
  t.match(said, `demo says hello in ${h.namespace}.`)
  const k = h.kubectl
  t.equal((await k.json<Deployment>('get deployment demo')).status?.readyReplicas, 1, '--wait has waited for the deployment')
  t.equal((await k.json<StatefulSet>('get statefulset demo-cache')).status?.readyReplicas, 1, 'and for the subchart')
  t.equal((await k.json<PersistentVolumeClaim>('get pvc data-demo-cache-0')).status?.phase, 'Bound')
  t.equal((await k.json<Job>('get job demo-prepare')).status?.succeeded, 1, 'the hook has run')
  t.same((await k.json<ConfigMap>('get configmap demo-config')).data, { greeting: 'hello', hasJobs: 'true', kubeVersion: 'v1.36.3', revision: '1' })
  t.same(await h.history('demo'), [{ revision: 1, status: 'deployed', description: 'first' }])
  const [listed] = JSON.parse(await h.run('list -o json')) as Record<string, string>[]
  t.match(listed, { name: 'demo', namespace: h.namespace, revision: '1', status: 'deployed', chart: 'guestbook-0.1.0', app_version: '1.0' })
  t.match(await h.fails('install demo chart'), /cannot re-?use a name that is still in use/)
}

async function check(t: Test, h: Helm): Promise<void> {
  const said = await h.run('test demo --timeout 40s')
  t.match(said, /^TEST SUITE: +demo-answers$/m)
  t.match(said, /^Phase: +Succeeded$/m)
  t.equal((await h.kubectl.json<Pod>('get pod demo-answers')).status?.phase, 'Succeeded')
}

async function upgrade(t: Test, h: Helm): Promise<void> {
  const k = h.kubectl
  const secret = await k.json<Secret>('get secret demo-password')
  await h.run(`upgrade demo chart --set greeting=bye,replicas=3 --set-string image=nginx:1.28 --description louder ${patience}`)
  const { spec, status } = await k.json<Deployment>('get deployment demo')
  t.equal(spec.replicas, 3)
  t.equal(spec.template?.spec?.containers?.[0]?.image, 'nginx:1.28')
  t.match(status, { updatedReplicas: 3, readyReplicas: 3 })
  t.match((await k.json<ConfigMap>('get configmap demo-config')).data, { greeting: 'bye', revision: '2' })
  t.equal((await k.json<Secret>('get secret demo-password')).data?.['password'], secret.data?.['password'], 'what was looked up is kept')
  t.equal(await k.run('get job demo-migrate --ignore-not-found'), '', 'the hook is deleted when it has succeeded')

  await h.run(`upgrade demo chart --reuse-values --set cache.enabled=false ${patience}`)
  t.equal(await k.run('get statefulset,service demo-cache --ignore-not-found'), '', 'the subchart is gone')
  t.same((JSON.parse(await h.run('get values demo -o json')) as { cache: unknown }).cache, { enabled: false })
}

async function refuse(t: Test, h: Helm): Promise<void> {
  const why = /Deployment\.apps "demo" is invalid: spec\.replicas: Invalid value: -1: must be greater than or equal to 0/
  t.match(await h.fails('upgrade demo chart --reuse-values --set replicas=-1'), why)
  const undo = h.version === '4.2' ? '--rollback-on-failure' : '--atomic'
  t.match(await h.fails(`upgrade demo chart --reuse-values --set replicas=-1 --timeout 40s ${undo}`), /has been rolled back due to/)
  const told = await h.history('demo')
  t.same(told.map((r) => r.status), ['superseded', 'superseded', 'superseded', 'failed', 'failed', 'deployed'])
  t.match(told[3]?.description, why)
  t.equal(told[5]?.description, 'Rollback to 3')
}

async function rollBack(t: Test, h: Helm): Promise<void> {
  await h.run(`rollback demo 1 ${patience}`)
  const k = h.kubectl
  t.match((await h.history('demo')).at(-1), { revision: 7, status: 'deployed', description: 'Rollback to 1' })
  t.match(await k.json<Deployment>('get deployment demo'), { spec: { replicas: 1 }, status: { readyReplicas: 1 } })
  t.match((await k.json<ConfigMap>('get configmap demo-config')).data, { greeting: 'hello', revision: '1' })
  t.equal((await k.json<StatefulSet>('get statefulset demo-cache')).status?.readyReplicas, 1, 'the subchart is back')
}

async function rehearse(t: Test, h: Helm): Promise<void> {
  const k = h.kubectl
  const password = (await k.json<Secret>('get secret demo-password')).data?.['password']
  const before = await k.run(['get', 'all,configmaps,secrets', '-o', 'name'])
  t.match(await h.run('upgrade demo chart --dry-run=server --set greeting=never'), `password: ${password}\n`, 'lookup asks the server')
  t.notMatch(await h.run('upgrade demo chart --dry-run=client'), `password: ${password}\n`)
  const named = await h.run('install other chart --dry-run=server')
  const namespaces = (await k.json<List<unknown>>('get namespaces')).items.length
  t.match(named, `namespaces: "${namespaces}"`)
  t.equal(await k.run(['get', 'all,configmaps,secrets', '-o', 'name']), before, 'nothing has changed')
}

async function uninstall(t: Test, h: Helm): Promise<void> {
  const k = h.kubectl
  t.match(await h.run(`uninstall demo --keep-history ${patience}`), 'release "demo" uninstalled')
  t.equal(await k.run('get deployments,statefulsets,services,ingresses,poddisruptionbudgets,roles,serviceaccounts -l app.kubernetes.io/managed-by=Helm -o name'), '')
  t.equal(await k.run('get deployments,replicasets,statefulsets,services,ingresses,roles -o name'), '')
  t.equal((await k.json<ConfigMap>('get configmap demo-farewell')).data?.['greeting'], 'hello', 'the hook after the end has run')
  t.equal((await h.history('demo')).at(-1)?.status, 'uninstalled')
  await h.run('uninstall demo')
  t.match(await h.fails('history demo'), /release: not found/)
  t.equal(await k.run('get secrets -o name'), '')
}

for (const version of helmVersions) {
  t.test(`helm ${version}`, async (t) => {
    const h = new Helm(version, target, `helm-${version.replace('.', '-')}`)
    t.match(await h.run('version --short'), new RegExp(`^v${version.replace('.', '\\.')}\\.`))
    await t.test('install', (t) => install(t, h))
    await t.test('test', (t) => check(t, h))
    await t.test('upgrade', (t) => upgrade(t, h))
    await t.test('refused and rolled back', (t) => refuse(t, h))
    await t.test('rollback', (t) => rollBack(t, h))
    await t.test('dry runs', (t) => rehearse(t, h))
    await t.test('uninstall', (t) => uninstall(t, h))
  })
}
