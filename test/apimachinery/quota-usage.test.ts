import t from 'tap'
import type { Pod, ResourceQuota, Service } from '../../schemas/types.ts'
import { matchesScope, matchingNames, resourceOfName, usageOf, usageUnder } from '../../src/apimachinery/quota-usage.ts'
import { listText, podResources } from '../../src/apimachinery/resource-list.ts'

const asking = (requests: Record<string, string>, limits: Record<string, string> = {}) => ({ name: 'c', resources: { requests, limits } })
const podOf = (spec: Pod['spec'], status: Pod['status'] = {}): Pod => ({ metadata: { name: 'p', namespace: 'default' }, spec, status })

t.test('what a pod asks for', (t) => {
  const cases: { name: string; spec: Pod['spec']; expect: Record<string, string> }[] = [
    { name: 'sum of containers', spec: { containers: [asking({ cpu: '100m' }), asking({ cpu: '1', memory: '1Gi' })] }, expect: { cpu: '1100m', memory: '1Gi' } },
    { name: 'the largest init container', spec: { containers: [asking({ cpu: '1' })], initContainers: [asking({ cpu: '3' }), asking({ cpu: '2' })] }, expect: { cpu: '3' } },
    { name: 'sidecars run along', spec: { containers: [asking({ cpu: '1' })], initContainers: [{ ...asking({ cpu: '2' }), restartPolicy: 'Always' }, asking({ cpu: '2' })] }, expect: { cpu: '4' } },
    { name: 'overhead', spec: { containers: [asking({ cpu: '1' })], overhead: { cpu: '250m' } }, expect: { cpu: '1250m' } },
    { name: 'the pod itself says', spec: { containers: [asking({ cpu: '1' })], resources: { requests: { cpu: '5' } } }, expect: { cpu: '5' } },
  ]
  for (const c of cases) t.same(listText(podResources(podOf(c.spec), 'requests')), c.expect, c.name)
  t.same(listText(podResources(podOf({ containers: [asking({}, { memory: '1Gi' })], overhead: { cpu: '1', memory: '1Gi' } }), 'limits')), { memory: '2Gi' }, 'overhead limits only what is limited')
  t.end()
})

t.test('what objects count for', (t) => {
  const pod = podOf({ containers: [asking({ cpu: '1', 'example.com/gpu': '2' }, { cpu: '2' })] })
  t.same(listText(usageOf('pods', pod, 0)), { 'count/pods': '1', pods: '1', cpu: '1', 'requests.cpu': '1', 'requests.example.com/gpu': '2', 'limits.cpu': '2' })
  t.same(listText(usageOf('pods', { ...pod, status: { phase: 'Failed' } } as Pod, 0)), { 'count/pods': '1' })
  const lb: Service = { metadata: {}, spec: { type: 'LoadBalancer', ports: [{ port: 1 }, { port: 2 }] } }
  t.same(listText(usageOf('services', lb, 0)), { 'count/services': '1', services: '1', 'services.loadbalancers': '1', 'services.nodeports': '2' })
  t.same(listText(usageOf('persistentvolumeclaims', { metadata: {}, spec: { storageClassName: 'gold', resources: { requests: { storage: '1Gi' } } } } as never, 0)), {
    'count/persistentvolumeclaims': '1',
    persistentvolumeclaims: '1',
    'requests.storage': '1Gi',
    'gold.storageclass.storage.k8s.io/persistentvolumeclaims': '1',
    'gold.storageclass.storage.k8s.io/requests.storage': '1Gi',
  })
  t.same(listText(usageOf('deployments.apps', { metadata: {} }, 0)), { 'count/deployments.apps': '1' })
  t.end()
})

t.test('which names belong to which resource', (t) => {
  const names = ['pods', 'requests.cpu', 'limits.memory', 'requests.example.com/gpu', 'hugepages-2Mi', 'services.nodeports', 'requests.storage', 'gold.storageclass.storage.k8s.io/requests.storage', 'configmaps', 'count/jobs.batch']
  t.same(names.map(resourceOfName), ['pods', 'pods', 'pods', 'pods', 'pods', 'services', 'persistentvolumeclaims', 'persistentvolumeclaims', 'configmaps', 'jobs.batch'])
  t.same(matchingNames('pods', names), names.slice(0, 5))
  t.equal(resourceOfName('nonsense'), undefined)
  t.end()
})

t.test('scopes', (t) => {
  const best = podOf({ containers: [{ name: 'c' }] })
  const bursting = podOf({ containers: [asking({ cpu: '1' })], activeDeadlineSeconds: 5, priorityClassName: 'high' })
  const cases: [pod: Pod, scope: string, operator: string, values: string[], expect: boolean][] = [
    [best, 'BestEffort', 'Exists', [], true],
    [bursting, 'BestEffort', 'Exists', [], false],
    [bursting, 'Terminating', 'Exists', [], true],
    [best, 'NotTerminating', 'Exists', [], true],
    [bursting, 'PriorityClass', 'In', ['high'], true],
    [best, 'PriorityClass', 'In', ['high'], false],
    [best, 'PriorityClass', 'DoesNotExist', [], true],
    [bursting, 'PriorityClass', 'NotIn', ['high'], false],
  ]
  for (const [pod, scopeName, operator, values, expect] of cases) t.equal(matchesScope('pods', pod, { scopeName, operator, values }), expect, `${scopeName} ${operator}`)
  const quota: ResourceQuota = { metadata: {}, spec: { hard: { pods: '5', cpu: '1' }, scopes: ['BestEffort'] } }
  t.same(listText(usageUnder(quota, 'pods', { objects: [best, bursting], nowMs: 0 })), { pods: '1', cpu: '0' })
  t.end()
})
