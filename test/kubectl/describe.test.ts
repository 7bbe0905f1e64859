/** `kubectl describe` and `kubectl events`: what they find is what controllers, scheduler and kubelets have written. */
import t from 'tap'
import { eventually, startTestCluster } from '../helpers/cluster.ts'
import { eachKubectl } from '../helpers/each-kubectl.ts'
import { deploymentManifest, podManifest } from '../helpers/manifests.ts'

const target = await startTestCluster(t)

eachKubectl(t, target, {
  name: 'describe',
  async test(t, k) {
    await k.apply(deploymentManifest({ replicas: 2 }))
    await k.run('rollout status deployment/web --timeout=20s')
    await k.run('expose deployment/web --port=80')

    const deployment = await k.run('describe deployment web')
    t.match(deployment, /^Replicas: +2 desired \| 2 updated \| 2 total \| 2 available \| 0 unavailable$/m)
    t.match(deployment, /^StrategyType: +RollingUpdate$/m)
    t.match(deployment, /^ {2}Available +True +MinimumReplicasAvailable$/m)
    t.match(deployment, /^NewReplicaSet: +web-[a-z0-9]+ \(2\/2 replicas created\)$/m)
    t.match(deployment, /Normal +ScalingReplicaSet +\S+ +deployment-controller +Scaled up replica set web-[a-z0-9]+ from 0 to 2/)

    const [name = ''] = (await k.run('get pods -l app=web -o name')).split('\n')
    await eventually(async () => /Normal +Started/.test(await k.run(['describe', name])))
    const pod = await k.run(['describe', name])
    t.match(pod, /^Status: +Running$/m)
    t.match(pod, /^Controlled By: +ReplicaSet\/web-[a-z0-9]+$/m)
    t.match(pod, /^ {4}State: +Running$/m)
    t.match(pod, /^ {2}Ready +True *$/m)
    t.match(pod, /Normal +Scheduled +\S+ +default-scheduler +Successfully assigned \S+\/web-\S+ to node-[123]/)
    for (const [reason, text] of [['Pulled', 'Container image|Successfully pulled image'], ['Created', 'Container created|Created container'], ['Started', 'Container started|Started container']]) {
      t.match(pod, new RegExp(`Normal +${reason} +\\S+ .*kubelet +(spec\\.containers\\{nginx\\}: )?(${text})`))
    }

    t.match(await k.run('describe service web'), /^Endpoints: +10\.244\.\d+\.\d+:80,10\.244\.\d+\.\d+:80$/m)
    t.match(await k.run('describe replicaset -l app=web'), /Normal +SuccessfulCreate +\S+ +replicaset-controller +Created pod: web-/)
    const node = await k.run('describe node node-1')
    t.match(node, /^ {2}Ready +True /m)
    t.match(node, /^Non-terminated Pods: +\(\d+ in total\)$/m)
    t.match(node, /^Lease:\n {2}HolderIdentity: +node-1$/m)
    t.match(await k.run(`describe namespace ${k.namespace}`), /^Status: +Active$/m)
    t.match(await k.run('describe configmap kube-root-ca.crt'), /-----BEGIN CERTIFICATE-----/)
    t.match(await k.run('describe serviceaccount default'), /^Name: +default$/m)
    t.match(await k.fails('describe pod nosuch'), /pods "nosuch" not found/)
  },
})

eachKubectl(t, target, {
  name: 'events',
  async test(t, k) {
    await k.apply(podManifest({ name: 'seen' }))
    await k.run('wait pod/seen --for=condition=Ready --timeout=20s')
    await eventually(async () => /Normal +Started +pod\/seen +/i.test(await k.run('events --for=pod/seen')))
    const table = await k.run('get events')
    t.match(table, /^LAST SEEN +TYPE +REASON +OBJECT +MESSAGE$/m)
    t.match(table, /Normal +Scheduled +pod\/seen +Successfully assigned \S+\/seen to node-[123]/)
    t.match(await k.run('events --types=Normal'), /Scheduled/)
    t.equal(await k.run('get events --field-selector=involvedObject.name=seen,reason=Scheduled -o name').then((out) => out.trim().split('\n').length), 1)
    t.match((await k.try('events --types=Warning')).stderr, `No events found in ${k.namespace} namespace.`)
  },
})
