/**
 * Images that users tell of: a file of the host, and ConfigMaps called `orrery-images`, in kube-system for all pods and in any
 * other namespace for those of it. Both may change at any time; what is wrong is told, and the last that was right stays.
 */
import fs from 'node:fs'
import type { ConfigMap } from '../../schemas/types.ts'
import { readText, YamlError } from '../apimachinery/checked-yaml.ts'
import type { ControllerContext } from '../controller/controller.ts'
import { parseImages, type Images } from './images.ts'

export const CONFIG_MAP = 'orrery-images'
const EVERYWHERE = 'kube-system'
const LOOK_MS = 1000

export class ImageConfigMaps {
  readonly #images: Images
  readonly #ctx: ControllerContext
  readonly #unsubscribe: () => void

  constructor(ctx: ControllerContext, images: Images) {
    this.#ctx = ctx
    this.#images = images
    const look = (map: ConfigMap) => this.#look(map)
    this.#unsubscribe = ctx.informers.for<ConfigMap>('v1/ConfigMap').subscribe({ add: look, update: look, delete: (map) => this.#gone(map) })
  }

  close(): void {
    this.#unsubscribe()
  }

  #look(map: ConfigMap): void {
    if (map.metadata.name !== CONFIG_MAP) return
    const { namespace = '' } = map.metadata
    try {
      const images = Object.entries(map.data ?? {}).flatMap(([key, text]) => parseImages(text, key))
      this.#images.use(sourceOf(map), { images, ...(namespace === EVERYWHERE ? {} : { namespace }) })
    } catch (error) {
      if (!(error instanceof YamlError)) throw error
      this.#ctx.log.warn({ configmap: `${namespace}/${CONFIG_MAP}`, problem: error.message }, 'images were not understood')
      this.#ctx.events.event({ ...map, apiVersion: 'v1', kind: 'ConfigMap' }, 'Warning', 'InvalidImages', error.message)
    }
  }

  #gone(map: ConfigMap): void {
    if (map.metadata.name === CONFIG_MAP) this.#images.use(sourceOf(map), undefined)
  }
}

function sourceOf({ metadata }: ConfigMap): string {
  return `ConfigMap ${metadata.namespace}/${metadata.name}`
}

/** A file is read at once, where a mistake is an error, and again whenever it has changed. */
export class ImageFile {
  readonly #file: string

  /** @throws YamlError */
  constructor(file: string, images: Images, failed: (problem: string) => void) {
    this.#file = file
    const read = () => images.use(`file ${file}`, { images: parseImages(readText(file), file) })
    read()
    fs.watchFile(file, { interval: LOOK_MS, persistent: false }, () => {
      try {
        read()
      } catch (error) {
        failed(error instanceof Error ? error.message : String(error))
      }
    })
  }

  close(): void {
    fs.unwatchFile(this.#file)
  }
}
