/**
 * The kubelets of all virtual nodes, in one loop: every Node object there is, configured or created by a client, comes
 * alive, and pods bound to it run. Models cmd/kubelet and pkg/kubelet, seen from the API.
 */
import type { ConfigMap, PersistentVolume, PersistentVolumeClaim, Pod, RuntimeClass, Secret, Service, ServiceAccountTokenProjection, TokenRequest } from '../../schemas/types.ts'
import { defineLoop, type ControllerContext, type LoopDefinition } from '../controller/controller.ts'
import type { Network } from '../network/network.ts'
import type { UsageSource } from '../registry/usage.ts'
import type { NodeApi } from '../streaming/node-api.ts'
import { ContainerLogs } from './container-logs.ts'
import { DiskReclaimer } from './disks/disk-reclaimer.ts'
import { Disks } from './disks/disks.ts'
import { nodeDisk, resolveHostPath } from './disks/places.ts'
import type { Surroundings } from './execution.ts'
import { ImageGC } from './image-gc.ts'
import { ImageConfigMaps } from './image-sources.ts'
import { Images } from './images.ts'
import { EvictionManager } from './eviction-manager.ts'
import { NodeKeeper, type KeptNode, type NodeListener } from './node-keeper.ts'
import { NodeServer, type Served } from './node-server.ts'
import type { References } from './pod-needs.ts'
import { diskOf } from './pod-usage.ts'
import { PodVolumes } from './pod-volumes.ts'
import { PodWorkers } from './pod-workers.ts'
import { rootfs } from './rootfs.ts'
import type { Runtime } from './runtimes/runtime.ts'
import { HostRuntime } from './runtimes/host.ts'
import { ShellRuntime } from './runtimes/shell.ts'
import { StagesRuntime } from './runtimes/stages.ts'
import type { DirNode } from './sandbox/nodes.ts'
import { StaticPods } from './static-pods.ts'
import { annotated, RUNTIME_ANNOTATION, RUNTIMES } from './stage-annotations.ts'
import { Stages, type ToldStage } from './stages.ts'
import { UsageMeter } from './usage-meter.ts'
import { VolumeRefresher } from './volume-refresher.ts'

export interface Kubelet {
  loop: LoopDefinition
  /** What the API server asks of nodes. */
  node: NodeApi
  /** What containers use that are measured. */
  usage: UsageSource
}

export interface KubeletOptions {
  network: Network
  images?: Images
  /** What lies on nodes and volumes; it ends with the process unless given. */
  disks?: Disks
  /** Folders with manifests of static pods, by node. */
  staticPods?: ReadonlyMap<string, string>
  /** What becomes of pods that run nothing, over what ships. */
  stages?: readonly ToldStage[]
  /** Containers may run as processes of this machine, where a pod or a node asks for it. */
  runsOnHost?: boolean
}

export function createKubelet({ network, images = new Images(), disks = new Disks(), stages: ownStages = [], runsOnHost = false, staticPods = new Map() }: KubeletOptions): Kubelet {
  const node = new NodeServer(network)
  let meter: UsageMeter | undefined
  const loop = defineLoop({
    name: 'kubelet',
    user: 'system:node:orrery',
    component: 'kubelet',
    start(ctx) {
      const { clock, random, log } = ctx
      const stages = new Stages(ownStages)
      const staged = new StagesRuntime(stages, clock)
      const host = new HostRuntime({ clock, network, isEnabled: runsOnHost })
      const shell = new ShellRuntime({ clock, random, network, failed: (error) => log.error({ err: error }, 'a program in a container failed') })
      const surroundings = surroundingsOf(ctx, { network, images, disks, nodeOf: (name) => nodes.get(name), cgroups: (name) => pods.cgroupsOf(name) })
      const { refs } = surroundings
      const statics = new StaticPods({ ctx, dirs: staticPods, nodeOf: (name) => nodes.get(name), remove: (pod) => pods.remove(pod) })
      const pods: PodWorkers = new PodWorkers({ ctx, nodeOf: (name) => nodes.get(name), runtimeFor: (pod, kept) => runtimeFor(pod, kept, { shell, stages: staged, host }), refs, surroundings, statics })
      const listener: NodeListener = {
        began(name) {
          pods.began(name)
          if (staticPods.has(name)) statics.look()
        },
        ended: (name) => pods.ended(name),
      }
      const nodes: NodeKeeper = new NodeKeeper(ctx, stages, listener)
      const reclaimer = new DiskReclaimer(ctx.informers, disks)
      const nodesInFull = () => [...nodes.all()].filter((kept) => kept.inFull)
      const imageGC = new ImageGC({ ctx, nodes: nodesInFull, podsOf: (name) => pods.podsOf(name), diskBytes: (name) => pods.usages(name).reduce((sum, usage) => sum + diskOf(usage), 0), changed: ({ name }) => nodes.sync(name) })
      const evictions = new EvictionManager({ ctx, nodes: nodesInFull, freeImages: (kept) => imageGC.freeUnused(kept), usages: (name) => pods.usages(name), evict: ({ pod }, eviction) => pods.evict(pod, eviction), changed: ({ name }) => nodes.sync(name) })
      const ofContainers = new UsageMeter(clock, (pod) => pods.workerOf(pod))
      meter = ofContainers
      const refresher = new VolumeRefresher(ctx.informers, surroundings.volumes)
      const imageMaps = new ImageConfigMaps(ctx, images)
      node.attachTo({ workerOf: (pod) => pods.workerOf(pod), logOf: (pod, container, wanted) => surroundings.logs.get(statics.view(pod).metadata.uid ?? '', container, wanted), view: (name) => viewOf(nodes.get(name), { pods, meter: ofContainers, nowMs: clock.now() }) })
      pods.start()
      nodes.start()
      statics.start()
      return {
        close() {
          imageMaps.close()
          evictions.close()
          imageGC.close()
          statics.close()
          refresher.close()
          reclaimer.close()
          nodes.close()
          pods.close()
        },
      }
    },
  })
  return { loop, node, usage: (pod, container) => meter?.read(pod, container) }
}

/** Of a node's own processes: the same that metrics of nodes tell. */
const OVERHEAD = { milliCPU: 50, memoryBytes: 300 * 1024 * 1024 }

function viewOf(kept: KeptNode | undefined, { pods, meter, nowMs }: { pods: PodWorkers; meter: UsageMeter; nowMs: number }): ReturnType<Served['view']> {
  if (!kept) return undefined
  const { node, name, counters, startedMs, images } = kept
  const view = { node, counters, startedMs, nowMs, overhead: OVERHEAD, imageBytes: images.bytes, pods: pods.podsOf(name), usages: pods.usages(name) }
  return { view, version: node.status?.nodeInfo?.kubeletVersion ?? '', nanoCores: ({ pod }, container) => (meter.read(pod, { name: container })?.milliCPU ?? 0) * 1e6 }
}

/** Told by the pod, else by its node; our own nodes interpret, those that clients make play outcomes, as what a pod's annotations foretell. */
function runtimeFor(pod: Pod, { node, inFull }: KeptNode, runtimes: Readonly<Record<(typeof RUNTIMES)[number], Runtime>>): Runtime {
  const wanted = pod.metadata.annotations?.[RUNTIME_ANNOTATION] ?? (annotated(pod) ? 'stages' : node.metadata.annotations?.[RUNTIME_ANNOTATION])
  const own = inFull ? runtimes.shell : runtimes.stages
  // Of one that is unknown its owner is told.
  const known = RUNTIMES.find((runtime) => runtime === wanted)
  return known ? runtimes[known] : own
}

function surroundingsOf(ctx: ControllerContext, { network, images, disks, nodeOf, cgroups }: { network: Network; images: Images; disks: Disks; nodeOf(name: string): KeptNode | undefined; cgroups(nodeName: string): DirNode }): Surroundings {
  const { informers, clock, random, settings } = ctx
  const configMaps = informers.lister<ConfigMap>('v1/ConfigMap')
  const secrets = informers.lister<Secret>('v1/Secret')
  const claims = informers.lister<PersistentVolumeClaim>('v1/PersistentVolumeClaim')
  const volumes = informers.lister<PersistentVolume>('v1/PersistentVolume')
  const runtimeClasses = informers.lister<RuntimeClass>('node.k8s.io/v1/RuntimeClass')
  const refs: References = { configMap: (ns, n) => configMaps.get(ns, n), secret: (ns, n) => secrets.get(ns, n), claim: (ns, n) => claims.get(ns, n), runtimeHandler: (name) => runtimeClasses.get('', name)?.handler, hostPathProblem: (nodeName, source) => resolveHostPath(nodeDisk(disks, nodeName, clock.now()), source, () => clock.now()).problem }
  const podVolumes = new PodVolumes({
    refs,
    clock,
    random,
    disks,
    cgroups,
    imageRoot: (reference, namespace) => rootfs(images.find(reference, namespace)),
    volumeOf: ({ spec }) => volumes.get('', spec.volumeName ?? ''),
    token: (pod, request) => tokenFor(pod, request, nodeOf(pod.spec.nodeName ?? '')),
  })
  return { clock, refs, services: informers.lister<Service>('v1/Service'), volumes: podVolumes, logs: new ContainerLogs(clock), images, network, nameserver: settings.clusterDNS }
}

async function tokenFor({ metadata, spec }: Pod, { audience, expirationSeconds }: ServiceAccountTokenProjection, node: KeptNode | undefined): Promise<string> {
  const { namespace, name = '', uid } = metadata
  const request: TokenRequest = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    metadata: { namespace, name: spec.serviceAccountName ?? 'default' },
    spec: { audiences: audience ? [audience] : [], expirationSeconds: expirationSeconds ?? 3600, boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid } },
  }
  const made = await node?.client.create(request, { subresource: 'token' })
  return made?.status?.token ?? ''
}
