/** Objects that kubectl writes itself: create, run, expose, autoscale; and dry runs. */
import fs from 'node:fs'
import path from 'node:path'
import t from 'tap'
import type { CronJob, Pod, Service } from '../../schemas/types.ts'
import { startTestCluster } from '../helpers/cluster.ts'
import { eachKubectl } from '../helpers/each-kubectl.ts'
import { configMapManifest, deploymentManifest } from '../helpers/manifests.ts'

const target = await startTestCluster(t)

/** Command line → what it must print; run in this order. */
const creations: readonly (readonly [string, string])[] = [
  ['create deployment web --image=nginx:1.27 --replicas=2 --port=80', 'deployment.apps/web created'],
  ['create configmap settings --from-literal=a=1 --from-literal=b=2', 'configmap/settings created'],
  ['create secret generic keys --from-literal=password=hunter2', 'secret/keys created'],
  ['create secret docker-registry pull --docker-server=registry.example.com --docker-username=u --docker-password=p', 'secret/pull created'],
  ['create serviceaccount robot', 'serviceaccount/robot created'],
  ['create job sum --image=perl:5.42 -- perl -e 1', 'job.batch/sum created'],
  ['create cronjob nightly --image=busybox:1.37 --schedule=0_3_*_*_*', 'cronjob.batch/nightly created'],
  ['create role reader --verb=get,list --resource=pods', 'role.rbac.authorization.k8s.io/reader created'],
  ['create rolebinding readers --role=reader --serviceaccount=default:robot', 'rolebinding.rbac.authorization.k8s.io/readers created'],
  ['create quota small --hard=pods=100', 'resourcequota/small created'],
  ['create service clusterip inner --tcp=80:8080', 'service/inner created'],
  ['create service nodeport outer --tcp=80:8080', 'service/outer created'],
  ['create service loadbalancer public --tcp=80:8080', 'service/public created'],
  ['create service externalname far --external-name=example.com', 'service/far created'],
  ['create ingress site --rule=example.com/*=inner:80', 'ingress.networking.k8s.io/site created'],
  ['create poddisruptionbudget most --selector=app=web --min-available=1', 'poddisruptionbudget.policy/most created'],
  ['autoscale deployment web --min=1 --max=3', 'horizontalpodautoscaler.autoscaling/web autoscaled'],
  ['expose deployment web --name=exposed --port=80 --target-port=8080', 'service/exposed exposed'],
  ['run alone --image=nginx:1.27 --labels=app=alone --env=A=b', 'pod/alone created'],
  ['expose pod alone --port=80', 'service/alone exposed'],
]

eachKubectl(t, target, {
  name: 'create and expose',
  async test(t, k) {
    for (const [command, printed] of creations) t.equal(await k.run(command.split(' ').map((word) => word.replaceAll('_', ' '))), `${printed}\n`, command)
    await k.run('rollout status deployment/web --timeout=20s')
    const { spec } = await k.json<Service>('get service exposed')
    t.match(spec, { type: 'ClusterIP', selector: { app: 'web' }, ports: [{ port: 80, protocol: 'TCP', targetPort: 8080 }] })
    t.match(spec.clusterIP, /^10\.96\.\d+\.\d+$/)
    t.equal(await k.run(['get', 'secret', 'keys', '-o', 'jsonpath={.data.password}']), Buffer.from('hunter2').toString('base64'))
    t.equal((await k.json<CronJob>('get cronjob nightly')).spec.schedule, '0 3 * * *')
    t.same((await k.json<Pod>('get pod alone')).spec.containers?.[0]?.env, [{ name: 'A', value: 'b' }])
    t.match(await k.fails('create deployment web --image=nginx'), /error: failed to create deployment: deployments\.apps "web" already exists/)
    t.match(await k.run('create job again --from=cronjob/nightly'), 'job.batch/again created')
    t.match(await k.run('create token robot'), /^[\w-]+\.[\w-]+\.[\w-]+\s*$/)
  },
})

eachKubectl(t, target, {
  name: 'create cluster wide',
  async test(t, k) {
    const suffix = k.namespace
    t.match(await k.run(`create clusterrole all-${suffix} --verb=get --resource=nodes`), /created\n$/)
    t.match(await k.run(`create clusterrolebinding all-${suffix} --clusterrole=all-${suffix} --user=someone`), /created\n$/)
    t.match(await k.run(`create priorityclass high-${suffix} --value=1000`), /created\n$/)
    t.match(await k.run(`create namespace extra-${suffix}`), `namespace/extra-${suffix} created`)
    for (const kind of ['clusterrole', 'clusterrolebinding']) t.match(await k.run(`delete ${kind} all-${suffix}`), /deleted/)
  },
})

eachKubectl(t, target, {
  name: 'dry runs',
  async test(t, k) {
    t.match(await k.run('create deployment dry --image=nginx --dry-run=client -o yaml'), /^apiVersion: apps\/v1\nkind: Deployment\n/)
    t.equal(await k.run('create deployment dry --image=nginx --dry-run=server'), 'deployment.apps/dry created (server dry run)\n')
    t.match(await k.run('create deployment dry --image=nginx --dry-run=server -o yaml'), /^ {2}uid: [0-9a-f-]{36}$/m)
    t.match(await k.run('run dry --image=nginx --dry-run=client -o yaml'), /^kind: Pod$/m)
    t.equal(await k.run('apply --dry-run=server -f -', { stdin: deploymentManifest({ name: 'dry' }) }), 'deployment.apps/dry created (server dry run)\n')
    t.equal(await k.run('apply --dry-run=client -f -', { stdin: deploymentManifest({ name: 'dry' }) }), 'deployment.apps/dry created (dry run)\n')
    t.match(await k.fails('create service clusterip bad_name --tcp=80 --dry-run=server'), /a lowercase RFC 1123 label must consist of lower case alphanumeric characters/)
    t.equal(await k.run('get deployments,pods,services -o name'), '', 'nothing was written')
  },
})

const kustomization = `
namePrefix: stage-
labels:
  - pairs: {stage: test}
resources: [config.yaml, web.yaml]
images: [{name: nginx, newTag: '1.29'}]
replicas: [{name: web, count: 1}]
configMapGenerator: [{name: made, literals: [a=1]}]
`

eachKubectl(t, target, {
  name: 'kustomize and prune',
  async test(t, k) {
    const dir = path.join(target.dir, k.namespace)
    fs.mkdirSync(dir)
    fs.writeFileSync(path.join(dir, 'kustomization.yaml'), kustomization)
    fs.writeFileSync(path.join(dir, 'config.yaml'), configMapManifest('config', { a: '1' }))
    fs.writeFileSync(path.join(dir, 'web.yaml'), deploymentManifest())
    t.match(await k.run(['kustomize', dir]), /^ {2}name: stage-web$/m)
    const applied = await k.run(['apply', '-k', dir])
    t.match(applied, /^configmap\/stage-config created$/m)
    t.match(applied, /^configmap\/stage-made-[a-z0-9]+ created$/m)
    t.match(applied, /^deployment\.apps\/stage-web created$/m)
    await k.run('rollout status deployment/stage-web --timeout=20s')
    t.equal(await k.run(['get', 'deployment', 'stage-web', '-o', 'jsonpath={.spec.template.spec.containers[0].image} {.spec.replicas}']), 'nginx:1.29 1')
    t.match(await k.run(['delete', '-k', dir]), /deployment\.apps "stage-web" deleted/)

    const set = [configMapManifest('keep', { a: '1' }, { set: 'x' }), configMapManifest('drop', { a: '1' }, { set: 'x' })]
    await k.apply(set.join('\n---\n'), '--prune', '-l', 'set=x')
    t.match(await k.apply(set[0] ?? '', '--prune', '-l', 'set=x'), /^configmap\/keep unchanged\nconfigmap\/drop pruned$/m)
    t.equal(await k.run('get configmaps -l set=x -o name'), 'configmap/keep\n')
  },
})
