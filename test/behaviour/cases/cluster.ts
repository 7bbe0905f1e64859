/** What keeps a cluster in order: garbage, budgets, quotas, endpoints, namespaces, accounts, places for pods. */
import type { Json } from '../../conformance/_client.ts'
import { NOWHERE, pod, template, workload, type Family, type Place } from '../_place.ts'

const owned = (name: string, owner: Json, more: Json = {}): Json => ({ metadata: { name, ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: (owner.metadata as Json).name, uid: (owner.metadata as Json).uid, ...more }] } })
const evict = (place: Place, name: string) => place.client.call(`POST ${place.path(`v1 pods/${name}/eviction`)}`, { body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name } } })
const BUDGET = 'policy/v1 poddisruptionbudgets'

export default {
  family: 'cluster',
  cases: [
    {
      name: 'what has lost its owner goes, in the order that was asked for',
      async run(place) {
        const maps = 'v1 configmaps'
        const [back, front, orphans] = await Promise.all(['back', 'front', 'orphans'].map((name) => place.make(maps, { metadata: { name } }))) as [Json, Json, Json]
        await place.make(maps, owned('of-back', back))
        await place.make(maps, { ...owned('of-front', front, { blockOwnerDeletion: true }), metadata: { ...(owned('of-front', front, { blockOwnerDeletion: true }).metadata as Json), finalizers: ['example.com/hold'] } })
        await place.make(maps, owned('of-orphans', orphans))
        await place.make(maps, owned('of-nobody', { metadata: { name: 'back', uid: '11111111-1111-1111-1111-111111111111' } }))
        await place.goes(`${maps}/of-nobody`)
        await place.delete(`${maps}/back`, { propagationPolicy: 'Background' })
        await place.delete(`${maps}/front`, { propagationPolicy: 'Foreground' })
        await place.delete(`${maps}/orphans`, { propagationPolicy: 'Orphan' })
        await place.goes(`${maps}/of-back`)
        await place.goes(`${maps}/orphans`)
        place.t.equal(((await place.get(`${maps}/of-orphans`)).body.metadata as Json).ownerReferences, undefined)
        await place.reaches(`${maps}/of-front`, { metadata: { deletionTimestamp: String } })
        await place.reaches(`${maps}/front`, { metadata: { finalizers: ['foregroundDeletion'] } })
        await place.patch(`${maps}/of-front`, { metadata: { finalizers: null } })
        await place.goes(`${maps}/front`)
      },
    },
    {
      name: 'budgets hold evictions back',
      async run(place) {
        await place.make('apps/v1 deployments', workload('web', { replicas: 3 }))
        await place.make('v1 pods', pod('bare'))
        await place.make(BUDGET, { metadata: { name: 'web' }, spec: { minAvailable: 2, selector: { matchLabels: { app: 'web' } } } })
        await place.make(BUDGET, { metadata: { name: 'bare' }, spec: { maxUnavailable: 1, selector: { matchLabels: { app: 'bare' } } } })
        await place.reaches(`${BUDGET}/web`, { status: { expectedPods: 3, currentHealthy: 3, desiredHealthy: 2, disruptionsAllowed: 1, conditions: [{ type: 'DisruptionAllowed', status: 'True', reason: 'SufficientPods' }] } })
        await place.reaches(`${BUDGET}/bare`, { status: { disruptionsAllowed: 0, conditions: [{ type: 'DisruptionAllowed', status: 'False', reason: 'InsufficientPods' }] } })
        place.t.match(await evict(place, 'bare'), { status: 429, body: { reason: 'TooManyRequests', message: "Cannot evict pod as it would violate the pod's disruption budget.", details: { causes: [{ reason: 'DisruptionBudget' }] } } })
        await place.patch('apps/v1 deployments/web', { spec: { template: { spec: NOWHERE } } })
        await place.reaches(`${BUDGET}/web`, { status: { currentHealthy: 3 } })
        const [first] = (await place.items('v1 pods?labelSelector=app=web')) as { metadata: { name: string } }[]
        place.t.equal((await evict(place, first?.metadata.name ?? '')).status, 201)
      },
    },
    {
      name: 'quotas count',
      async run(place) {
        await place.make('v1 resourcequotas', { metadata: { name: 'q' }, spec: { hard: { pods: '1', 'requests.cpu': '1', 'count/configmaps': '9' } } })
        await place.reaches('v1 resourcequotas/q', { status: { hard: { pods: '1' }, used: { pods: '0', 'requests.cpu': '0', 'count/configmaps': '1' } } })
        const asking = (name: string) => pod(name, { containers: [{ name: 'c', image: 'registry.k8s.io/pause:3.10', resources: { requests: { cpu: '250m' } } }], ...NOWHERE })
        await place.make('v1 pods', asking('a'))
        await place.reaches('v1 resourcequotas/q', { status: { used: { pods: '1', 'requests.cpu': '250m' } } })
        place.t.match(await place.client.call(`POST ${place.path('v1 pods')}`, { body: asking('b') }), { status: 403, body: { message: 'pods "b" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1' } })
        await place.delete('v1 pods/a')
        await place.reaches('v1 resourcequotas/q', { status: { used: { pods: '0', 'requests.cpu': '0' } } })
      },
    },
    {
      name: 'endpoints follow the pods',
      async run(place) {
        const slices = 'discovery.k8s.io/v1 endpointslices?labelSelector=kubernetes.io/service-name=web'
        await place.make('v1 services', { metadata: { name: 'web', labels: { l: 'm' } }, spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 'named' }] } })
        await place.make('apps/v1 deployments', workload('web', { replicas: 2 }, template('web', { containers: [{ name: 'c', image: 'registry.k8s.io/pause:3.10', ports: [{ name: 'named', containerPort: 8080 }] }] })))
        const ready = { addresses: [String], conditions: { ready: true, serving: true, terminating: false }, nodeName: String, targetRef: { kind: 'Pod' } }
        await place.reaches(slices, { items: [{ addressType: 'IPv4', metadata: { labels: { l: 'm', 'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io' }, ownerReferences: [{ kind: 'Service', name: 'web' }] }, endpoints: [ready, ready], ports: [{ name: 'http', port: 8080, protocol: 'TCP' }] }] })
        await place.reaches('v1 endpoints/web', { subsets: [{ addresses: [{ ip: String }, { ip: String }], ports: [{ name: 'http', port: 8080 }] }] })
        await place.patch('v1 services/web', { spec: { selector: { app: 'other' } } })
        await place.reaches(slices, { items: [{ endpoints: null }] })
        await place.delete('v1 services/web')
        await place.count(slices, 0)
      },
    },
    {
      name: 'a namespace tells what holds it back',
      async run(place) {
        const name = `${place.ns}-inner`
        const inner = place.in(name)
        await place.make('cluster v1 namespaces', { metadata: { name } })
        await inner.make('v1 configmaps', { metadata: { name: 'held', finalizers: ['example.com/hold'] } })
        await place.delete(`cluster v1 namespaces/${name}`)
        const condition = (type: string, status: string, reason: string, message: string) => ({ type, status, reason, message })
        await place.reaches(`cluster v1 namespaces/${name}`, {
          status: {
            phase: 'Terminating',
            conditions: [
              condition('NamespaceDeletionDiscoveryFailure', 'False', 'ResourcesDiscovered', 'All resources successfully discovered'),
              condition('NamespaceDeletionGroupVersionParsingFailure', 'False', 'ParsedGroupVersions', 'All legacy kube types successfully parsed'),
              condition('NamespaceDeletionContentFailure', 'False', 'ContentDeleted', 'All content successfully deleted, may be waiting on finalization'),
              condition('NamespaceContentRemaining', 'True', 'SomeResourcesRemain', 'Some resources are remaining: configmaps. has 1 resource instances'),
              condition('NamespaceFinalizersRemaining', 'True', 'SomeFinalizersRemain', 'Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances'),
            ],
          },
        })
        await inner.patch('v1 configmaps/held', { metadata: { finalizers: null } })
        await place.goes(`cluster v1 namespaces/${name}`)
      },
    },
    {
      name: 'accounts and their tokens',
      async run(place) {
        await place.reaches('v1 configmaps/kube-root-ca.crt', { metadata: { annotations: { 'kubernetes.io/description': /^Contains a CA bundle/ } }, data: { 'ca.crt': /^-----BEGIN CERTIFICATE-----/ } })
        await place.delete('v1 serviceaccounts/default')
        await place.reaches('v1 serviceaccounts/default', { metadata: { name: 'default' } })
        const secret = (name: string, account: string) => ({ metadata: { name, annotations: { 'kubernetes.io/service-account.name': account } }, type: 'kubernetes.io/service-account-token' })
        await place.make('v1 secrets', secret('token', 'default'))
        await place.make('v1 secrets', secret('lost', 'nobody'))
        await place.reaches('v1 secrets/token', { data: { token: String, namespace: String, 'ca.crt': String } })
        await place.goes('v1 secrets/lost')
      },
    },
    {
      name: 'pods and claims that wait say for what',
      async run(place) {
        await place.make('v1 pods', pod('nowhere', NOWHERE))
        await place.make('v1 pods', pod('gated', { schedulingGates: [{ name: 'example.com/wait' }] }))
        await place.make('v1 persistentvolumeclaims', { metadata: { name: 'none' }, spec: { storageClassName: '', accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } })
        await place.make('v1 persistentvolumeclaims', { metadata: { name: 'lost' }, spec: { storageClassName: 'example-none', accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } })
        await place.reaches('v1 pods/nowhere', { status: { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: /^0\/\d+ nodes are available: .*\d+ node\(s\) didn't match Pod's node affinity\/selector.* preemption: 0\/\d+ nodes are available: \d+ Preemption is not helpful for scheduling\.$/ }] } })
        await place.reaches('v1 pods/gated', { status: { conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated', message: 'Scheduling is blocked due to non-empty scheduling gates' }] } })
        await place.tells('PersistentVolumeClaim Normal FailedBinding no persistent volumes available for this claim and no storage class is set', 'PersistentVolumeClaim Warning ProvisioningFailed storageclass.storage.k8s.io "example-none" not found')
        await place.patch('v1 pods/gated', { spec: { schedulingGates: [] } })
        await place.reaches('v1 pods/gated', { status: { phase: 'Running' } })
        await place.make('v1 pods', pod('user', { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'none' } }] }))
        await place.tells(/^Pod Warning FailedScheduling 0\/\d+ nodes are available: pod has unbound immediate PersistentVolumeClaims/)
      },
    },
    {
      name: 'an autoscaler without metrics says so',
      async run(place) {
        await place.make('autoscaling/v2 horizontalpodautoscalers', { metadata: { name: 'lost' }, spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'none' }, minReplicas: 1, maxReplicas: 3 } })
        await place.reaches('autoscaling/v2 horizontalpodautoscalers/lost', { status: { conditions: [{ type: 'AbleToScale', status: 'False', reason: 'FailedGetScale', message: `the HPA controller was unable to get the target's current scale: deployments.apps "none" not found` }] } })
        await place.tells('HorizontalPodAutoscaler Warning FailedGetScale deployments.apps "none" not found')
      },
    },
  ],
} satisfies Family
