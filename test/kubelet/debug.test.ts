/** kubectl debug: ephemeral containers, copies of pods, and a look at a node. */
import t from 'tap'
import type { Pod } from '../../schemas/types.ts'
import { eventually, startTestCluster } from '../helpers/cluster.ts'
import { eachKubectl } from '../helpers/each-kubectl.ts'
import { podManifest } from '../helpers/manifests.ts'

const target = await startTestCluster(t, { nodes: 1 })

eachKubectl(t, target, {
  name: 'debug',
  async test(t, k) {
    await k.apply(podManifest({ name: 'web' }))
    await k.run('wait pod/web --for=condition=Ready --timeout=20s')
    await k.run(['debug', 'web', '-c', 'look', '--image=busybox', '--target=main', '--', 'sh', '-c', 'ps; exit 3'])
    const ended = await eventually(async () => {
      const { status } = await k.json<Pod>('get pod web')
      const [look] = status?.ephemeralContainerStatuses ?? []
      return look?.state?.terminated !== undefined && { look, status }
    })
    t.match(ended.look, { name: 'look', ready: false, restartCount: 0, state: { terminated: { exitCode: 3, reason: 'Error' } } })
    t.equal(ended.status?.conditions?.find((c) => c.type === 'Ready')?.status, 'True', 'it does not count')
    t.match(await k.run('logs web -c look'), /1 root +\S+ nginx.*\n +2 root +\S+ sh -c/, 'it sees what runs in its target')
    t.equal(await k.run(['debug', 'web', '-i', '-q', '-c', 'talk', '--image=busybox', '--', 'sh', '-c', 'read line; echo "heard $line"'], { stdin: 'hello\n' }), 'heard hello\n')

    await k.run('debug web --copy-to=copy --image=busybox --share-processes -c look -- sleep 1000')
    await k.run('wait pod/copy --for=condition=Ready --timeout=20s')
    t.match(await k.run('exec copy -c look -- ps'), /nginx[^]*sleep 1000/)

    await k.run('debug node/node-1 --image=busybox -- sleep 1000')
    const [name] = (await k.run('get pods -o name')).split('\n').filter((line) => line.includes('debugger'))
    await k.run(`wait ${name} --for=condition=Ready --timeout=20s`)
    t.equal(await k.run(`exec ${name} -- chroot /host cat /etc/hostname`), 'node-1\n')
    t.match(await k.fails(`exec ${name} -- nsenter -t 1 -m cat /etc/hostname`), "nsenter: can't open '/proc/1/ns/mnt': Permission denied")
    await k.apply(podManifest({ name: 'agent', spec: { hostPID: true, volumes: [{ name: 'root', hostPath: { path: '/' } }] }, container: { image: 'busybox', command: ['sleep', 'inf'], securityContext: { privileged: true }, volumeMounts: [{ name: 'root', mountPath: '/rootfs' }] } }))
    await k.run('wait pod/agent --for=condition=Ready --timeout=20s')
    for (const how of ['-t 1 -m -u -i -n -p --', '--target 1 --mount --uts', '-t1 -mu', '--mount=/rootfs/proc/1/ns/mnt --', '-m/rootfs/proc/1/ns/mnt']) t.equal(await k.run(`exec agent -- nsenter ${how} cat /etc/hostname`), 'node-1\n', how)
    t.match(await k.run('exec agent -- nsenter -t 1 -n cat /etc/hostname'), 'agent\n', 'the files stay where no others are asked for')
    t.match(await k.fails('exec agent -- nsenter -t 999 -m true'), "nsenter: can't open '/proc/999/ns/mnt': No such file or directory")
  },
})
