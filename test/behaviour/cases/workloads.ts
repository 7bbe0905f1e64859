/** Sets of pods, from the first to the last. */
import type { Json } from '../../conformance/_client.ts'
import { NOWHERE, template, workload, type Family, type Place } from '../_place.ts'

const DEPLOYMENT = 'apps/v1 deployments'
const podsOf = (app: string): string => `v1 pods?labelSelector=app=${app}`
const named = (object: Json | undefined): string => String((object?.metadata as Json | undefined)?.name)

async function revisions(place: Place, app: string): Promise<string[]> {
  const sets = (await place.items(`apps/v1 replicasets?labelSelector=app=${app}`)) as { metadata: { annotations: Json }; spec: { replicas: number } }[]
  return sets.map(({ metadata, spec }) => `${metadata.annotations['deployment.kubernetes.io/revision']}: ${spec.replicas}`).sort()
}

export default {
  family: 'workloads',
  cases: [
    {
      name: 'a deployment rolls out, stops and goes back',
      async run(place) {
        await place.make(DEPLOYMENT, workload('web', { replicas: 2 }))
        const done = { observedGeneration: 1, replicas: 2, updatedReplicas: 2, readyReplicas: 2, availableReplicas: 2, conditions: [{ type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable', message: 'Deployment has minimum availability.' }, { type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable', message: /^ReplicaSet "web-[a-z0-9]+" has successfully progressed\.$/ }] }
        await place.reaches(`${DEPLOYMENT}/web`, { metadata: { annotations: { 'deployment.kubernetes.io/revision': '1' } }, status: done })
        await place.tells(/^Deployment Normal ScalingReplicaSet Scaled up replica set web-[a-z0-9]+ from 0 to 2$/, /^ReplicaSet Normal SuccessfulCreate Created pod: web-[a-z0-9]+-[a-z0-9]{5}$/, /^Pod Normal Scheduled Successfully assigned /)
        await place.patch(`${DEPLOYMENT}/web`, { spec: { progressDeadlineSeconds: 1, template: { spec: NOWHERE } } })
        await place.reaches(`${DEPLOYMENT}/web`, { status: { replicas: 3, updatedReplicas: 1, unavailableReplicas: 1, conditions: [{ type: 'Available', status: 'True' }, { type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded', message: /^ReplicaSet "web-[a-z0-9]+" has timed out progressing\.$/ }] } })
        await place.patch(`${DEPLOYMENT}/web`, { spec: { template: { spec: { nodeSelector: null } } } })
        await place.reaches(`${DEPLOYMENT}/web`, { metadata: { annotations: { 'deployment.kubernetes.io/revision': '3' } }, status: { replicas: 2, updatedReplicas: 2, conditions: [{ type: 'Available' }, { type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable' }] } })
        place.t.same(await revisions(place, 'web'), ['2: 0', '3: 2'], 'what was there before has a new number')
      },
    },
    {
      name: 'a paused deployment waits; one that recreates has no two versions',
      async run(place) {
        await place.make(DEPLOYMENT, workload('paused', { replicas: 1, paused: true }))
        await place.make(DEPLOYMENT, workload('anew', { replicas: 2, strategy: { type: 'Recreate' }, revisionHistoryLimit: 0 }))
        await place.reaches(`${DEPLOYMENT}/paused`, { status: { observedGeneration: 1, conditions: [{ type: 'Progressing', status: 'Unknown', reason: 'DeploymentPaused', message: 'Deployment is paused' }] } })
        await place.reaches(`${DEPLOYMENT}/anew`, { status: { availableReplicas: 2 } })
        await place.patch(`${DEPLOYMENT}/anew`, { spec: { template: { spec: { hostname: 'other' } } } })
        await place.patch(`${DEPLOYMENT}/paused`, { spec: { paused: false } })
        await place.reaches(`${DEPLOYMENT}/anew`, { status: { observedGeneration: 2, replicas: 2, updatedReplicas: 2, availableReplicas: 2 } })
        await place.count('apps/v1 replicasets?labelSelector=app=anew', 1)
        await place.reaches(`${DEPLOYMENT}/paused`, { status: { availableReplicas: 1 } })
      },
    },
    {
      name: 'a replica set takes orphans in, lets go of what is relabelled, and tells why it cannot',
      async run(place) {
        const orphan = await place.make('v1 pods', { metadata: { name: 'stray', labels: { app: 'set' } }, spec: template('set').spec })
        await place.make('apps/v1 replicasets', workload('set', { replicas: 2 }))
        await place.reaches('v1 pods/stray', { metadata: { uid: (orphan.metadata as Json).uid, ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'set', controller: true, blockOwnerDeletion: true }] } })
        await place.count(podsOf('set'), 2)
        await place.patch('v1 pods/stray', { metadata: { labels: { app: 'free' } } })
        await place.count(podsOf('set'), 2)
        place.t.equal(((await place.get('v1 pods/stray')).body.metadata as Json).ownerReferences, undefined)
        await place.make('v1 resourcequotas', { metadata: { name: 'none' }, spec: { hard: { pods: '0' } } })
        await place.reaches('v1 resourcequotas/none', { status: { used: { pods: '3' } } })
        await place.patch('apps/v1 replicasets/set', { spec: { replicas: 3 } })
        await place.reaches('apps/v1 replicasets/set', { status: { replicas: 2, conditions: [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: /^pods "set-[a-z0-9]{5}" is forbidden: exceeded quota: none, requested: pods=1, used: pods=3, limited: pods=0$/ }] } })
      },
    },
    {
      name: 'a stateful set goes in order, and leaves those below the partition',
      async run(place) {
        await place.make('apps/v1 statefulsets', workload('set', { serviceName: 'set', replicas: 3, ordinals: { start: 1 }, updateStrategy: { rollingUpdate: { partition: 1 } } }))
        await place.reaches('apps/v1 statefulsets/set', { status: { replicas: 3, readyReplicas: 3, currentReplicas: 3, updatedReplicas: 3 } })
        const pods = await place.items(podsOf('set'))
        place.t.same(pods.map(named).sort(), ['set-1', 'set-2', 'set-3'])
        await place.patch('apps/v1 statefulsets/set', { spec: { template: { metadata: { labels: { version: '2' } } } } })
        await place.reaches('v1 pods/set-2', { metadata: { labels: { version: '2', 'apps.kubernetes.io/pod-index': '2' } }, status: { phase: 'Running' } })
        await place.reaches('apps/v1 statefulsets/set', { status: { updatedReplicas: 2, currentReplicas: 1, readyReplicas: 3 } })
        place.t.equal(((await place.get('v1 pods/set-1')).body.metadata as { labels: Json }).labels.version, undefined)
        await place.patch('apps/v1 statefulsets/set', { spec: { replicas: 1 } })
        await place.goes('v1 pods/set-2')
        await place.tells('StatefulSet Normal SuccessfulCreate Create Pod set-1 in StatefulSet set successful', 'StatefulSet Normal SuccessfulDelete Delete Pod set-3 in StatefulSet set successful')
      },
    },
    {
      name: 'a daemon set has a pod on each node it may be on',
      async run(place) {
        const nodes = ((await place.items('cluster v1 nodes')) as { metadata: { name: string }; spec: { taints?: unknown[] } }[]).filter(({ spec }) => !spec.taints?.length)
        const count = nodes.length
        await place.make('apps/v1 daemonsets', workload('each', {}))
        await place.make('apps/v1 daemonsets', workload('none', {}, template('none', NOWHERE)))
        await place.reaches('apps/v1 daemonsets/each', { status: { desiredNumberScheduled: count, currentNumberScheduled: count, numberReady: count, numberAvailable: count, updatedNumberScheduled: count, numberMisscheduled: 0 } })
        await place.reaches('apps/v1 daemonsets/none', { status: { desiredNumberScheduled: 0, observedGeneration: 1 } })
        await place.patch('apps/v1 daemonsets/each', { spec: { template: { metadata: { labels: { version: '2' } } } } })
        await place.reaches('apps/v1 daemonsets/each', { status: { observedGeneration: 2, updatedNumberScheduled: count, numberAvailable: count } })
        await place.count('apps/v1 controllerrevisions?labelSelector=app=each', 2)
        await place.delete('apps/v1 daemonsets/each', { propagationPolicy: 'Foreground' })
        await place.goes('apps/v1 daemonsets/each')
        await place.count(podsOf('each'), 0)
      },
    },
  ],
} satisfies Family
