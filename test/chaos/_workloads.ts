/** What the clusters of the chaos test are given: each kind in the variants that controllers treat differently. */
import type { World } from './_world.ts'

export const NAMESPACES = ['a', 'b', 'limited']
export const NAMES = ['x', 'y', 'z']
export const SETS = ['deployments', 'statefulsets', 'daemonsets']
export const PRIORITY_CLASS = 'high'

const GROUPS: Readonly<Record<string, string>> = {
  deployments: 'apis/apps/v1',
  statefulsets: 'apis/apps/v1',
  daemonsets: 'apis/apps/v1',
  jobs: 'apis/batch/v1',
  cronjobs: 'apis/batch/v1',
  poddisruptionbudgets: 'apis/policy/v1',
  horizontalpodautoscalers: 'apis/autoscaling/v2',
}

export const pathOf = (namespace: string, resource: string) => `/${GROUPS[resource] ?? 'api/v1'}/namespaces/${namespace}/${resource}`

const storage = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } }

export function template(app: string, world: World, more: object = {}): object {
  const version = world.random.int(5)
  const resources = { requests: { cpu: '100m', memory: '64Mi' } }
  const priority = world.random.int(6) === 0 ? { priorityClassName: PRIORITY_CLASS } : {}
  return {
    metadata: { labels: { app } },
    spec: { terminationGracePeriodSeconds: version % 3, containers: [{ name: 'c', image: `app:${version}`, resources }], ...priority, ...more },
  }
}

/** Volumes that come and go with their pods. */
const ephemeral = { volumes: [{ name: 'e', ephemeral: { volumeClaimTemplate: { spec: storage } } }] }

export function setOf(resource: string, name: string, world: World): object {
  const app = `${resource}-${name}`
  const selector = { matchLabels: { app } }
  const replicas = world.random.int(6)
  const about = { apiVersion: 'apps/v1', metadata: { name } }
  if (resource === 'deployments') {
    const strategy = world.pick([{ rollingUpdate: { maxSurge: 1, maxUnavailable: world.random.int(2) } }, { rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } }, { type: 'Recreate' }])
    return { ...about, kind: 'Deployment', spec: { selector, replicas, strategy, revisionHistoryLimit: 2, template: template(app, world, world.random.int(5) === 0 ? ephemeral : {}) } }
  }
  if (resource === 'statefulsets') {
    // By its name: one with claims can do nothing with orphans that have none.
    const claims = name !== 'x' ? { volumeClaimTemplates: [{ metadata: { name: 'd' }, spec: storage }] } : {}
    const retention = { persistentVolumeClaimRetentionPolicy: { whenDeleted: world.pick(['Retain', 'Delete']), whenScaled: world.pick(['Retain', 'Delete']) } }
    return { ...about, kind: 'StatefulSet', spec: { selector, replicas, serviceName: name, podManagementPolicy: world.pick(['Parallel', 'OrderedReady']), template: template(app, world), ...claims, ...retention } }
  }
  return { ...about, kind: 'DaemonSet', spec: { selector, template: template(app, world), updateStrategy: { rollingUpdate: world.pick([{ maxSurge: 1, maxUnavailable: 0 }, { maxUnavailable: 1 }]) } } }
}

export function jobSpec(world: World): object {
  const completions = 1 + world.random.int(4)
  const fails = world.random.int(4) === 0
  const command = ['sh', '-c', fails ? 'exit 3' : 'exit 0']
  const rules = [{ action: 'FailJob', onExitCodes: { operator: 'In', values: [3] } }]
  return {
    completions,
    parallelism: 1 + world.random.int(4),
    completionMode: world.pick(['Indexed', 'NonIndexed']),
    backoffLimit: world.random.int(2),
    ...world.pick([{}, {}, { ttlSecondsAfterFinished: world.random.int(20) }]),
    ...world.pick([{}, {}, { podFailurePolicy: { rules } }]),
    ...world.pick([{}, { podReplacementPolicy: 'Failed' }]),
    template: template('job', world, { restartPolicy: 'Never', containers: [{ name: 'c', image: 'busybox', command, resources: { requests: { cpu: '100m' } } }] }),
  }
}

export function cronJob(name: string, world: World): object {
  return {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name },
    spec: {
      schedule: '* * * * *',
      concurrencyPolicy: world.pick(['Allow', 'Forbid', 'Replace']),
      successfulJobsHistoryLimit: world.random.int(3),
      failedJobsHistoryLimit: world.random.int(3),
      jobTemplate: { spec: jobSpec(world) },
    },
  }
}

export function autoscaler(name: string, world: World): object {
  const kind = world.pick(['Deployment', 'StatefulSet'])
  const minReplicas = 1 + world.random.int(2)
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: `${kind.toLowerCase()}-${name}` },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind, name },
      minReplicas,
      maxReplicas: minReplicas + world.random.int(4),
      behavior: { scaleDown: { stabilizationWindowSeconds: 0 } },
      metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } }],
    },
  }
}
