/** The sample API server of upstream in a pod, behind the aggregation layer, with etcd beside it. */
import t from 'tap'
import { eventually, Kubectl, startTestCluster } from '../helpers/cluster.ts'

const k = new Kubectl('1.36', await startTestCluster(t, { nodes: 1 }))

const bind = (name: string, kind: string, role: string, namespace = '') => `
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ${namespace ? 'RoleBinding' : 'ClusterRoleBinding'}
metadata: {name: ${name}${namespace && `, namespace: ${namespace}`}}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ${kind}, name: '${role}'}
subjects: [{kind: ServiceAccount, name: default, namespace: wardle}]
`
const apiService = (version: string, priority: number) => `
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: ${version}.wardle.example.com}
spec: {insecureSkipTLSVerify: true, group: wardle.example.com, version: ${version}, groupPriorityMinimum: 1000, versionPriority: ${priority}, service: {name: api, namespace: wardle}}
`
const inWardle = `
apiVersion: v1
kind: Service
metadata: {name: api, namespace: wardle}
spec: {selector: {apiserver: 'true'}, ports: [{port: 443}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: server, namespace: wardle}
spec:
  selector: {matchLabels: {apiserver: 'true'}}
  template:
    metadata: {labels: {apiserver: 'true'}}
    spec:
      containers:
        - {name: server, image: 'registry.k8s.io/e2e-test-images/sample-apiserver:1.36.0', args: ['--etcd-servers=http://localhost:2379']}
        - {name: etcd, image: 'registry.k8s.io/etcd:3.6.8-0', readinessProbe: {httpGet: {path: /health, port: 2379}}}
${bind('wardle:auth-delegator', 'ClusterRole', 'system:auth-delegator')}${apiService('v1alpha1', 15)}${apiService('v1beta1', 16)}`

const flunder = (name: string, spec: string) => `{apiVersion: wardle.example.com/v1beta1, kind: Flunder, metadata: {name: ${name}}, spec: ${spec}}`

t.test('its kinds are kinds of the cluster', async (t) => {
  await k.run('create namespace wardle')
  await k.in('kube-system').apply(bind('wardle-auth-reader', 'Role', 'extension-apiserver-authentication-reader', 'kube-system'))
  await k.in('wardle').apply(inWardle)
  await k.run('wait apiservice/v1beta1.wardle.example.com apiservice/v1alpha1.wardle.example.com --for=condition=Available --timeout=60s')
  await eventually(async () => (await k.apply(flunder('one', '{flunderReference: x, referenceType: Flunder}'))).includes('created'))
  t.match(await k.run('get flunders'), /^NAME .*\none /m)
  await k.run('label flunders one a=b')
  t.equal(await k.run('get flunders -l a=b -o name'), 'flunder.wardle.example.com/one\n')
  t.match(await k.fails(['create', '-f', '-'], { stdin: flunder('two', '{flunderReference: x}') }), /The Flunder "two" is invalid: spec\.flunderReference: Invalid value: "x": cannot be set if referenceType is not Flunder/)
  await k.apply('{apiVersion: wardle.example.com/v1alpha1, kind: Fischer, metadata: {name: f}, disallowedFlunders: [bad]}')
  t.match(await k.fails(['create', '-f', '-'], { stdin: flunder('bad', '{}') }), /this name may not be used, please change the resource name/)
  t.match(await k.fails('get flunders --as nobody'), /flunders\.wardle\.example\.com is forbidden: User "nobody" cannot list/)
  t.equal(await k.run('delete flunder one'), 'flunder.wardle.example.com "one" deleted from default namespace\n')
  t.match(await k.fails('get flunder one'), /flunders\.wardle\.example\.com "one" not found/)
})
