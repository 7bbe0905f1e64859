/** Nodes and pods by a seed, for comparing decisions: everything the scheduler's plugins look at besides volumes and devices. */
import type { Affinity, Container, LabelSelector, Node, NodeSelectorRequirement, Pod, PodAffinityTerm, Taint, Toleration, TopologySpreadConstraint } from '../../schemas/types.ts'
import type { Random } from '../../src/clock.ts'

const APPS = ['a', 'b', 'c']
const ZONE = 'topology.kubernetes.io/zone'
const HOST = 'kubernetes.io/hostname'
const EFFECTS = ['NoSchedule', 'NoExecute', 'PreferNoSchedule']
/** Made beforehand, with values in this order. */
export const PRIORITIES = ['low', 'mid', 'high']

export class World {
  readonly #random: Random

  constructor(random: Random) {
    this.#random = random
  }

  node(name: string): Node {
    const size = { cpu: this.#pick(['2', '4', '8']), memory: this.#pick(['4Gi', '8Gi', '16Gi']), pods: this.#pick(['3', '10', '110']), ...(this.#chance(0.3) ? { 'example.com/gpu': '2' } : {}) }
    const labels = { [HOST]: name, ...(this.#chance(0.85) ? { [ZONE]: this.#pick(['x', 'y', 'z']) } : {}), ...(this.#chance(0.7) ? { disk: this.#pick(['ssd', 'hdd']) } : {}) }
    return {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name, labels, annotations: { 'orrery.io/kubelet': 'stopped' } },
      spec: { ...(this.#chance(0.35) ? { taints: this.#some(2, (i) => this.#taint(i)) } : {}), ...(this.#chance(0.08) ? { unschedulable: true } : {}) },
      status: { capacity: size, allocatable: size, conditions: [{ type: 'Ready', status: 'True' }], ...(this.#chance(0.5) ? { images: [{ names: ['big:1'], sizeBytes: 900_000_000 }] } : {}) },
    }
  }

  pod(name: string): Pod {
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, labels: { app: this.#pick(APPS) } },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [this.#container()],
        ...(this.#chance(0.15) ? { initContainers: [{ name: 'i', image: 'small:1', resources: { requests: { cpu: '3' } }, ...(this.#chance(0.4) ? { restartPolicy: 'Always' } : {}) }] } : {}),
        ...(this.#chance(0.4) ? { affinity: this.#affinity() } : {}),
        ...(this.#chance(0.2) ? { nodeSelector: { disk: this.#pick(['ssd', 'hdd']) } } : {}),
        ...(this.#chance(0.5) ? { tolerations: this.#some(3, () => this.#toleration()) } : {}),
        ...(this.#chance(0.3) ? { topologySpreadConstraints: [this.#constraint()] } : {}),
        ...(this.#chance(0.4) ? { priorityClassName: this.#pick(PRIORITIES) } : {}),
      },
    }
  }

  #container(): Container {
    const limits: Record<string, string> = this.#chance(0.12) ? { 'example.com/gpu': '1' } : {}
    const requests: Record<string, string> = { ...limits }
    if (this.#chance(0.8)) requests.cpu = this.#pick(['100m', '500m', '1', '2'])
    if (this.#chance(0.7)) requests.memory = this.#pick(['256Mi', '1Gi', '3Gi'])
    const ports = this.#chance(0.12) ? { ports: [{ containerPort: 80, hostPort: this.#pick([80, 8080]) }] } : {}
    return { name: 'c', image: this.#pick(['big:1', 'small:1']), resources: { requests, limits }, ...ports }
  }

  #taint(i: number): Taint {
    return { key: `t${i}${this.#random.int(2)}`, value: this.#pick(['x', 'y']), effect: this.#pick(EFFECTS) }
  }

  #toleration(): Toleration {
    const { key, value, effect } = this.#taint(this.#random.int(2))
    return { key, ...(this.#chance(0.5) ? { operator: 'Exists' } : { operator: 'Equal', value }), ...(this.#chance(0.4) ? { effect } : {}) }
  }

  #selector(): LabelSelector {
    if (this.#chance(0.2)) return { matchExpressions: [{ key: 'app', operator: this.#pick(['In', 'NotIn']), values: [this.#pick(APPS)] }] }
    return { matchLabels: { app: this.#pick(APPS) } }
  }

  #requirement(): NodeSelectorRequirement {
    const key = this.#pick(['disk', ZONE, 'nowhere'])
    const operator = this.#pick(['In', 'NotIn', 'Exists', 'DoesNotExist'])
    return { key, operator, ...(operator.endsWith('In') ? { values: [this.#pick(key === ZONE ? ['x', 'y'] : ['ssd', 'hdd'])] } : {}) }
  }

  #term(): PodAffinityTerm {
    return { topologyKey: this.#pick([HOST, ZONE, 'disk']), labelSelector: this.#selector(), ...(this.#chance(0.15) ? { namespaceSelector: {} } : {}) }
  }

  #affinity(): Affinity {
    const weight = 1 + this.#random.int(100)
    const required = () => (this.#chance(0.5) ? { requiredDuringSchedulingIgnoredDuringExecution: this.#some(2, () => this.#term()) } : {})
    const preferred = () => (this.#chance(0.5) ? { preferredDuringSchedulingIgnoredDuringExecution: [{ weight, podAffinityTerm: this.#term() }] } : {})
    const terms = () => this.#some(2, () => ({ matchExpressions: this.#some(2, () => this.#requirement()) }))
    return {
      ...(this.#chance(0.4) ? { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms() }, preferredDuringSchedulingIgnoredDuringExecution: terms().map((preference) => ({ weight, preference })) } } : {}),
      ...(this.#chance(0.4) ? { podAffinity: { ...required(), ...preferred() } } : {}),
      ...(this.#chance(0.5) ? { podAntiAffinity: { ...required(), ...preferred() } } : {}),
    }
  }

  #constraint(): TopologySpreadConstraint {
    return { maxSkew: 1 + this.#random.int(3), topologyKey: this.#pick([HOST, ZONE, 'disk']), whenUnsatisfiable: this.#pick(['DoNotSchedule', 'ScheduleAnyway']), labelSelector: this.#selector(), ...(this.#chance(0.2) ? { nodeTaintsPolicy: 'Honor' } : {}) }
  }

  #pick<T>(from: readonly T[]): T {
    const picked = from[this.#random.int(from.length)]
    if (picked === undefined) throw new Error('nothing to pick from')
    return picked
  }

  #chance(share: number): boolean {
    return this.#random.float() < share
  }

  #some<T>(most: number, make: (i: number) => T): T[] {
    return Array.from({ length: 1 + this.#random.int(most) }, (_, i) => make(i))
  }
}
