/** What may happen to a cluster, each with how often. Refusals are part of it. */
import type { Pod } from '../../schemas/types.ts'
import type { Answer } from '../helpers/http.ts'
import { NODES, type World } from './_world.ts'

const NAMESPACES = ['a', 'b', 'limited']
const NAMES = ['x', 'y', 'z']
const APPS = '/apis/apps/v1'
const WORKLOADS = ['deployments', 'statefulsets', 'daemonsets']

const pathOf = (namespace: string, resource: string) => `${resource === 'jobs' ? '/apis/batch/v1' : resource === 'pods' ? '/api/v1' : APPS}/namespaces/${namespace}/${resource}`

function template(app: string, version: number, more: object = {}): object {
  return {
    metadata: { labels: { app } },
    spec: { terminationGracePeriodSeconds: version % 3, containers: [{ name: 'c', image: `app:${version}`, resources: { requests: { cpu: '100m', memory: '64Mi' } } }], ...more },
  }
}

function workload(resource: string, name: string, world: World): object {
  const app = `${resource}-${name}`
  const spec = { selector: { matchLabels: { app } }, template: template(app, world.random.int(5)) }
  const replicas = world.random.int(6)
  const strategy = { rollingUpdate: { maxSurge: world.random.int(2), maxUnavailable: 1 } }
  if (resource === 'deployments') return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name }, spec: { ...spec, replicas, strategy, revisionHistoryLimit: 2 } }
  if (resource === 'statefulsets') return { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name }, spec: { ...spec, replicas, serviceName: name, podManagementPolicy: world.pick(['Parallel', 'OrderedReady']) } }
  return { apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { name }, spec }
}

const anyPod = async (world: World, namespace: string): Promise<string | undefined> => {
  const pods = await world.list<Pod>(pathOf(namespace, 'pods'))
  return pods.length > 0 ? world.pick(pods).metadata.name : undefined
}

const actions: readonly { name: string; weight: number; run(world: World): Promise<Answer | void> }[] = [
  {
    name: 'create',
    weight: 12,
    run(world) {
      const resource = world.pick(WORKLOADS)
      return world.api.post(pathOf(world.pick(NAMESPACES), resource), workload(resource, world.pick(NAMES), world))
    },
  },
  { name: 'scale', weight: 14, run: (world) => world.api.patch(`${pathOf(world.pick(NAMESPACES), world.pick(['deployments', 'statefulsets']))}/${world.pick(NAMES)}`, { spec: { replicas: world.random.int(8) } }) },
  {
    name: 'change',
    weight: 10,
    run(world) {
      const resource = world.pick(WORKLOADS)
      const name = world.pick(NAMES)
      return world.api.patch(`${pathOf(world.pick(NAMESPACES), resource)}/${name}`, { spec: { template: template(`${resource}-${name}`, world.random.int(5)) } })
    },
  },
  { name: 'delete', weight: 5, run: (world) => world.api.delete(`${pathOf(world.pick(NAMESPACES), world.pick(WORKLOADS))}/${world.pick(NAMES)}`, { propagationPolicy: world.pick(['Background', 'Foreground']) }) },
  {
    name: 'job',
    weight: 5,
    run: (world) => {
      const completions = 1 + world.random.int(4)
      const spec = { completions, parallelism: 1 + world.random.int(4), completionMode: world.pick(['Indexed', 'NonIndexed']), template: template('job', world.random.int(5), { restartPolicy: 'Never' }) }
      return world.api.post(pathOf(world.pick(NAMESPACES), 'jobs'), { apiVersion: 'batch/v1', kind: 'Job', metadata: { generateName: 'j-' }, spec })
    },
  },
  {
    name: 'delete pod',
    weight: 12,
    async run(world) {
      const namespace = world.pick(NAMESPACES)
      const name = await anyPod(world, namespace)
      if (name) return world.api.delete(`${pathOf(namespace, 'pods')}/${name}`, world.pick([{}, { gracePeriodSeconds: 0 }]))
    },
  },
  {
    name: 'evict',
    weight: 5,
    async run(world) {
      const namespace = world.pick(NAMESPACES)
      const name = await anyPod(world, namespace)
      if (name) return world.api.post(`${pathOf(namespace, 'pods')}/${name}/eviction`, { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name } })
    },
  },
  { name: 'lose node', weight: 2, run: (world) => world.api.delete(`/api/v1/nodes/${world.pick(NODES)}`) },
  { name: 'gain node', weight: 5, run: (world) => world.api.post('/api/v1/nodes', node(world, world.pick(NODES))) },
  { name: 'cordon', weight: 2, run: (world) => world.api.patch(`/api/v1/nodes/${world.pick(NODES)}`, { spec: { unschedulable: true } }) },
  { name: 'taint', weight: 2, run: (world) => world.api.patch(`/api/v1/nodes/${world.pick(NODES)}`, { spec: { taints: [{ key: 'chaos', effect: 'NoExecute' }] } }) },
  { name: 'heal node', weight: 5, run: (world) => healNode(world, world.pick(NODES)) },
  { name: 'delete namespace', weight: 0.5, run: (world) => world.api.delete('/api/v1/namespaces/b') },
  { name: 'settle in', weight: 2, run: (world) => prepare(world) },
  { name: 'pass', weight: 8, run: (world) => world.pass(world.random.int(4000)) },
  {
    name: 'restart',
    weight: 0.7,
    async run(world) {
      await world.stop()
      await world.start()
    },
  },
]

function node({ capacity }: World, name: string): object {
  return { apiVersion: 'v1', kind: 'Node', metadata: { name }, status: { capacity, allocatable: capacity } }
}

function healNode(world: World, name: string): Promise<Answer> {
  return world.api.patch(`/api/v1/nodes/${name}`, { spec: { unschedulable: null, taints: null } })
}

/** What is there in any case; what is there already is refused. */
export async function prepare({ api }: World): Promise<void> {
  for (const name of NAMESPACES) await api.post('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
  await api.post('/api/v1/namespaces/limited/resourcequotas', { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'q' }, spec: { hard: { pods: '9', 'requests.cpu': '1', 'count/deployments.apps': '2' } } })
  for (const namespace of NAMESPACES) {
    const about = (kind: string, apiVersion: string) => ({ apiVersion, kind, metadata: { name: 'x' } })
    await api.post(`/api/v1/namespaces/${namespace}/services`, { ...about('Service', 'v1'), spec: { selector: { app: 'deployments-x' }, ports: [{ port: 80 }] } })
    await api.post(`/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`, { ...about('PodDisruptionBudget', 'policy/v1'), spec: { minAvailable: 1, selector: { matchLabels: { app: 'deployments-x' } } } })
  }
}

export async function act(world: World): Promise<void> {
  const total = actions.reduce((sum, { weight }) => sum + weight, 0)
  let left = world.random.float() * total
  const action = actions.find(({ weight }) => (left -= weight) < 0) ?? actions[0]
  if (!action) return
  world.log.push(action.name)
  const answer = await action.run(world)
  if (answer && answer.status >= 500) throw new Error(`${action.name} answered ${answer.status}: ${answer.text}`)
}

/** Ends all that keeps the cluster from being what it is meant to be. */
export async function heal(world: World): Promise<void> {
  for (const name of NODES) {
    await world.api.post('/api/v1/nodes', node(world, name))
    await healNode(world, name)
  }
}
