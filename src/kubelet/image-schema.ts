/** What may stand in a file of images, as a JSON schema, and what a schema cannot say of it. */
import { parseDuration } from '../apimachinery/go-duration.ts'
import { isRecord } from '../apimachinery/json.ts'
import { isQuantity } from '../apimachinery/quantity.ts'
import { pathText, type Complaint } from '../apimachinery/checked-yaml.ts'

const text = { type: 'string' }
const name = { type: 'string', minLength: 1 }
const words = { type: 'array', items: text }
const texts = { type: 'object', additionalProperties: text }
const port = { type: 'integer', minimum: 1, maximum: 65535 }
const quantity = { type: ['string', 'number'] }

const closed = (properties: Readonly<Record<string, object>>, more: object = {}) => ({ type: 'object', additionalProperties: false, properties, ...more })

const httpAnswer = closed({ path: name, method: name, status: { type: 'integer', minimum: 200, maximum: 599 }, headers: texts, body: text, root: name, delay: text })
const server = closed({ port, http: { type: 'array', items: httpAnswer }, echo: { type: 'boolean' }, banner: text, protocol: { enum: ['TCP', 'UDP', 'SCTP'] } })
const line = { ...closed({ line: text, after: text, every: text }), type: ['string', 'object'] }
const use = (each: object) => ({ ...closed({ base: quantity, perRequest: quantity, ...each, curve: { type: 'array', items: closed({ after: text, use: quantity }, { required: ['after', 'use'] }) } }), type: ['string', 'number', 'object'] })

const behaviour = {
  logs: { type: 'array', items: line },
  errors: { type: 'array', items: line },
  startAfter: text,
  serves: { type: 'array', items: server },
  accessLog: { type: 'boolean' },
  exitAfter: text,
  exitCode: { type: 'integer', minimum: 0, maximum: 255 },
  stopAfter: text,
  completes: { type: 'boolean' },
  cpu: use({}),
  memory: use({ perSecond: quantity }),
}

const image = {
  name,
  match: { type: 'array', items: name, minItems: 1 },
  tags: words,
  entrypoint: words,
  command: words,
  env: texts,
  workingDir: name,
  user: text,
  tools: { enum: ['busybox', 'none'] },
  toolsIn: name,
  does: closed(behaviour),
  programs: { type: 'object', additionalProperties: { ...closed(behaviour), type: ['string', 'object'] } },
  files: texts,
  setuid: words,
  ports: { type: 'array', items: port },
  pull: closed({ after: text, failure: text, failures: { type: 'integer', minimum: 1 }, private: { type: 'boolean' } }),
  sizeBytes: { type: 'integer', minimum: 0 },
  fallback: name,
}

/** One image, or a list of them. */
export const imagesSchema = { ...closed(image, { required: ['name', 'match'] }), type: ['object', 'array'], items: closed(image, { required: ['name', 'match'] }) }

const DURATIONS: ReadonlySet<string> = new Set(['startAfter', 'exitAfter', 'stopAfter', 'after', 'every', 'delay'])
const QUANTITIES: ReadonlySet<string> = new Set(['base', 'perSecond', 'use', 'cpu', 'memory', 'perRequest'])
/** Those that are filled in where a text is answered or printed. */
const VARIABLES = /^(?:pod\.(?:name|namespace|uid|ip|serviceAccount|labels\.[\w./-]+|annotations\.[\w./-]+)|node\.(?:name|ip)|container\.(?:name|image)|hostname|now|env\.\w+|request\.(?:path|method|host|headers|body|remoteAddress|query\.[\w.-]+|header\.[\w-]+))$/
const FILLED: ReadonlySet<string> = new Set(['body', 'line', 'logs', 'errors', 'headers'])

/** The first duration, quantity or variable that is none. */
export function imageComplaint(value: unknown): Complaint | undefined {
  return look(value, [], '')
}

function look(value: unknown, path: readonly (string | number)[], key: string): Complaint | undefined {
  if (typeof value === 'string' || typeof value === 'number') return wrongScalar(String(value), path, key)
  if (Array.isArray(value)) return first(value.map((item, i) => () => look(item, [...path, i], key)))
  if (!isRecord(value)) return undefined
  return first(Object.entries(value).map(([k, v]) => () => look(v, [...path, k], key === 'headers' ? key : k)))
}

function first(looks: readonly (() => Complaint | undefined)[]): Complaint | undefined {
  for (const each of looks) {
    const found = each()
    if (found) return found
  }
  return undefined
}

function wrongScalar(text: string, path: readonly (string | number)[], key: string): Complaint | undefined {
  const wrong = (what: string): Complaint => ({ path, text: `"${pathText(path)}": ${what}` })
  if (DURATIONS.has(key) && !isDuration(text)) return wrong(`"${text}" is no duration such as 500ms, 3s or 1m30s`)
  const isTime = key === 'perRequest' && path.includes('cpu')
  if (isTime && !isDuration(text)) return wrong(`"${text}" is no duration of processor time such as 5ms`)
  if (QUANTITIES.has(key) && !isTime && !isQuantity(text)) return wrong(`"${text}" is no quantity such as 250m or 64Mi`)
  if (!FILLED.has(key)) return undefined
  const unknown = [...text.matchAll(/\{\{\s*([^}\s]*)\s*\}\}/g)].find(([, variable = '']) => !VARIABLES.test(variable))
  return unknown ? wrong(`unknown variable ${unknown[0]}`) : undefined
}

function isDuration(text: string): boolean {
  try {
    return parseDuration(text) >= 0n
  } catch {
    return false
  }
}
