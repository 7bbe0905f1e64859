/**
 * A chart shaped as the popular ones are, with each Helm: definitions in crds/, what is rendered only where the cluster
 * serves it, hook jobs with accounts of their own, an admission webhook, stateful sets, autoscalers, network policies.
 */
import t, { type Test } from 'tap'
import type { ConfigMap, DaemonSet, Deployment, HorizontalPodAutoscaler, Secret, StatefulSet } from '../../schemas/types.ts'
import { eventually, startTestCluster } from '../helpers/cluster.ts'
import { Helm, helmVersions, type HelmVersion } from '../helpers/helm.ts'

const target = await startTestCluster(t, { nodes: 2 })
const patience = '--wait --wait-for-jobs --timeout 60s'
/** The agents of both releases are on the same nodes. */
const agentPorts: Readonly<Record<HelmVersion, number>> = { '3.17': 9100, '4.2': 9101 }
/** A name of its own each time: what is made before the last pod has gone stays. */
let refusals = 0
const hooks = 'get jobs,serviceaccounts,clusterrolebindings -A -o name'

async function install(t: Test, h: Helm): Promise<void> {
  const k = h.kubectl
  t.match(await h.run(`install st stack --create-namespace --set agent.port=${agentPorts[h.version]} ${patience}`), `st 3.4 in ${h.namespace}, revision 1, beside 0 pods`)
  const config = (await k.json<ConfigMap>('get configmap st-controller')).data?.['config.yaml'] ?? ''
  t.equal(config, 'replicas: 2\ningress: true\npodSecurityPolicies: false\nminor: 36\n', 'capabilities of the cluster')
  t.match(await k.json<Deployment>('get deployment st-controller'), { status: { availableReplicas: Number } })
  t.match(await k.json<StatefulSet>('get statefulset st-database'), { status: { readyReplicas: 2 } })
  t.match(await k.json<DaemonSet>('get daemonset st-agent'), { status: { numberReady: 2 } })
  t.match(await k.json<HorizontalPodAutoscaler>('get hpa st-controller'), { spec: { minReplicas: 2 } })
  t.equal(await k.run(['get', 'monitor', 'st', '-o', 'jsonpath={.spec.path} {.spec.interval}']), '/metrics 30s', 'a resource of a definition of the same chart, with its defaults')
  t.notMatch(await k.run(hooks), /admission-(create|patch)/, 'hooks are deleted when they have succeeded')
  t.match(await k.run('get events -o name --field-selector reason=Completed,involvedObject.name=st-admission-create'), 'event/', 'and have run')
}

/** A webhook is taken to allow while its pods are there, though nobody knows their image; without them its failure policy counts, in the words of a real server. */
async function meetWebhook(t: Test, h: Helm): Promise<void> {
  const k = h.kubectl
  const ingress = (name: string) => ['create', 'ingress', name, '--rule=a.example.com/=x:80']
  await k.run(ingress('ignored'))
  const { data } = await k.json<Secret>('get secret st-database')
  await h.run(`upgrade st stack --reuse-values --set webhook.failurePolicy=Fail --set-string database.image=postgres:17.1 ${patience}`)
  const words = `error: failed to create ingress: Internal error occurred: failed calling webhook "validate.stack.example.com": failed to call webhook: Post "https://st-controller.${h.namespace}.svc:443/validate?timeout=1s": `
  await k.run(ingress('allowed'))
  await k.run('scale deployment st-controller --replicas=0')
  t.ok((await eventually(() => k.fails(ingress(`refused-${refusals++}`)))).startsWith(words))
  await k.run('scale deployment st-controller --replicas=2')
  await k.run('rollout status deployment st-controller --timeout=60s')
  t.same((await k.json<Secret>('get secret st-database')).data, data, 'the password is looked up, not made again')
  t.match(await k.json<StatefulSet>('get statefulset st-database'), { spec: { template: { spec: { containers: [{ image: 'postgres:17.1' }] } } }, status: { updatedReplicas: 2, readyReplicas: 2 } })
}

async function refuse(t: Test, h: Helm): Promise<void> {
  const rehearsed = await h.run('upgrade st stack --reuse-values --dry-run=server')
  t.match(rehearsed, /^kind: Monitor$/m)
  t.match(await h.fails(`upgrade st stack --reuse-values --set database.size=2Gi ${patience}`), /StatefulSet\.apps "st-database" is invalid: spec: Forbidden: updates to statefulset spec for fields other than/)
  t.match(await h.fails(`upgrade st stack --reuse-values --set controller.autoscaling.maxReplicas=1`), /HorizontalPodAutoscaler\.autoscaling "st-controller" is invalid: spec\.maxReplicas: Invalid value: 1: must be greater than or equal to `minReplicas`/)
}

async function rollBack(t: Test, h: Helm): Promise<void> {
  const k = h.kubectl
  await h.run(`rollback st 1 ${patience}`)
  await k.run(['create', 'ingress', 'again', '--rule=a.example.com/=x:80'])
  t.match(await k.json<StatefulSet>('get statefulset st-database'), { spec: { template: { spec: { containers: [{ image: 'postgres:17' }] } } }, status: { readyReplicas: 2 } })
  t.same((await h.history('st')).map((r) => r.status), ['superseded', 'superseded', 'failed', 'failed', 'deployed'])
}

async function uninstall(t: Test, h: Helm): Promise<void> {
  const k = h.kubectl
  await h.run(`uninstall st --wait --timeout 60s`)
  t.equal(await k.run('get all,secrets,networkpolicies,poddisruptionbudgets,monitors -o name'), '')
  t.notMatch(await k.run('get validatingwebhookconfigurations,clusterroles,clusterrolebindings,ingressclasses -o name'), h.namespace)
  t.match(await k.run('get pvc -o name'), /^persistentvolumeclaim\/data-st-database-0\npersistentvolumeclaim\/data-st-database-1$/m, 'data stays')
  t.match(await k.run('get crd -o name'), 'monitors.stack.example.com', 'and so do definitions')
}

for (const version of helmVersions) {
  t.test(`helm ${version}`, async (t) => {
    const h = new Helm(version, target, `stack-${version.replace('.', '-')}`)
    await t.test('install', (t) => install(t, h))
    await t.test('webhook and upgrade', (t) => meetWebhook(t, h))
    await t.test('refusals', (t) => refuse(t, h))
    await t.test('rollback', (t) => rollBack(t, h))
    await t.test('uninstall', (t) => uninstall(t, h))
  })
}
