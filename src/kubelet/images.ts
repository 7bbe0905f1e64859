/**
 * Images are behaviours: a file of images/ says by which references it is known and what a container of it has and does.
 * The first that matches wins, users' own before those that ship; an image nobody knows answers on its declared ports.
 */
import files from 'folder:src/kubelet/images'
import { isRecord } from '../apimachinery/json.ts'
import { fullImageName } from './container-record.ts'
import { Pattern } from './sandbox/shell/pattern.ts'

export interface HttpAnswer {
  /** A pattern: `/`, `/api/*`; all paths unless told. */
  path?: string
  method?: string
  status?: number
  headers?: Readonly<Record<string, string>>
  /** `{{pod.name}}`, `{{node.name}}`, `{{request.path}}` and the like are filled in. */
  body?: string
  /** A directory of the container from which files are answered. */
  root?: string
  delay?: string
}

export interface Server {
  /** The ports that the container declares when absent. */
  port?: number
  http?: readonly HttpAnswer[]
  /** TCP: gives back what it gets. */
  echo?: boolean
  /** TCP: says this to who connects. */
  banner?: string
}

/** What a program does that is no tool of ours. */
export interface Behaviour {
  /** Printed at its start. */
  logs?: readonly string[]
  /** To the standard error. */
  errors?: readonly string[]
  /** Until it listens. */
  startAfter?: string
  serves?: readonly Server[]
  /** A request is noted on standard output in the common log format. */
  accessLog?: boolean
  /** Ends by itself after so long. */
  exitAfter?: string
  exitCode?: number
  /** In a pod that is meant to end (of a Job, an init container) it ends with 0 at once. */
  completes?: boolean
  cpu?: string
  memory?: string
  memoryGrowth?: string
}

export interface Image {
  name: string
  match: readonly string[]
  /** Patterns of the tags there are; without them every tag exists. */
  tags?: readonly string[]
  entrypoint: readonly string[]
  command: readonly string[]
  env: Readonly<Record<string, string>>
  workingDir: string
  user: string
  /** Which tools it brings: all of busybox, or none. */
  tools: 'busybox' | 'none'
  /** More programs by path: a tool of that name, or a behaviour. */
  programs: Readonly<Record<string, string | Behaviour>>
  files: Readonly<Record<string, string>>
  /** Programs that run as their owner, root. */
  setuid: readonly string[]
  ports: readonly number[]
  pull: { after?: string; failure?: string }
  sizeBytes?: number
}

/** The name of the image that stands for all that no file tells of. */
export const UNKNOWN_IMAGE = 'unknown'

const DEFAULTS: Omit<Image, 'name' | 'match'> = { entrypoint: [], command: [], env: {}, workingDir: '/', user: '0', tools: 'busybox', programs: {}, files: {}, setuid: [], ports: [], pull: {} }

export class Images {
  #own: readonly Image[] = []
  readonly #shipped: readonly Image[]
  readonly #known = new Map<string, Image>()

  constructor(contents: readonly unknown[] = files) {
    this.#shipped = contents.flatMap((c) => parseImages(c))
  }

  /** The images that users describe. @throws Error naming what is wrong */
  use(contents: readonly unknown[]): void {
    this.#own = contents.flatMap((c) => parseImages(c))
    this.#known.clear()
  }

  find(reference: string): Image {
    const known = this.#known.get(reference)
    if (known) return known
    const { repository } = splitReference(reference)
    const found = [...this.#own, ...this.#shipped].find((image) => image.match.some((m) => new Pattern(m).matches(repository)))
    const image = found ?? { ...DEFAULTS, name: UNKNOWN_IMAGE, match: [], ...UNKNOWN }
    if (this.#known.size >= 10_000) this.#known.clear()
    this.#known.set(reference, image)
    return image
  }

  /** Why it cannot be pulled, in containerd's words. */
  pullFailure(reference: string): string | undefined {
    const image = this.find(reference)
    const full = fullImageName(reference)
    const failed = (why: string) => `failed to pull and unpack image "${full}": failed to resolve reference "${full}": ${why}`
    if (image.pull.failure !== undefined) return failed(image.pull.failure.replaceAll('{{image}}', full))
    const { tag } = splitReference(reference)
    if (tag === undefined || !image.tags || image.tags.some((t) => new Pattern(t).matches(tag))) return undefined
    return `rpc error: code = NotFound desc = ${failed(`${full}: not found`)}`
  }
}

const UNKNOWN = { entrypoint: ['/entrypoint'], programs: { '/entrypoint': { serves: [{ http: [{}] }], completes: true } } }

/** `docker.io/library/nginx` and `1.27` of `nginx:1.27`; no tag for what is named by its digest. */
export function splitReference(reference: string): { repository: string; tag?: string } {
  const full = fullImageName(reference)
  const [name = '', digest] = full.split('@')
  const colon = name.lastIndexOf(':')
  const hasTag = colon > name.lastIndexOf('/')
  const repository = hasTag ? name.slice(0, colon) : name
  return digest !== undefined ? { repository } : { repository, tag: hasTag ? name.slice(colon + 1) : 'latest' }
}

const KEYS = new Set(['name', 'match', 'tags', ...Object.keys(DEFAULTS), 'sizeBytes'])

/** One image, or a list of them. */
export function parseImages(content: unknown): Image[] {
  if (Array.isArray(content)) return content.flatMap((c) => parseImages(c))
  if (!isRecord(content) || typeof content.name !== 'string' || !Array.isArray(content.match)) throw new Error('an image needs name and match')
  const unknown = Object.keys(content).find((key) => !KEYS.has(key))
  if (unknown !== undefined) throw new Error(`image ${content.name}: unknown key ${unknown}`)
  return [{ ...DEFAULTS, ...(content as Partial<Image>), name: content.name, match: content.match.map(String) }]
}
