/** What may happen to a cluster, each with how often. Refusals are part of it. */
import type { CronJob, Deployment, Job, PersistentVolumeClaim, Pod } from '../../schemas/types.ts'
import type { Answer } from '../helpers/http.ts'
import { nodeActions, healNodes } from './_node-actions.ts'
import { NAMES, NAMESPACES, PRIORITY_CLASS, SETS, autoscaler, cronJob, jobSpec, pathOf, setOf, template } from './_workloads.ts'
import type { World } from './_world.ts'

export interface Action {
  readonly name: string
  readonly weight: number
  /** Nothing else may happen meanwhile. */
  readonly alone?: boolean
  run(world: World): Promise<Answer | void>
}

const BURST = 3
const AT_ONCE_ONE_IN = 5

async function anyOf<T extends { metadata: { name?: string } }>(world: World, path: string): Promise<T | undefined> {
  const found = await world.list<T>(path)
  return found.length > 0 ? world.pick(found) : undefined
}

/** Something that goes when its owner goes, and that its owner may wait for. */
async function makeDependent(world: World): Promise<Answer | void> {
  const namespace = world.pick(NAMESPACES)
  const owner = await anyOf<Deployment>(world, pathOf(namespace, 'deployments'))
  if (!owner) return
  const { name = '', uid = '' } = owner.metadata
  const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'Deployment', name, uid, blockOwnerDeletion: world.random.int(2) === 0 }]
  return world.api.post(pathOf(namespace, 'configmaps'), { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'of-', ownerReferences } })
}

async function withCronJob(world: World): Promise<Answer> {
  const path = pathOf(world.pick(NAMESPACES), 'cronjobs')
  const name = world.pick(NAMES)
  const created = await world.api.post(path, cronJob(name, world))
  return created.status === 409 ? world.api.patch(`${path}/${name}`, { spec: { suspend: false } }) : created
}

async function onAnyPod(world: World, run: (path: string, name: string) => Promise<Answer>): Promise<Answer | void> {
  const path = pathOf(world.pick(NAMESPACES), 'pods')
  const name = (await anyOf<Pod>(world, path))?.metadata.name
  if (name) return run(`${path}/${name}`, name)
}

const actions: readonly Action[] = [
  {
    name: 'create',
    weight: 12,
    run(world) {
      const resource = world.pick(SETS)
      return world.api.post(pathOf(world.pick(NAMESPACES), resource), setOf(resource, world.pick(NAMES), world))
    },
  },
  { name: 'scale', weight: 14, run: (world) => world.api.patch(`${pathOf(world.pick(NAMESPACES), world.pick(['deployments', 'statefulsets']))}/${world.pick(NAMES)}`, { spec: { replicas: world.random.int(8) } }) },
  {
    name: 'change',
    weight: 10,
    run(world) {
      const resource = world.pick(SETS)
      const name = world.pick(NAMES)
      return world.api.patch(`${pathOf(world.pick(NAMESPACES), resource)}/${name}`, { spec: { template: template(`${resource}-${name}`, world) } })
    },
  },
  { name: 'pause', weight: 2, run: (world) => world.api.patch(`${pathOf(world.pick(NAMESPACES), 'deployments')}/${world.pick(NAMES)}`, { spec: { paused: world.random.int(2) === 0 } }) },
  { name: 'delete', weight: 5, run: (world) => world.api.delete(`${pathOf(world.pick(NAMESPACES), world.pick(SETS))}/${world.pick(NAMES)}`, { propagationPolicy: world.pick(['Background', 'Foreground', 'Orphan']) }) },
  { name: 'depend', weight: 3, run: makeDependent },
  {
    name: 'job',
    weight: 5,
    run: (world) => world.api.post(pathOf(world.pick(NAMESPACES), 'jobs'), { apiVersion: 'batch/v1', kind: 'Job', metadata: { generateName: 'j-' }, spec: { ...jobSpec(world), suspend: world.random.int(4) === 0 } }),
  },
  {
    name: 'suspend job',
    weight: 2,
    async run(world) {
      const path = pathOf(world.pick(NAMESPACES), 'jobs')
      const job = await anyOf<Job>(world, path)
      if (job) return world.api.patch(`${path}/${job.metadata.name}`, { spec: { suspend: !job.spec.suspend } })
    },
  },
  {
    name: 'delete job',
    weight: 2,
    async run(world) {
      const path = pathOf(world.pick(NAMESPACES), 'jobs')
      const job = await anyOf<Job>(world, path)
      if (job) return world.api.delete(`${path}/${job.metadata.name}`, { propagationPolicy: world.pick(['Background', 'Foreground', 'Orphan']) })
    },
  },
  { name: 'cron job', weight: 2, run: withCronJob },
  { name: 'autoscale', weight: 2, run: (world) => world.api.post(pathOf(world.pick(NAMESPACES), 'horizontalpodautoscalers'), autoscaler(world.pick(NAMES), world)) },
  { name: 'delete pod', weight: 12, run: (world) => onAnyPod(world, (path) => world.api.delete(path, world.pick([{}, { gracePeriodSeconds: 0 }]))) },
  { name: 'evict', weight: 6, run: (world) => onAnyPod(world, (path, name) => world.api.post(`${path}/eviction`, { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name } })) },
  { name: 'resize', weight: 3, run: (world) => onAnyPod(world, (path) => world.api.patch(`${path}/resize`, { spec: { containers: [{ name: 'c', resources: { requests: { cpu: world.pick(['50m', '100m', '150m']) } } }] } }, { headers: { 'content-type': 'application/strategic-merge-patch+json' } })) },
  {
    name: 'delete claim',
    weight: 2,
    async run(world) {
      const path = pathOf(world.pick(NAMESPACES), 'persistentvolumeclaims')
      const claim = await anyOf<PersistentVolumeClaim>(world, path)
      if (claim) return world.api.delete(`${path}/${claim.metadata.name}`)
    },
  },
  ...nodeActions,
  { name: 'delete namespace', weight: 0.5, run: (world) => world.api.delete('/api/v1/namespaces/b') },
  { name: 'settle in', weight: 2, run: (world) => prepare(world) },
  { name: 'pass', weight: 8, run: (world) => world.pass(world.random.int(4000)) },
  { name: 'restart', weight: 0.7, alone: true, run: (world) => world.restart() },
]

const TOTAL = actions.reduce((sum, { weight }) => sum + weight, 0)

/** What is there in any case; what is there already is refused. */
export async function prepare({ api }: World): Promise<void> {
  await api.post('/apis/scheduling.k8s.io/v1/priorityclasses', { apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name: PRIORITY_CLASS }, value: 1000 })
  for (const name of NAMESPACES) await api.post('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
  const hard = { pods: '9', 'requests.cpu': '1', 'count/deployments.apps': '2', 'count/jobs.batch': '20', persistentvolumeclaims: '6', 'requests.storage': '5Gi', services: '4' }
  await api.post(pathOf('limited', 'resourcequotas'), { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'q' }, spec: { hard } })
  for (const namespace of NAMESPACES) {
    for (const name of ['deployments-x', 'statefulsets-y']) {
      const matchLabels = { app: name }
      await api.post(pathOf(namespace, 'services'), { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { selector: matchLabels, type: name === 'deployments-x' ? 'LoadBalancer' : 'ClusterIP', ports: [{ port: 80 }] } })
      await api.post(pathOf(namespace, 'poddisruptionbudgets'), { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name }, spec: { ...(name === 'deployments-x' ? { minAvailable: 1 } : { maxUnavailable: 1 }), selector: { matchLabels } } })
    }
  }
}

function anyAction(world: World): Action {
  let left = world.random.float() * TOTAL
  const action = actions.find(({ weight }) => (left -= weight) < 0)
  if (!action) throw new Error('no action')
  return action
}

async function run(action: Action, world: World): Promise<void> {
  world.log.push(action.name)
  const answer = await action.run(world)
  if (answer && answer.status >= 500) throw new Error(`${action.name} answered ${answer.status}: ${answer.text}`)
}

/** One thing happens, or several at once. */
export async function act(world: World): Promise<void> {
  const chosen = Array.from({ length: world.random.int(AT_ONCE_ONE_IN) === 0 ? BURST : 1 }, () => anyAction(world))
  await Promise.all(chosen.filter(({ alone }) => !alone).map((action) => run(action, world)))
  const alone = chosen.find((action) => action.alone)
  if (alone) await run(alone, world)
}

/** Ends all that keeps the cluster from being what it is meant to be. */
export async function heal(world: World): Promise<void> {
  await healNodes(world)
  const every = async <T extends { metadata: { namespace?: string; name?: string } }>(resource: string, list: string, change: object) => {
    for (const { metadata } of await world.list<T>(list)) await world.api.patch(`${pathOf(metadata.namespace ?? '', resource)}/${metadata.name}`, { spec: change })
  }
  await every<CronJob>('cronjobs', '/apis/batch/v1/cronjobs', { suspend: true })
  await every<Job>('jobs', '/apis/batch/v1/jobs', { suspend: false })
  await every<Deployment>('deployments', '/apis/apps/v1/deployments', { paused: false })
}
