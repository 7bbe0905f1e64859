/** What containers of a pod have in common, and who attaches to one of them. */
import t from 'tap'
import type { Pod } from '../../schemas/types.ts'
import { eventually, Kubectl, startTestCluster } from '../helpers/cluster.ts'

t.test('what containers of a pod share, and who attaches', async (t) => {
  const k = new Kubectl('1.36', await startTestCluster(t, { nodes: 1 }))
  await k.apply(`
apiVersion: v1
kind: Pod
metadata: {name: two}
spec:
  volumes: [{name: small, emptyDir: {medium: Memory, sizeLimit: 10Mi}}]
  containers:
  - {name: serves, image: nginx}
  - {name: looks, image: busybox, command: [sh, -c, 'while read line; do echo "heard $line"; done'], stdin: true, volumeMounts: [{name: small, mountPath: /small}]}
`)
  await k.run('wait pod/two --for=condition=Ready --timeout=60s')
  t.match(await k.run('exec two -c looks -- netstat -ltn'), /:80 .*LISTEN/, 'one network')
  t.match(await k.run('exec two -c looks -- df /small'), /\ntmpfs +10240 +0 +10240 +0% \/small\n$/)
  t.match(await k.run('attach two -c looks -i', { stdin: 'something\n' }), /^(?:heard something\n)?$/, 'who has said all leaves')
  await eventually(async () => (await k.run('logs two -c looks')).includes('heard something\n'))
  t.equal((await k.json<Pod>('get pod two')).status?.containerStatuses?.find((c) => c.name === 'looks')?.restartCount, 0, 'its input stays open')
})
