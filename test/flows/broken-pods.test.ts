/** Pods that do not come up, each from apply to cure, as somebody sees it who looks with kubectl for what is wrong. */
import t from 'tap'
import type { Pod } from '../../schemas/types.ts'
import { Kubectl, eventually, startTestCluster } from '../helpers/cluster.ts'
import { podManifest } from '../helpers/manifests.ts'

const k = new Kubectl('1.36', await startTestCluster(t, { nodes: [{ name: 'node-1', capacity: { cpu: '2', memory: '4Gi', pods: '110' } }] }))
const ready = (pod: string) => k.run(['wait', `pod/${pod}`, '--for=condition=Ready', '--timeout=60s'])
/** What a command prints, once it does. */
const shows = (command: string, wanted: RegExp) => eventually(async () => {
  const text = await k.run(command)
  if (!wanted.test(text)) throw new Error(`${command} shows no ${wanted}:\n${text}`)
  return text
})

t.test('a pod that asks for more CPU than there is waits, and runs when it asks for less', async (t) => {
  const manifest = (cpu: string) => podManifest({ name: 'hungry', spec: { terminationGracePeriodSeconds: 0 }, container: { resources: { requests: { cpu } } } })
  await k.apply(manifest('8'))
  const text = await shows('describe pod hungry', /FailedScheduling/)
  t.match(text, /^Status: +Pending$/m)
  t.match(text, /^  PodScheduled +False *$/m)
  t.match(text, /Warning +FailedScheduling .* default-scheduler +0\/1 nodes are available: 1 Insufficient cpu\. .*preemption: 0\/1 nodes are available: 1 Preemption is not helpful for scheduling\./)
  t.match(await k.run('get pod hungry'), /^hungry +0\/1 +Pending +0 /m)
  t.equal(await k.run('logs hungry'), '', 'no node, no logs, and no error')
  t.match((await k.try(['apply', '-f', '-'], { stdin: manifest('1') })).stderr, /spec: Forbidden: pod updates may not change fields other than/)
  t.match(await k.run(['replace', '--force', '-f', '-'], { stdin: manifest('1') }), /pod\/hungry replaced/)
  await ready('hungry')
})

t.test('an image that cannot be pulled, until its name is right', async (t) => {
  await k.run('create deployment shop --image=nginx:1.999')
  t.match(await shows('get pods -l app=shop', /ImagePullBackOff/), /^shop-\w+-\w+ +0\/1 +ImagePullBackOff +0 /m)
  const text = await k.run('describe pods -l app=shop')
  t.match(text, /State: +Waiting\n +Reason: +ImagePullBackOff\n/)
  t.match(text, /Normal +Pulling .*kubelet +(?:spec\.\w+\{[\w-]+\}: )?Pulling image "nginx:1\.999"/)
  t.match(text, /Warning +Failed .*kubelet +(?:spec\.\w+\{[\w-]+\}: )?Failed to pull image "nginx:1\.999": .*docker\.io\/library\/nginx:1\.999: not found/)
  t.match(text, /Warning +Failed .*kubelet +(?:spec\.\w+\{[\w-]+\}: )?Error: ErrImagePull\n/)
  t.match(text, /Normal +BackOff .*kubelet +(?:spec\.\w+\{[\w-]+\}: )?Back-off pulling image "nginx:1\.999"/)
  t.match(await k.run('get events --field-selector=reason=Failed'), /Warning +Failed +pod\/shop-\w+-\w+ +Failed to pull image/)
  t.match(await k.fails('logs deploy/shop'), /container "nginx" in pod "shop-\w+-\w+" is waiting to start: (?:trying and failing to pull image|image can't be pulled)/)
  await k.run('set image deployment/shop nginx=nginx:1.28')
  t.match(await k.run('rollout status deployment/shop --timeout=60s'), /deployment "shop" successfully rolled out/)
})

t.test('a container that ends at once is looked into by its previous log', async (t) => {
  const manifest = (url: string) => podManifest({ name: 'looper', container: { image: 'busybox:1.37', command: ['sh', '-c', '[ -n "$DATABASE_URL" ] || { echo "DATABASE_URL is not set" >&2; exit 3; }; echo "connected to $DATABASE_URL"; sleep 3600'], env: [{ name: 'DATABASE_URL', value: url }] }, spec: { terminationGracePeriodSeconds: 0 } })
  await k.apply(manifest(''))
  t.match(await shows('get pod looper', /CrashLoopBackOff +1 /), /^looper +0\/1 +CrashLoopBackOff +1 \(\d+s ago\) /m)
  t.equal(await k.run('logs looper --previous'), 'DATABASE_URL is not set\n')
  const text = await k.run('describe pod looper')
  t.match(text, /State: +Waiting\n +Reason: +CrashLoopBackOff\n +Last State: +Terminated\n +Reason: +Error\n +Exit Code: +3\n/)
  t.match(text, /Warning +BackOff .*kubelet +(?:spec\.\w+\{[\w-]+\}: )?Back-off restarting failed container main in pod looper_default\([0-9a-f-]{36}\)/)
  await k.run(['replace', '--force', '-f', '-'], { stdin: manifest('postgres://db') })
  await ready('looper')
  t.equal(await k.run('logs looper'), 'connected to postgres://db\n')
  t.match(await k.fails('logs looper --previous'), /previous terminated container "main" in pod "looper" not found/)
})

t.test('an init container waits for a Service by name', async (t) => {
  const wait = 'until nslookup mydb.default.svc.cluster.local >/dev/null 2>&1; do echo waiting for mydb; sleep 0.2; done; echo mydb is there'
  await k.apply(podManifest({ name: 'patient', spec: { initContainers: [{ name: 'wait-for-db', image: 'busybox:1.37', command: ['sh', '-c', wait] }] } }))
  t.match(await shows('get pod patient', /Init:0\/1/), /^patient +0\/1 +Init:0\/1 +0 /m)
  await shows('logs patient -c wait-for-db', /waiting for mydb/)
  t.match(await k.fails('logs patient'), /container "main" in pod "patient" is waiting to start: PodInitializing/)
  await k.run('create service clusterip mydb --tcp=5432')
  await ready('patient')
  t.match(await k.run('logs patient -c wait-for-db'), /mydb is there\n$/)
  t.match(await k.json<Pod>('get pod patient'), { status: { initContainerStatuses: [{ state: { terminated: { reason: 'Completed', exitCode: 0 } } }] } })
})

t.test('a Job computes, and tells what it found', async (t) => {
  await k.run(['create', 'job', 'pi', '--image=perl:5.34.0', '--', 'perl', '-Mbignum=bpi', '-wle', 'print bpi(50)'])
  t.match(await k.run('wait job/pi --for=condition=Complete --timeout=60s'), /job\.batch\/pi condition met/)
  t.match(await k.run('logs job/pi'), /^3\.1415926535897932384626433832795028841971693993751\d?\n$/)
  const text = await k.run('describe job pi')
  t.match(text, /^Pods Statuses: +0 Active(?: \(0 Ready\))? \/ 1 Succeeded \/ 0 Failed$/m)
  t.match(text, /Normal +SuccessfulCreate .*job-controller +Created pod: pi-\w+\n/)
  t.match(text, /Normal +Completed .*job-controller +Job completed/)
  t.match(await k.run('get pods -l job-name=pi'), /^pi-\w+ +0\/1 +Completed +0 /m)
})

t.test('a ConfigMap that is not there keeps a pod from starting until it is', async (t) => {
  await k.apply(podManifest({ name: 'configured', container: { envFrom: [{ configMapRef: { name: 'settings' } }] } }))
  t.match(await shows('get pod configured', /CreateContainerConfigError/), /^configured +0\/1 +CreateContainerConfigError +0 /m)
  t.match(await k.run('describe pod configured'), /Warning +Failed .*kubelet +(?:spec\.\w+\{[\w-]+\}: )?Error: configmap "settings" not found/)
  await k.run('create configmap settings --from-literal=COLOUR=green')
  await ready('configured')
  t.equal(await k.run(['exec', 'configured', '--', 'printenv', 'COLOUR']), 'green\n')
})

t.test('a claim that nothing serves keeps its pod waiting until a volume is there', async (t) => {
  await k.apply(`
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: archive}
spec: {storageClassName: slow, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
`)
  await k.apply(podManifest({ name: 'archivist', spec: { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'archive' } }] }, container: { volumeMounts: [{ name: 'data', mountPath: '/data' }] } }))
  t.match(await shows('describe pod archivist', /FailedScheduling/), /0\/1 nodes are available: pod has unbound immediate PersistentVolumeClaims/)
  t.match(await shows('describe pvc archive', /ProvisioningFailed/), /Warning +ProvisioningFailed .*storageclass\.storage\.k8s\.io "slow" not found/)
  await k.apply(`
apiVersion: v1
kind: PersistentVolume
metadata: {name: shelf}
spec: {storageClassName: slow, capacity: {storage: 2Gi}, accessModes: [ReadWriteOnce], hostPath: {path: /mnt/shelf}}
`)
  await ready('archivist')
  t.match(await k.run('get pvc archive'), /^archive +Bound +shelf +2Gi +RWO +slow /m)
})
