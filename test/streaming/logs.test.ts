/** What kubectl's flags show of logs, of both kubectls. */
import t from 'tap'
import { Kubectl, eventually, startTestCluster } from '../helpers/cluster.ts'
import { kubectlVersions } from '../helpers/kubectl.ts'

const cluster = await startTestCluster(t, { nodes: 1 })
const setup = new Kubectl('1.36', cluster)
const container = (name: string, script: string) => ({ name, image: 'busybox:1.37', command: ['sh', '-c', script] })
const LINES = 'for i in 1 2 3 4 5; do echo $HOSTNAME line $i; done'

await setup.apply(JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'two', labels: { app: 'talk' } }, spec: { initContainers: [container('first', 'echo set up')], containers: [container('a', `${LINES}; sleep 3600`), container('b', 'echo from b; sleep 3600')] } }))
await setup.apply(JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'one', labels: { app: 'talk' } }, spec: { containers: [container('a', `${LINES}; sleep 3600`)] } }))
await setup.apply(JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'again' }, spec: { containers: [container('a', '[ -e /run/$HOSTNAME ] || true; echo run; kill -9 $$; exit 1')] } }))
await setup.run('wait pod/one pod/two --for=condition=Ready --timeout=60s')

const lines = (pod: string, from: number) => [1, 2, 3, 4, 5].slice(from - 1).map((i) => `${pod} line ${i}\n`).join('')
const STAMP = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z`

for (const version of kubectlVersions) {
  const k = new Kubectl(version, cluster)
  t.test(`kubectl ${version}`, async (t) => {
    // kubectl asks for several containers in no order of its own.
    const cases: readonly (readonly [string, string | RegExp | readonly string[]])[] = [
      ['logs one', lines('one', 1)],
      ['logs one --tail=2', lines('one', 4)],
      ['logs one --tail=0', ''],
      ['logs one --since=1h', lines('one', 1)],
      ['logs one --since-time=2030-01-01T00:00:00Z', ''],
      ['logs one --limit-bytes=7', 'one lin'],
      ['logs one --timestamps --tail=1', new RegExp(`^${STAMP} one line 5\n$`)],
      ['logs two', /^two line 1\n/],
      ['logs two -c b', 'from b\n'],
      ['logs two -c first', 'set up\n'],
      ['logs two --all-containers --tail=1', ['from b', 'set up', 'two line 5']],
      ['logs two --all-containers --prefix --tail=1', ['[pod/two/a] two line 5', '[pod/two/b] from b', '[pod/two/first] set up']],
      ['logs -l app=talk --tail=1 -c a', /^(?:one line 5\ntwo line 5|two line 5\none line 5)\n$/],
      ['logs -l app=talk --prefix --tail=1 --all-containers', /\[pod\/one\/a\] one line 5\n/],
    ]
    for (const [command, wanted] of cases) {
      const text = await k.run(command)
      if (typeof wanted === 'string') t.equal(text, wanted, command)
      else if (wanted instanceof RegExp) t.match(text, wanted, command)
      else t.same(text.trimEnd().split('\n').sort(), wanted, command)
    }
    t.match((await k.try('logs two')).stderr, /Defaulted container "a" out of: a, b, first \(init\)/)
    t.match(await k.fails('logs two -c none'), /container none is not valid for pod two/)
    t.match(await k.fails('logs one --previous'), /previous terminated container "a" in pod "one" not found/)
    t.match(await k.fails('logs -f -l app=talk --all-containers --max-log-requests=1'), /you are attempting to follow \d log streams, but maximum allowed concurrency is 1, use --max-log-requests to increase the limit/)
    t.match(await eventually(() => k.run('logs again --previous')), /^run\n/)
  })

  t.test(`kubectl ${version} follows`, async (t) => {
    const name = `teller-${version.replace('.', '-')}`
    await k.apply(JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: { restartPolicy: 'Never', containers: [container('a', 'echo before; until [ -e /tmp/go ]; do sleep 0.1; done; echo after; exit 0')] } }))
    await k.run(`wait pod/${name} --for=condition=Ready --timeout=60s`)
    let seen = ''
    const following = k.run(`logs -f ${name}`, { onOutput: (text) => (seen = text) })
    await eventually(() => seen === 'before\n')
    await k.run(`exec ${name} -- touch /tmp/go`)
    t.equal(await following, 'before\nafter\n', 'until the container ends')
    t.equal((await k.run(`get pod ${name} -o jsonpath={.status.phase}`)), 'Succeeded')
  })
}
