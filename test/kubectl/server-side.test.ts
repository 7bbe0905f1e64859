/** `kubectl apply --server-side`: conflicts, forcing, giving fields up, leaving client-side apply; diff and managed fields. */
import t from 'tap'
import type { ConfigMap, Deployment } from '../../schemas/types.ts'
import { startTestCluster, type Kubectl } from '../helpers/cluster.ts'
import { eachKubectl } from '../helpers/each-kubectl.ts'
import { configMapManifest, deploymentManifest } from '../helpers/manifests.ts'

const target = await startTestCluster(t, { nodes: 0 })

async function managers(k: Kubectl, object: string): Promise<string[]> {
  const { metadata } = await k.json<ConfigMap>(`get ${object} --show-managed-fields`)
  return (metadata.managedFields ?? []).map(({ manager, operation, subresource }) => [manager, operation, subresource].filter(Boolean).join(' '))
}

function applyAs(k: Kubectl, manager: string, manifest: string, ...flags: string[]): Promise<string> {
  return k.apply(manifest, '--server-side', `--field-manager=${manager}`, ...flags)
}

eachKubectl(t, target, {
  name: 'conflicts',
  async test(t, k) {
    const mine = deploymentManifest({ replicas: 1 })
    const theirs = deploymentManifest({ replicas: 4, image: 'nginx:1.28' })
    t.equal(await applyAs(k, 'alice', mine), 'deployment.apps/web serverside-applied\n')
    const { resourceVersion } = (await k.json<Deployment>('get deployment web')).metadata
    t.match(await applyAs(k, 'alice', mine), 'serverside-applied')
    const refused = await k.fails('apply --server-side --field-manager=bob -f -', { stdin: theirs })
    t.match(refused, 'error: Apply failed with 2 conflicts: conflicts with "alice":\n- .spec.replicas\n- .spec.template.spec.containers[name="nginx"].image\n')
    t.match(refused, 'please re-run the apply\n  command with the `--force-conflicts` flag')
    t.equal((await k.json<Deployment>('get deployment web')).spec.replicas, 1)

    await applyAs(k, 'bob', theirs, '--force-conflicts')
    const { spec, metadata } = await k.json<Deployment>('get deployment web')
    t.equal(spec.replicas, 4)
    t.equal(spec.template?.spec?.containers?.[0]?.image, 'nginx:1.28')
    t.not(metadata.resourceVersion, resourceVersion)
    t.same((await managers(k, 'deployment/web')).filter((m) => m.endsWith('Apply')).sort(), ['alice Apply', 'bob Apply'], 'both own what they agree on')

    await k.run('scale deployment web --replicas=2')
    t.match(
      await k.fails('apply --server-side --field-manager=bob -f -', { stdin: theirs }),
      'error: Apply failed with 1 conflict: conflict with "kubectl" with subresource "scale" using apps/v1: .spec.replicas\n',
    )
  },
})

eachKubectl(t, target, {
  name: 'owning and giving up',
  async test(t, k) {
    await applyAs(k, 'one', configMapManifest('shared', { a: '1', both: 'x' }))
    await applyAs(k, 'two', configMapManifest('shared', { b: '2', both: 'x' }))
    const data = async () => (await k.json<ConfigMap>('get configmap shared')).data
    t.same(await data(), { a: '1', b: '2', both: 'x' })
    await applyAs(k, 'one', configMapManifest('shared', {}))
    t.same(await data(), { b: '2', both: 'x' }, 'only what the other does not own has gone')
    t.same((await managers(k, 'configmap/shared')).sort(), ['one Apply', 'two Apply'])
    await applyAs(k, 'two', configMapManifest('shared', { b: '3' }), '--dry-run=server')
    t.same(await data(), { b: '2', both: 'x' }, 'a dry run changes nothing')
    t.match(await k.fails('apply --server-side -f -', { stdin: 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shared}\ndatta: {a: b}\n' }), /field not declared in schema|unknown field "datta"/)
  },
})

eachKubectl(t, target, {
  name: 'from client-side apply',
  async test(t, k) {
    await k.apply(configMapManifest('moving', { a: '1', gone: 'soon' }))
    t.same(await managers(k, 'configmap/moving'), ['kubectl-client-side-apply Update'])
    await k.apply(configMapManifest('moving', { a: '2' }), '--server-side')
    const { data, metadata } = await k.json<ConfigMap>('get configmap moving')
    t.same(data, { a: '2' }, 'what client-side apply had made is taken over, and removed where it is no longer wanted')
    t.match(metadata.annotations?.['kubectl.kubernetes.io/last-applied-configuration'], '"a":"2"', 'and its annotation kept up')
    t.same((await managers(k, 'configmap/moving')).sort(), ['kubectl Apply', 'kubectl-last-applied Apply'])
    await k.apply(configMapManifest('moving', { b: '3' }))
    t.same((await k.json<ConfigMap>('get configmap moving')).data, { b: '3' }, 'and back')
  },
})

eachKubectl(t, target, {
  name: 'diff',
  async test(t, k) {
    await applyAs(k, 'alice', configMapManifest('colours', { sky: 'blue' }))
    const diff = (manifest: string, ...flags: string[]) => k.try(['diff', '--server-side', ...flags, '-f', '-'], { stdin: manifest })
    t.match(await diff(configMapManifest('colours', { sky: 'blue' }), '--field-manager=alice'), { code: 0, stdout: '' })
    const mine = await diff(configMapManifest('colours', { sky: 'red' }), '--field-manager=alice')
    t.equal(mine.code, 1)
    t.match(mine.stdout, /^-  sky: blue\n\+  sky: red$/m)
    const other = await diff(configMapManifest('colours', { sky: 'red' }), '--field-manager=bob')
    t.ok(other.code !== null && other.code > 1, 'a conflict is no difference')
    t.match(other.stderr, 'Apply failed with 1 conflict: conflict with "alice": .data.sky')
    const forced = await diff(configMapManifest('colours', { sky: 'red' }), '--field-manager=bob', '--force-conflicts')
    t.equal(forced.code, 1)
    t.match(forced.stdout, /^\+  sky: red$/m)
    const fresh = await diff(configMapManifest('fresh', { grass: 'green' }))
    t.equal(fresh.code, 1)
    t.match(fresh.stdout, /^\+  grass: green$/m)
    t.same((await k.json<ConfigMap>('get configmap colours')).data, { sky: 'blue' })
    t.equal(await k.run('get configmap fresh --ignore-not-found'), '', 'a diff makes nothing')
  },
})

eachKubectl(t, target, {
  name: 'managed fields',
  async test(t, k) {
    await applyAs(k, 'alice', configMapManifest('colours', { sky: 'blue' }, { team: 'a' }))
    await k.run('label configmap colours seen=yes')
    t.notMatch(await k.run('get configmap colours -o yaml'), 'managedFields')
    const { metadata } = await k.json<ConfigMap>('get configmap colours --show-managed-fields')
    t.match(metadata.managedFields, [
      { manager: 'alice', operation: 'Apply', apiVersion: 'v1', fieldsType: 'FieldsV1', fieldsV1: { 'f:data': { 'f:sky': {} }, 'f:metadata': { 'f:labels': { 'f:team': {} } } } },
      { manager: 'kubectl-label', operation: 'Update', apiVersion: 'v1', fieldsV1: { 'f:metadata': { 'f:labels': { 'f:seen': {} } } } },
    ])
    t.match(metadata.managedFields?.[0]?.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    t.match(await k.run('get configmap colours -o yaml --show-managed-fields'), /^ {6}f:data:\n {8}f:sky: \{\}$/m)
  },
})
