/** Objects changed by hand: label, annotate, edit, patch of each type, diff, replace, wait. */
import fs from 'node:fs'
import path from 'node:path'
import t from 'tap'
import type { ConfigMap, Deployment, Pod } from '../../schemas/types.ts'
import { startTestCluster } from '../helpers/cluster.ts'
import { eachKubectl } from '../helpers/each-kubectl.ts'
import { configMapManifest, deploymentManifest, podManifest } from '../helpers/manifests.ts'

const target = await startTestCluster(t)

eachKubectl(t, target, {
  name: 'label and annotate',
  async test(t, k) {
    await k.apply(configMapManifest('one', {}))
    await k.apply(configMapManifest('two', {}, { team: 'blue' }))
    t.equal(await k.run('label configmap one team=red'), 'configmap/one labeled\n')
    t.match(await k.fails('label configmap one team=green'), /'team' already has a value \(red\), and --overwrite is false/)
    await k.run('label configmap one team=green --overwrite')
    await k.run('label configmap -l team seen=yes')
    t.equal(await k.run('label configmap one team-'), 'configmap/one unlabeled\n')
    t.same((await k.json<ConfigMap>('get configmap one')).metadata.labels, { seen: 'yes' })
    t.match(await k.fails(['label', 'configmap', 'one', 'bad=not allowed!']), /a valid label must be an empty string or consist of alphanumeric characters/)

    t.equal(await k.run(['annotate', 'configmap', 'one', 'note=some words']), 'configmap/one annotated\n')
    t.equal(await k.run(['get', 'configmap', 'one', '-o', 'jsonpath={.metadata.annotations.note}']), 'some words')
    await k.run('annotate configmap one note-')
    t.equal(await k.run(['get', 'configmap', 'one', '-o', 'jsonpath={.metadata.annotations.note}']), '')
  },
})

eachKubectl(t, target, {
  name: 'patch',
  async test(t, k) {
    await k.apply(deploymentManifest({ replicas: 0 }))
    const template = async () => (await k.json<Deployment>('get deployment web')).spec.template?.spec
    t.equal(await k.run(['patch', 'deployment', 'web', '-p', '{"spec":{"template":{"spec":{"containers":[{"name":"side","image":"busybox:1.37"}]}}}}']), 'deployment.apps/web patched\n')
    t.same((await template())?.containers?.map((c) => c.name), ['side', 'nginx'], 'a strategic merge patch merges by name')
    await k.run(['patch', 'deployment', 'web', '-p', '{"spec":{"template":{"spec":{"containers":[{"$patch":"delete","name":"side"}]}}}}'])
    t.same((await template())?.containers?.map((c) => c.name), ['nginx'])

    await k.run(['patch', 'deployment', 'web', '--type=merge', '-p', '{"spec":{"template":{"spec":{"containers":[{"name":"only","image":"busybox:1.37"}]}}}}'])
    t.same((await template())?.containers?.map((c) => c.name), ['only'], 'a merge patch replaces lists')
    await k.run(['patch', 'deployment', 'web', '--type=json', '-p', '[{"op":"test","path":"/spec/replicas","value":0},{"op":"replace","path":"/spec/replicas","value":1},{"op":"add","path":"/metadata/labels/extra","value":"yes"}]'])
    const { spec, metadata } = await k.json<Deployment>('get deployment web')
    t.equal(spec.replicas, 1)
    t.equal(metadata.labels?.extra, 'yes')
    t.equal(await k.run(['patch', 'deployment', 'web', '-p', '{"spec":{"replicas":1}}']), 'deployment.apps/web patched (no change)\n')
    t.match(await k.fails(['patch', 'deployment', 'web', '--type=json', '-p', '[{"op":"test","path":"/spec/replicas","value":7}]']), /The request is invalid/)
    t.match(await k.fails(['patch', 'deployment', 'web', '-p', '{"spec":{"replicas":-1}}']), /The Deployment "web" is invalid: spec\.replicas: Invalid value: -1: must be greater than or equal to 0/)
    await k.run(['patch', 'deployment', 'web', '--subresource=scale', '--type=merge', '-p', '{"spec":{"replicas":2}}'])
    t.equal((await k.json<Deployment>('get deployment web')).spec.replicas, 2)
  },
})

eachKubectl(t, target, {
  name: 'edit',
  async test(t, k) {
    await k.apply(configMapManifest('colours', { sky: 'blue' }))
    const env = { KUBE_EDITOR: 'sed -i s/blue/grey/' }
    t.equal(await k.run('edit configmap colours', { env }), 'configmap/colours edited\n')
    t.equal(await k.run(['get', 'configmap', 'colours', '-o', 'jsonpath={.data.sky}']), 'grey')
    const unchanged = await k.try('edit configmap colours', { env: { KUBE_EDITOR: 'true' } })
    t.match(unchanged.stdout + unchanged.stderr, /Edit cancelled, no changes made\./)
  },
})

eachKubectl(t, target, {
  name: 'diff and replace',
  async test(t, k) {
    await k.apply(configMapManifest('colours', { sky: 'blue' }))
    const same = await k.try('diff -f -', { stdin: configMapManifest('colours', { sky: 'blue' }) })
    t.equal(same.code, 0)
    t.equal(same.stdout, '')
    const other = await k.try('diff -f -', { stdin: configMapManifest('colours', { sky: 'red' }) })
    t.equal(other.code, 1)
    t.match(other.stdout, /^-  sky: blue\n\+  sky: red$/m)
    t.equal(await k.run(['get', 'configmap', 'colours', '-o', 'jsonpath={.data.sky}']), 'blue', 'a diff changes nothing')

    t.equal(await k.run('replace -f -', { stdin: configMapManifest('colours', { grass: 'green' }) }), 'configmap/colours replaced\n')
    t.same((await k.json<ConfigMap>('get configmap colours')).data, { grass: 'green' })
    const { uid } = (await k.json<ConfigMap>('get configmap colours')).metadata
    t.match(await k.run('replace --force -f -', { stdin: configMapManifest('colours', { grass: 'dry' }) }), /configmap "colours" deleted[^\n]*\nconfigmap\/colours replaced\n/)
    t.not((await k.json<ConfigMap>('get configmap colours')).metadata.uid, uid)
    t.match(await k.fails('replace -f -', { stdin: configMapManifest('nosuch', {}) }), /configmaps "nosuch" not found/)
    const stale = JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'colours', resourceVersion: '1' } })
    t.match(await k.fails('replace -f -', { stdin: stale }), /the object has been modified; please apply your changes to the latest version and try again/)
  },
})

eachKubectl(t, target, {
  name: 'wait',
  async test(t, k) {
    await k.apply(podManifest({ name: 'soon' }))
    t.equal(await k.run('wait pod/soon --for=condition=Ready --timeout=20s'), 'pod/soon condition met\n')
    t.equal(await k.run('wait pod/soon --for=jsonpath={.status.phase}=Running --timeout=20s'), 'pod/soon condition met\n')
    t.match(await k.fails('wait pod/soon --for=condition=Nonsense --timeout=1s'), /timed out waiting for the condition on pods\/soon/)
    const deleted = k.run('wait pod/soon --for=delete --timeout=20s')
    await k.run('delete pod soon --wait=false --grace-period=1')
    t.match(await deleted, /^(pod\/soon condition met\n)?$/)
    const created = k.run('wait configmap/late --for=create --timeout=20s')
    await k.apply(configMapManifest('late', {}))
    t.equal(await created, 'configmap/late condition met\n')
  },
})

eachKubectl(t, target, {
  name: 'apply from files',
  async test(t, k) {
    const dir = path.join(target.dir, k.namespace)
    fs.mkdirSync(path.join(dir, 'deep'), { recursive: true })
    fs.writeFileSync(path.join(dir, 'a.yaml'), configMapManifest('first', { colour: 'red' }))
    fs.writeFileSync(path.join(dir, 'deep', 'b.json'), JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'from-json' } }))
    fs.writeFileSync(path.join(dir, 'deep', 'c.yaml'), `${deploymentManifest({ name: 'from-yaml', replicas: 0 })}---\n${configMapManifest('in-the-same-file', {})}\n`)
    t.equal(await k.run(['apply', '-f', dir]), 'configmap/first created\n')
    t.equal(await k.run(['apply', '-R', '-f', dir]), 'configmap/first unchanged\nconfigmap/from-json created\ndeployment.apps/from-yaml created\nconfigmap/in-the-same-file created\n')
    fs.writeFileSync(path.join(dir, 'a.yaml'), configMapManifest('first', { colour: 'blue' }))
    t.match(await k.run(['apply', '-R', '-f', dir]), /^configmap\/first configured\n/)
    t.match(await k.run(['apply', 'view-last-applied', 'configmap/first']), /^data:\n {2}colour: blue$/m)
    t.match(await k.run(['get', '-R', '-f', dir, '-o', 'name']), /^deployment\.apps\/from-yaml$/m)
    t.match(await k.fails('apply -f -', { stdin: 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: typo}\ndatta: {a: b}\n' }), /unknown field "datta"/)
    t.match(await k.fails('apply -f -', { stdin: 'apiVersion: v1\nkind: Nonsense\nmetadata: {name: typo}\n' }), /no matches for kind "Nonsense" in version "v1"/)
    const pod = await k.json<Pod>('create --dry-run=server -f -', { stdin: podManifest({ name: 'defaulted' }) })
    t.equal(pod.spec.restartPolicy, 'Always')
  },
})
