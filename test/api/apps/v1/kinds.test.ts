import t from 'tap'
import { startApi } from '../../../helpers/in-process-api.ts'
import { checkRefusals, checkUpdateRefusals, stored } from '../../../helpers/refusals.ts'

const TEMPLATE = { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'c', image: 'app:1' }] } }
const SELECTED = { selector: { matchLabels: { app: 'a' } }, template: TEMPLATE }
const make = (kind: string, spec: object) => ({ apiVersion: 'apps/v1', kind, metadata: { name: 'a', namespace: 'default' }, spec: { ...SELECTED, ...spec } })
const DEPLOYMENT = make('Deployment', {})
const REPLICA_SET = make('ReplicaSet', {})
const CLAIM = { metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } }
const STATEFUL_SET = make('StatefulSet', { serviceName: 's', volumeClaimTemplates: [CLAIM] })
const DAEMON_SET = make('DaemonSet', {})
const MISMATCH = 'Invalid value: {"app":"b"}: `selector` does not match template `labels`'

t.test('what is filled in', async (t) => {
  t.match((await stored(t, DEPLOYMENT)).spec, { replicas: 1, strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' } }, revisionHistoryLimit: 10, progressDeadlineSeconds: 600 })
  t.match((await stored(t, REPLICA_SET)).spec, { replicas: 1 })
  t.match((await stored(t, STATEFUL_SET)).spec, {
    replicas: 1,
    podManagementPolicy: 'OrderedReady',
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
    persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
    volumeClaimTemplates: [{ spec: { volumeMode: 'Filesystem' }, status: { phase: 'Pending' } }],
  })
  t.match((await stored(t, DAEMON_SET)).spec, { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } } })
})

t.test('deployments', async (t) => {
  await checkRefusals(t, DEPLOYMENT, [
    ['labels that are not selected', { 'spec.template.metadata.labels.app': 'b' }, `spec.template.metadata.labels: ${MISMATCH}`],
    ['all selected', { 'spec.selector': {} }, 'spec.selector: Invalid value: {}: empty selector is invalid for deployment'],
    ['no way to roll', { 'spec.strategy.rollingUpdate': { maxUnavailable: 0, maxSurge: 0 } }, 'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0'],
    ['more than all', { 'spec.strategy.rollingUpdate': { maxUnavailable: '101%' } }, 'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "101%": must not be greater than 100%'],
    ['rolling what is recreated', { 'spec.strategy': { type: 'Recreate', rollingUpdate: {} } }, "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"],
    ['a deadline before ready', { 'spec.minReadySeconds': 10, 'spec.progressDeadlineSeconds': 10 }, 'spec.progressDeadlineSeconds: Invalid value: 10: must be greater than minReadySeconds'],
    ['pods that end', { 'spec.template.spec.restartPolicy': 'Never' }, 'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"'],
  ])
  await checkUpdateRefusals(t, DEPLOYMENT, [
    ['the selector', { 'spec.selector.matchLabels': { app: 'a', b: 'c' }, 'spec.template.metadata.labels.b': 'c' }, 'spec.selector: Invalid value: {"matchLabels":{"app":"a","b":"c"}}: field is immutable'],
    ['the template', { 'spec.template.spec.containers[0].image': 'app:2' }],
  ])
})

t.test('replica sets', (t) => checkRefusals(t, REPLICA_SET, [['fewer than none', { 'spec.replicas': -1 }, 'spec.replicas: Invalid value: -1: must be greater than or equal to 0']]))

t.test('stateful sets', async (t) => {
  await checkRefusals(t, STATEFUL_SET, [
    ['a strategy that is none', { 'spec.updateStrategy.type': 'X' }, "spec.updateStrategy: Invalid value: {\"Type\":\"X\",\"RollingUpdate\":null}: must be 'RollingUpdate' or 'OnDelete'"],
    ['a volume of a claim', { 'spec.template.spec.containers[0].volumeMounts': [{ name: 'data', mountPath: '/data' }] }],
    ['a volume of no claim', { 'spec.template.spec.containers[0].volumeMounts': [{ name: 'other', mountPath: '/data' }] }, 'spec.template.spec.containers[0].volumeMounts[0].name: Not found: "other"'],
  ])
  const why = "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
  await checkUpdateRefusals(t, STATEFUL_SET, [
    ['the service', { 'spec.serviceName': 'other' }, why],
    ['the claims', { 'spec.volumeClaimTemplates': undefined }, why],
    ['the number', { 'spec.replicas': 3 }],
  ])
})

t.test('daemon sets', async (t) => {
  await checkRefusals(t, DAEMON_SET, [
    ['surge and absence', { 'spec.updateStrategy.rollingUpdate': { maxSurge: 1, maxUnavailable: 1 } }, 'spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero'],
    ['neither', { 'spec.updateStrategy.rollingUpdate': { maxSurge: 0, maxUnavailable: 0 } }, 'spec.updateStrategy.rollingUpdate.maxUnavailable: Required value: cannot be 0 when maxSurge is 0'],
  ])
  const { create, update } = await startApi(t)
  const generations = (d: { metadata: { generation?: number; annotations?: Record<string, string> } }) => [d.metadata.generation, d.metadata.annotations?.['deprecated.daemonset.template.generation']]
  const made = await create(DAEMON_SET)
  t.same(generations(made), [1, '1'])
  const slower = await update(made, (d) => void Object.assign(d['spec'] as object, { minReadySeconds: 5 }))
  t.same(generations(slower), [2, '1'], 'the template is the same')
  t.same(generations(await update(slower, (d) => void Object.assign(d['spec'] as object, { template: { ...TEMPLATE, spec: { containers: [{ name: 'c', image: 'app:2' }] } } }))), [3, '2'])
})

t.test('statuses', (t) =>
  checkUpdateRefusals(
    t,
    DEPLOYMENT,
    [
      ['consistent', { 'status.replicas': 2, 'status.readyReplicas': 2, 'status.availableReplicas': 1 }],
      ['more ready than there are', { 'status.replicas': 1, 'status.readyReplicas': 2 }, 'status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas'],
    ],
    { subresource: 'status' },
  ))

t.test('revisions', async (t) => {
  const revision = { apiVersion: 'apps/v1', kind: 'ControllerRevision', metadata: { name: 'a', namespace: 'default' }, data: { a: 1 }, revision: 1 }
  await checkRefusals(t, revision, [['before the first', { revision: -1 }, 'revision: Invalid value: -1: must be greater than or equal to 0']])
  await checkUpdateRefusals(t, revision, [
    ['the number', { revision: 2 }],
    ['the data', { data: { a: 2 } }, 'data: Invalid value: {"a":2}: field is immutable'],
  ])
})
