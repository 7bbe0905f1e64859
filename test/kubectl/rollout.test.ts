/** Deployments, StatefulSets and DaemonSets rolled out, back, paused, restarted and scaled; `kubectl set`. */
import t from 'tap'
import type { Deployment, Pod, ReplicaSet } from '../../schemas/types.ts'
import { eventually, startTestCluster } from '../helpers/cluster.ts'
import { eachKubectl } from '../helpers/each-kubectl.ts'
import { deploymentManifest } from '../helpers/manifests.ts'

const target = await startTestCluster(t)
const WAIT = '--timeout=20s'

eachKubectl(t, target, {
  name: 'rollout',
  async test(t, k) {
    await k.apply(deploymentManifest({ replicas: 3 }))
    t.match(await k.run(`rollout status deployment/web ${WAIT}`), /deployment "web" successfully rolled out\n$/)
    await k.run('annotate deployment/web kubernetes.io/change-cause=first')
    await k.run('set image deployment/web nginx=nginx:1.28')
    await k.run('annotate deployment/web kubernetes.io/change-cause=second --overwrite')
    await k.run(`rollout status deployment/web ${WAIT}`)
    t.equal(await k.run('rollout history deployment/web'), 'deployment.apps/web \nREVISION  CHANGE-CAUSE\n1         first\n2         second\n\n')
    t.match(await k.run('rollout history deployment/web --revision=1'), /^deployment\.apps\/web with revision #1\nPod Template:\n[^]*Image:\s+nginx:1\.27\n/)
    const images = async () => (await k.json<{ items: Pod[] }>('get pods -l app=web')).items.filter((p) => !p.metadata.deletionTimestamp).map((p) => p.spec.containers?.[0]?.image)
    t.same(await images(), ['nginx:1.28', 'nginx:1.28', 'nginx:1.28'])

    t.equal(await k.run('rollout undo deployment/web'), 'deployment.apps/web rolled back\n')
    await k.run(`rollout status deployment/web ${WAIT}`)
    t.same(await images(), ['nginx:1.27', 'nginx:1.27', 'nginx:1.27'])
    t.match(await k.run('rollout history deployment/web'), /\n2 +second\n3 +first\n/)
    await k.run('rollout undo deployment/web --to-revision=2')
    await k.run(`rollout status deployment/web ${WAIT}`)
    t.same(await images(), ['nginx:1.28', 'nginx:1.28', 'nginx:1.28'])
    t.match(await k.fails('rollout undo deployment/web --to-revision=77'), /unable to find specified revision 77 in history/)
    const sets = await k.json<{ items: ReplicaSet[] }>('get replicasets')
    t.same(sets.items.map((rs) => rs.status?.replicas ?? 0).sort(), [0, 3])
  },
})

eachKubectl(t, target, {
  name: 'rollout pause and restart',
  async test(t, k) {
    await k.apply(deploymentManifest({ replicas: 2 }))
    await k.run(`rollout status deployment/web ${WAIT}`)
    t.equal(await k.run('rollout pause deployment/web'), 'deployment.apps/web paused\n')
    t.match(await k.fails('rollout pause deployment/web'), /error: deployments?\.apps "web" is already paused/)
    await k.run('set image deployment/web nginx=nginx:1.28')
    await k.run('set env deployment/web COLOUR=green')
    await eventually(async () => {
      const { status, metadata } = await k.json<Deployment>('get deployment web')
      t.equal(status?.observedGeneration, metadata.generation)
      return true
    })
    t.equal((await k.json<{ items: ReplicaSet[] }>('get replicasets')).items.length, 1, 'a paused deployment makes no new replica set')
    t.equal(await k.run('rollout resume deployment/web'), 'deployment.apps/web resumed\n')
    await k.run(`rollout status deployment/web ${WAIT}`)
    t.equal((await k.json<{ items: ReplicaSet[] }>('get replicasets')).items.length, 2, 'both changes are one rollout')

    const before = await k.run('get pods -o name')
    t.equal(await k.run('rollout restart deployment/web'), 'deployment.apps/web restarted\n')
    await k.run(`rollout status deployment/web ${WAIT}`)
    const after = await eventually(async () => {
      const names = await k.run('get pods -o name')
      return names.trim().split('\n').length === 2 && names
    })
    for (const name of after.trim().split('\n')) t.notOk(before.includes(name))
    t.match(await k.run(['get', 'deployment', 'web', '-o', 'jsonpath={.spec.template.metadata.annotations}']), 'kubectl.kubernetes.io/restartedAt')
  },
})

const statefulSet = `
apiVersion: v1
kind: Service
metadata: {name: db}
spec: {clusterIP: None, selector: {app: db}, ports: [{port: 5432}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  replicas: 2
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: 'postgres:16', env: [{name: POSTGRES_PASSWORD, value: secret}]}]}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec: {containers: [{name: agent, image: 'fluent/fluent-bit:4.0'}]}
`

eachKubectl(t, target, {
  name: 'rollout of sets',
  async test(t, k) {
    await k.apply(statefulSet)
    t.match(await k.run(`rollout status statefulset/db ${WAIT}`), /statefulset rolling update complete 2 pods at revision db-[a-z0-9]+\.\.\.\n$|partitioned roll out complete: 2 new pods have been updated\.\.\.\n$/)
    t.match(await k.run(`rollout status daemonset/agent ${WAIT}`), /daemon set "agent" successfully rolled out\n$/)
    t.equal((await k.json<{ items: Pod[] }>('get pods -l app=agent')).items.length, 3, 'one on each node')

    await k.run('set image statefulset/db db=postgres:17')
    await k.run('set image daemonset/agent agent=fluent/fluent-bit:4.1')
    await k.run(`rollout status statefulset/db ${WAIT}`)
    await k.run(`rollout status daemonset/agent ${WAIT}`)
    t.match(await k.run('rollout history statefulset/db'), /^statefulset\.apps\/db \nREVISION  CHANGE-CAUSE\n1 +<none>\n2 +<none>\n/)
    t.match(await k.run('rollout history daemonset/agent'), /^daemonset\.apps\/agent \nREVISION  CHANGE-CAUSE\n1 +<none>\n2 +<none>\n/)
    const images = (selector: string) => k.run(['get', 'pods', '-l', selector, '-o', 'jsonpath={.items[*].spec.containers[0].image}'])
    t.equal(await images('app=db'), 'postgres:17 postgres:17')
    await k.run('rollout undo statefulset/db')
    await k.run('rollout undo daemonset/agent')
    await k.run(`rollout status statefulset/db ${WAIT}`)
    await k.run(`rollout status daemonset/agent ${WAIT}`)
    t.equal(await images('app=db'), 'postgres:16 postgres:16')
    t.equal(await images('app=agent'), 'fluent/fluent-bit:4.0 fluent/fluent-bit:4.0 fluent/fluent-bit:4.0')

    t.equal(await k.run('scale statefulset/db --replicas=3'), 'statefulset.apps/db scaled\n')
    await k.run(`rollout status statefulset/db ${WAIT}`)
    t.equal(await k.run('get pods -l app=db -o name'), 'pod/db-0\npod/db-1\npod/db-2\n')
    await k.run('scale statefulset/db --replicas=1')
    await eventually(async () => (await k.run('get pods -l app=db -o name')) === 'pod/db-0\n')
  },
})

eachKubectl(t, target, {
  name: 'scale and set',
  async test(t, k) {
    await k.apply(deploymentManifest({ replicas: 1 }))
    t.equal(await k.run('scale deployment/web --replicas=4'), 'deployment.apps/web scaled\n')
    await k.run(`rollout status deployment/web ${WAIT}`)
    t.match(await k.run('get deployment web --no-headers'), /^web +4\/4 /)
    t.match(await k.fails('scale deployment/web --replicas=2 --current-replicas=3'), /Expected replicas to be 3, was 4/)
    t.equal(await k.run('scale deployment/web --replicas=2 --current-replicas=4'), 'deployment.apps/web scaled\n')
    await k.run(`wait deployment/web --for=jsonpath={.status.replicas}=2 ${WAIT}`)
    await k.run('scale deployment/web --replicas=0')
    await eventually(async () => (await k.run('get pods -o name')) === '')

    t.equal(await k.run('set env deployment/web MODE=test LEVEL=3'), 'deployment.apps/web env updated\n')
    t.match(await k.run('set env deployment/web --list'), /MODE=test\nLEVEL=3\n/)
    await k.run('set env deployment/web MODE-')
    t.equal(await k.run('set resources deployment/web --limits=cpu=200m,memory=64Mi --requests=cpu=100m'), 'deployment.apps/web resource requirements updated\n')
    t.equal(await k.run('set image deployment/web *=nginx:1.29'), 'deployment.apps/web image updated\n')
    await k.run('create serviceaccount robot')
    t.equal(await k.run('set serviceaccount deployment/web robot'), 'deployment.apps/web serviceaccount updated\n')
    const { spec } = await k.json<Deployment>('get deployment web')
    const container = spec.template?.spec?.containers?.[0]
    t.equal(container?.image, 'nginx:1.29')
    t.same(container?.env, [{ name: 'LEVEL', value: '3' }])
    t.same(container?.resources, { limits: { cpu: '200m', memory: '64Mi' }, requests: { cpu: '100m' } })
    t.equal(spec.template?.spec?.serviceAccountName, 'robot')
    await k.run('expose deployment/web --port=80')
    t.equal(await k.run('set selector service web app=other'), 'service/web selector updated\n')
  },
})
