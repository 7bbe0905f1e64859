/**
 * Images are behaviours: a file of images/ says by which references it is known and what a container of it has and does.
 * The first that matches wins, users' own before those that ship; an image nobody knows answers on its declared ports.
 */
import files from 'folder:src/kubelet/images'
import { parseChecked } from '../apimachinery/checked-yaml.ts'
import { fullImageName } from './container-record.ts'
import { imageComplaint, imagesSchema } from './image-schema.ts'
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
  /** Without `http`; TCP unless told. */
  protocol?: 'TCP' | 'UDP' | 'SCTP'
}

/** A line that is printed: at the start, or after a while, once or again and again. */
export type LogLine = string | { line: string; after?: string; every?: string }

/** What is used of something: all the time, for each request, over time. */
export interface Use {
  base?: string | number
  /** Of memory a quantity, of processors the time that one request takes. */
  perRequest?: string | number
  perSecond?: string | number
  /** From so long after its start on, instead of `base`. */
  curve?: readonly { after: string; use: string | number }[]
}

/** What a program does that is no tool of ours. */
export interface Behaviour {
  logs?: readonly LogLine[]
  /** To the standard error. */
  errors?: readonly LogLine[]
  /** Until it listens. */
  startAfter?: string
  serves?: readonly Server[]
  /** A request is noted on standard output in the common log format. */
  accessLog?: boolean
  /** Ends by itself after so long. */
  exitAfter?: string
  exitCode?: number
  /** How long it takes to end when it is asked to. */
  stopAfter?: string
  /** In a pod that is meant to end (of a Job, an init container) it ends with 0 at once. */
  completes?: boolean
  cpu?: string | number | Use
  memory?: string | number | Use
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
  /** The directory that all of them are in; where a distribution has them unless told. */
  toolsIn?: string
  /** More programs by path: a tool of that name, or a behaviour. */
  programs: Readonly<Record<string, string | Behaviour>>
  files: Readonly<Record<string, string>>
  /** Programs that run as their owner, root. */
  setuid: readonly string[]
  ports: readonly number[]
  pull: Pull
  sizeBytes?: number
  /** The program that runs for a command which is not there: nobody told all that is in the image. */
  fallback?: string
}

export interface Pull {
  after?: string
  /** Why it fails, in the registry's words. */
  failure?: string
  /** How often it fails before it succeeds; always unless told. */
  failures?: number
  /** Only who shows credentials for its registry gets it. */
  private?: boolean
}

/** The name of the image that stands for all that no file tells of. */
export const UNKNOWN_IMAGE = 'unknown'

const DEFAULTS: Omit<Image, 'name' | 'match'> = { entrypoint: [], command: [], env: {}, workingDir: '/', user: '0', tools: 'busybox', programs: {}, files: {}, setuid: [], ports: [], pull: {} }

/** Where images are told of: a file, a ConfigMap. Those of a namespace are for its pods alone. */
export interface ImageSource {
  namespace?: string
  images: readonly Image[]
}

export class Images {
  readonly #sources = new Map<string, ImageSource>()
  readonly #shipped: readonly Image[]
  /** By namespace and reference. */
  readonly #known = new Map<string, Image>()

  constructor(contents: readonly unknown[] = files) {
    this.#shipped = contents.flatMap((c) => readImages(c))
  }

  /** What a source says from now on; undefined when it is gone. */
  use(source: string, told: ImageSource | undefined): void {
    if (told) this.#sources.set(source, told)
    else this.#sources.delete(source)
    this.#known.clear()
  }

  find(reference: string, namespace = ''): Image {
    const key = `${namespace} ${reference}`
    const known = this.#known.get(key)
    if (known) return known
    const parts = splitReference(reference)
    const told = [...this.#sources.values()].filter((s) => s.namespace === undefined || s.namespace === namespace)
    const own = [...told.filter((s) => s.namespace !== undefined), ...told.filter((s) => s.namespace === undefined)].flatMap((s) => s.images)
    const found = [...own, ...this.#shipped].find((image) => image.match.some((m) => matchesReference(m, parts)))
    const image = found ?? { ...DEFAULTS, name: UNKNOWN_IMAGE, match: [], ...UNKNOWN }
    if (this.#known.size >= MAX_KNOWN) this.#known.clear()
    this.#known.set(key, image)
    return image
  }
}

const MAX_KNOWN = 10_000
const UNKNOWN = { entrypoint: ['/entrypoint'], fallback: '/entrypoint', programs: { '/entrypoint': { serves: [{ http: [{}] }], completes: true } } }

/** Why an image cannot be pulled, in containerd's words. */
export function pullFailure(reference: string, { pull, tags }: Image, { attempts = 0, isKnown = false }: { attempts?: number; isKnown?: boolean } = {}): string | undefined {
  const full = fullImageName(reference)
  const failed = (why: string) => `failed to pull and unpack image "${full}": failed to resolve reference "${full}": ${why}`
  if (pull.failure !== undefined && attempts < (pull.failures ?? Infinity)) return failed(pull.failure.replaceAll('{{image}}', full))
  if (pull.private && !isKnown) return failed('pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed')
  const { tag } = splitReference(reference)
  if (tag === undefined || !tags || tags.some((t) => new Pattern(t).matches(tag))) return undefined
  return `rpc error: code = NotFound desc = ${failed(`${full}: not found`)}`
}

/** A pattern of repositories, with `:TAG` or `@DIGEST` of those alone. */
function matchesReference(pattern: string, { repository, tag, digest }: Reference): boolean {
  const [name = '', wantedDigest] = pattern.split('@')
  const colon = name.lastIndexOf(':')
  const hasTag = colon > name.lastIndexOf('/')
  if (wantedDigest !== undefined && !(digest !== undefined && new Pattern(wantedDigest).matches(digest))) return false
  if (hasTag && !(tag !== undefined && new Pattern(name.slice(colon + 1)).matches(tag))) return false
  const wanted = hasTag ? name.slice(0, colon) : name
  return new Pattern(wanted).matches(repository) || new Pattern(withRegistry(wanted)).matches(repository)
}

/** As references are written in short: `nginx` is docker.io/library/nginx. */
function withRegistry(name: string): string {
  const [first = '', ...rest] = name.split('/')
  if (rest.length === 0) return `docker.io/library/${name}`
  return /[.:*]/.test(first) || first === 'localhost' ? name : `docker.io/${name}`
}

interface Reference {
  repository: string
  tag?: string
  digest?: string
}

/** `docker.io/library/nginx` and `1.27` of `nginx:1.27`; no tag for what is named by its digest. */
export function splitReference(reference: string): Reference {
  const full = fullImageName(reference)
  const [name = '', digest] = full.split('@')
  const colon = name.lastIndexOf(':')
  const hasTag = colon > name.lastIndexOf('/')
  const repository = hasTag ? name.slice(0, colon) : name
  return digest !== undefined ? { repository, digest } : { repository, tag: hasTag ? name.slice(colon + 1) : 'latest' }
}

const DOES = '/entrypoint'

/** One image, or a list of them, of the shape of image-schema.ts. */
export function readImages(content: unknown): Image[] {
  if (Array.isArray(content)) return content.flatMap((c) => readImages(c))
  const { does, ...told } = content as Partial<Image> & Pick<Image, 'name' | 'match'> & { does?: Behaviour }
  const whole: Image = { ...DEFAULTS, ...told }
  if (!does) return [whole]
  return [{ ...whole, entrypoint: told.entrypoint ?? [DOES], fallback: DOES, programs: { ...whole.programs, [DOES]: does } }]
}

/** The images of a text. @throws YamlError telling where the first mistake is */
export function parseImages(text: string, file: string): Image[] {
  const value = parseChecked(text, { file, schema: imagesSchema, what: 'a list of images', check: imageComplaint })
  return readImages(value)
}
