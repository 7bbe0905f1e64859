/** `kubectl get` in each of its forms. */
import t from 'tap'
import type { Pod } from '../../schemas/types.ts'
import { eventually, startTestCluster } from '../helpers/cluster.ts'
import { eachKubectl } from '../helpers/each-kubectl.ts'
import { configMapManifest, deploymentManifest, podManifest } from '../helpers/manifests.ts'

const target = await startTestCluster(t)

/** Cells of a printed table, by line. */
function cells(table: string): string[][] {
  return table.trimEnd().split('\n').map((line) => line.trim().split(/\s{2,}/))
}

eachKubectl(t, target, {
  name: 'get tables',
  async test(t, k) {
    await k.apply(deploymentManifest({ replicas: 2 }))
    await k.run('rollout status deployment/web --timeout=20s')

    const [head, row] = cells(await k.run('get deployments'))
    t.same(head, ['NAME', 'READY', 'UP-TO-DATE', 'AVAILABLE', 'AGE'])
    t.same(row?.slice(0, 4), ['web', '2/2', '2', '2'])
    t.match(row?.[4], /^\d+s$/)

    const [wideHead, wideRow] = cells(await k.run('get deployments -o wide'))
    t.same(wideHead, ['NAME', 'READY', 'UP-TO-DATE', 'AVAILABLE', 'AGE', 'CONTAINERS', 'IMAGES', 'SELECTOR'])
    t.same(wideRow?.slice(5), ['nginx', 'nginx:1.27', 'app=web'])

    const [podHead, ...pods] = cells(await k.run('get pods -o wide'))
    t.same(podHead, ['NAME', 'READY', 'STATUS', 'RESTARTS', 'AGE', 'IP', 'NODE', 'NOMINATED NODE', 'READINESS GATES'])
    t.equal(pods.length, 2)
    for (const pod of pods) {
      t.match(pod[0], /^web-[a-z0-9]+-[a-z0-9]{5}$/)
      t.same(pod.slice(1, 4), ['1/1', 'Running', '0'])
      t.match(pod[5], /^10\.244\.\d+\.\d+$/)
      t.match(pod[6], /^node-[123]$/)
      t.same(pod.slice(7), ['<none>', '<none>'])
    }

    const both = await k.run('get deployments,replicasets')
    t.match(both, /^deployment\.apps\/web /m)
    t.match(both, /^replicaset\.apps\/web-/m)
    t.match(await k.run('get all'), /^pod\/web-/m)
    t.equal(await k.run('get pods --no-headers').then((out) => out.trim().split('\n').length), 2)
    t.match(cells(await k.run('get pods --show-labels'))[1]?.at(-1), /^app=web,pod-template-hash=/)
    t.same(cells(await k.run('get pods -L app'))[0]?.at(-1), 'APP')
    t.match(await k.fails('get pods nosuch'), /^Error from server \(NotFound\): pods "nosuch" not found$/m)
    t.match((await k.try('get jobs')).stderr, `No resources found in ${k.namespace} namespace.`)
  },
})

eachKubectl(t, target, {
  name: 'get formats',
  async test(t, k) {
    await k.apply(configMapManifest('colours', { sky: 'blue', grass: 'green' }))
    await k.apply(configMapManifest('sizes', { shoe: '42' }))

    const yaml = await k.run('get configmap colours -o yaml')
    t.match(yaml, /^apiVersion: v1\ndata:\n {2}grass: green\n {2}sky: blue\nkind: ConfigMap\nmetadata:\n/)
    t.match(yaml, new RegExp(`^ {2}namespace: ${k.namespace}$`, 'm'))
    t.notMatch(yaml, 'managedFields')

    const list = await k.json<{ kind: string; items: { metadata: { name: string } }[] }>('get configmaps')
    t.equal(list.kind, 'List')
    t.same(list.items.map((i) => i.metadata.name), ['colours', 'kube-root-ca.crt', 'sizes'])
    t.equal(await k.run(['get', 'configmap', 'colours', '-o', 'jsonpath={.data.sky}/{.metadata.name}']), 'blue/colours')
    t.equal(await k.run(['get', 'configmaps', '-o', 'jsonpath={range .items[*]}{.metadata.name}{"\\n"}{end}']), 'colours\nkube-root-ca.crt\nsizes\n')
    t.equal(await k.run(['get', 'configmap', 'colours', '-o', 'go-template={{.data.grass}}']), 'green')
    const columns = cells(await k.run('get configmaps -o custom-columns=CM:.metadata.name,SHOE:.data.shoe'))
    t.same(columns, [['CM', 'SHOE'], ['colours', '<none>'], ['kube-root-ca.crt', '<none>'], ['sizes', '42']])
    t.equal(await k.run('get configmaps -o name'), 'configmap/colours\nconfigmap/kube-root-ca.crt\nconfigmap/sizes\n')
    t.equal(await k.run(['get', '--raw', `/api/v1/namespaces/${k.namespace}/configmaps/sizes`]).then((out) => (JSON.parse(out) as { kind: string }).kind), 'ConfigMap')
  },
})

eachKubectl(t, target, {
  name: 'get selections',
  async test(t, k) {
    for (const [name, tier] of [['a', 'front'], ['b', 'back'], ['c', 'back']] as const) await k.apply(podManifest({ name, labels: { tier } }))
    await k.run('wait pod --all --for=condition=Ready --timeout=20s')
    const names = async (...args: string[]) => (await k.run(['get', 'pods', '-o', 'name', ...args])).trim().split('\n').map((n) => n.replace('pod/', ''))

    t.same(await names('-l', 'tier=back'), ['b', 'c'])
    t.same(await names('-l', 'tier!=back'), ['a'])
    t.same(await names('-l', 'tier in (front, middle)'), ['a'])
    t.same(await names('-l', '!tier'), [''])
    t.same(await names('--field-selector', 'metadata.name=b'), ['b'])
    t.same(await names('--field-selector', 'status.phase=Running,metadata.name!=c'), ['a', 'b'])
    t.same(await names('--field-selector', 'status.phase=Failed'), [''])
    t.match(await k.fails('get pods --field-selector=spec.colour=red'), /field label not supported: spec\.colour/)
    t.same(await names('--chunk-size=1'), ['a', 'b', 'c'])
    t.equal((await k.run('get pods --chunk-size=2 --no-headers')).trim().split('\n').length, 3)

    await k.run('label pod a order=3')
    await k.run('label pod b order=1')
    await k.run('label pod c order=2')
    t.same(await names('--sort-by={.metadata.labels.order}'), ['b', 'c', 'a'])
    t.same((await k.run('get pods --sort-by=.metadata.labels.order --no-headers')).trim().split('\n').map((line) => line[0]), ['b', 'c', 'a'])

    const everywhere = cells(await k.run('get pods -A'))
    t.equal(everywhere[0]?.[0], 'NAMESPACE')
    t.ok(everywhere.some(([namespace, name]) => namespace === k.namespace && name === 'a'))
    t.equal((await k.json<{ items: Pod[] }>('get pods -A')).items.filter((p) => p.metadata.namespace === k.namespace).length, 3)
  },
})

eachKubectl(t, target, {
  name: 'get watch',
  async test(t, k) {
    await k.apply(configMapManifest('first', {}))
    const stop = new AbortController()
    let printed = ''
    const watching = k.try('get configmaps -w --no-headers -o name', { signal: stop.signal, onOutput: (out) => (printed = out) })
    await eventually(() => printed.includes('configmap/first'))
    await k.apply(configMapManifest('second', {}))
    await eventually(() => printed.includes('configmap/second'))
    await k.run('delete configmap second')
    await eventually(() => printed.split('configmap/second').length === 3)
    stop.abort()
    await watching

    const events: string[] = []
    const stopEvents = new AbortController()
    const watchingEvents = k.try('get configmaps --watch-only --output-watch-events --no-headers', { signal: stopEvents.signal, onOutput: (out) => events.splice(0, events.length, ...out.split('\n')) })
    // Watching begins when the server has it; until then each try leaves one event more behind.
    await eventually(async () => {
      await k.run('annotate configmap first --overwrite tried-at=' + (await k.run(['get', 'configmap', 'first', '-o', 'jsonpath={.metadata.resourceVersion}'])))
      return events.some((line) => /^MODIFIED\s+first\s/.test(line))
    })
    stopEvents.abort()
    await watchingEvents
    t.ok(events.length > 0)
  },
})
