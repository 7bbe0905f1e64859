/** Who owns the fields of a release: Helm 4 applies on the server, meets other managers, and takes over what Helm 3 has made. */
import t from 'tap'
import type { Deployment } from '../../schemas/types.ts'
import { startTestCluster } from '../helpers/cluster.ts'
import { Helm } from '../helpers/helm.ts'

const target = await startTestCluster(t, { nodes: 1 })

async function managers(h: Helm): Promise<string[]> {
  const { metadata } = await h.kubectl.json<Deployment>('get deployment demo --show-managed-fields')
  return (metadata.managedFields ?? []).filter((f) => f.subresource === undefined && f.manager !== 'kube-controller-manager').map((f) => `${f.manager} ${f.operation}`)
}

async function replicas(h: Helm): Promise<number | undefined> {
  return (await h.kubectl.json<Deployment>('get deployment demo')).spec.replicas
}

t.test('helm 4.2 meets another manager', async (t) => {
  const h = new Helm('4.2', target, 'contested')
  await h.run('install demo chart --create-namespace --set cache.enabled=false')
  t.same(await managers(h), ['helm Apply'])
  const theirs = JSON.stringify({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'demo' }, spec: { replicas: 5 } })
  await h.kubectl.apply(theirs, '--server-side', '--field-manager=autoscaler', '--force-conflicts')
  t.match(await h.fails('upgrade demo chart --set cache.enabled=false,replicas=3'), /conflict with "autoscaler": \.spec\.replicas/)
  t.equal(await replicas(h), 5)
  await h.run('upgrade demo chart --set cache.enabled=false,replicas=3 --force-conflicts')
  t.equal(await replicas(h), 3)
})

t.test('helm 4.2 takes over from helm 3.17', async (t) => {
  const old = new Helm('3.17', target, 'inherited')
  const h = new Helm('4.2', target, 'inherited')
  await old.run('install demo chart --create-namespace --set cache.enabled=false,greeting=old')
  t.same(await managers(h), ['helm Update'])
  await h.run('upgrade demo chart --set cache.enabled=false,greeting=newer')
  t.same(await managers(h), ['helm Update'], 'a release goes on as it was begun')
  await h.run('upgrade demo chart --set cache.enabled=false,replicas=4 --server-side=true')
  t.ok((await managers(h)).includes('helm Apply'))
  t.equal(await replicas(h), 4)
  t.same((await h.history('demo')).map((r) => r.status), ['superseded', 'superseded', 'deployed'])
  t.match(await old.run('list'), /^demo\s+inherited\s+3\s/m, 'the older one reads what the newer has written')
  await old.run('uninstall demo --wait')
  t.equal(await h.kubectl.run('get deployment demo --ignore-not-found'), '')
})

t.test('what is there already', async (t) => {
  for (const version of ['3.17', '4.2'] as const) {
    const h = new Helm(version, target, `adopted-${version.replace('.', '-')}`)
    await h.kubectl.run(['create', 'namespace', h.namespace])
    await h.kubectl.run('create configmap demo-config --from-literal=greeting=mine')
    const install = 'install demo chart --set cache.enabled=false'
    t.match(await h.fails(install), /ConfigMap "demo-config" in namespace "adopted-\S+" exists and cannot be imported into the current release: invalid ownership metadata/)
    await h.run('uninstall demo --ignore-not-found')
    await h.kubectl.run('delete job demo-prepare --ignore-not-found')
    await h.run(`${install} --take-ownership${version === '4.2' ? ' --force-conflicts' : ''}`)
    t.equal(await h.kubectl.run(['get', 'configmap', 'demo-config', '-o', 'jsonpath={.data.greeting}']), 'hello')
  }
})
