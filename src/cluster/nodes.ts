/** The virtual nodes' kubelets, with what they are told: images, stages, static pods, and the disks that keep files of volumes. */
import path from 'node:path'
import { readText } from '../apimachinery/checked-yaml.ts'
import { Disks } from '../kubelet/disks/disks.ts'
import { ImageFile } from '../kubelet/image-sources.ts'
import { Images } from '../kubelet/images.ts'
import { createKubelet, type Kubelet } from '../kubelet/kubelet.ts'
import { parseStages } from '../kubelet/stages.ts'
import { Blobs } from '../storage/blobs.ts'
import type { Logger } from 'pino'
import type { ClusterNetwork } from '../network/cluster-network.ts'
import type { ClusterOptions } from './options.ts'

interface NodeParts {
  network: ClusterNetwork
  log: Logger
  /** Gets what is to be closed in the end. */
  opened: { close(): void | Promise<void> }[]
}

/** Rejects with an Error of one clear line when a file of images or stages is wrong. */
export async function openKubelet(options: ClusterOptions, { network, log, opened }: NodeParts): Promise<Kubelet> {
  const disks = await Disks.open({ store: options.dataDir ? new Blobs(path.join(options.dataDir, 'volumes')) : undefined, failed: (error) => log.error({ err: error }, 'files of volumes were not written') })
  opened.push(disks)
  const images = new Images()
  if (options.images) opened.push(new ImageFile(options.images, images, (problem) => log.warn({ file: options.images, problem }, 'images were not understood')))
  const stages = options.stages ? parseStages(readText(options.stages), options.stages) : []
  const staticPods = new Map(options.nodes.flatMap(({ name, staticPods: dir }): [string, string][] => (dir === undefined ? [] : [[name, dir]])))
  return createKubelet({ network, images, stages, disks, runsOnHost: options.runsOnHost ?? false, staticPods })
}
