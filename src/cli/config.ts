/** Reads the config file; an error names the file, the line and the key. */
import fs from 'node:fs'
import { Ajv, type ErrorObject } from 'ajv'
import { isNode, isMap, LineCounter, parseDocument, type Document } from 'yaml'
import { isQuantity } from '../apimachinery/quantity.ts'
import { isDNS1123Subdomain, isQualifiedName, isValidLabelValue } from '../apimachinery/validation.ts'
import { UserError } from './command.ts'
import { configSchema, type Config, type NodeConfig } from './config-schema.ts'
import { suggestion } from './suggest.ts'

type Path = readonly (string | number)[]

/** One thing that is wrong, and where. */
interface Complaint {
  path: Path
  text: string
}

export function readConfig(file: string): Config {
  let text: string
  try {
    text = fs.readFileSync(file, 'utf8')
  } catch (error) {
    throw new UserError(`cannot read the config file ${file}: ${error instanceof Error ? error.message : error}`, { cause: error })
  }
  return parseConfig(text, file)
}

export function parseConfig(text: string, file: string): Config {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const [syntax] = document.errors
  if (syntax) throw new UserError(`${file}:${lines.linePos(syntax.pos[0]).line}: ${syntax.message}`)
  const value: unknown = document.toJS() ?? {}
  const complaint = shapeComplaint(value) ?? nodeComplaint(value as Config)
  if (complaint) throw new UserError(`${file}:${lineOf(document, complaint.path, lines)}: ${complaint.text}`)
  return value as Config
}

/** The first thing in which `value` differs from the schema. */
function shapeComplaint(value: unknown): Complaint | undefined {
  const ajv = new Ajv({ allErrors: true, allowUnionTypes: true, strictTypes: false, verbose: true })
  const validate = ajv.compile(configSchema)
  if (validate(value)) return undefined
  // A mistyped key also makes the right one missing: it is the better explanation.
  const errors = validate.errors ?? []
  const error = errors.find((e) => e.keyword === 'additionalProperties') ?? errors[0]
  return error ? describe(error) : { path: [], text: 'not a configuration' }
}

function describe(error: ErrorObject): Complaint {
  const path = error.instancePath
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part))
  const at = pathText(path)
  if (error.keyword === 'additionalProperties') {
    const key = String(error.params.additionalProperty)
    const known = Object.keys((error.parentSchema?.properties as object | undefined) ?? {})
    return { path: [...path, key], text: `unknown key "${pathText([...path, key])}"${suggestion(key, known)}; known here: ${known.join(', ')}` }
  }
  if (error.keyword === 'required') return { path, text: `${at} lacks "${error.params.missingProperty}"` }
  if (error.keyword === 'enum') return { path, text: `"${at}" must be one of ${(error.params.allowedValues as string[]).join(', ')}` }
  if (error.keyword === 'type') return { path, text: `"${at}" must be of type ${[error.params.type].flat().join(' or ')}` }
  return { path, text: `"${at}" ${error.message}` }
}

/** What Kubernetes would refuse in the nodes, found before they are created. */
function nodeComplaint({ nodes }: Config): Complaint | undefined {
  if (!Array.isArray(nodes)) return undefined
  const names = new Set<string>()
  for (const [index, node] of nodes.entries()) {
    const path = ['nodes', index]
    const [fault] = faults(node)
    if (fault) return { path: [...path, ...fault.path], text: `"${pathText([...path, ...fault.path])}": ${fault.text}` }
    for (const name of nodeNames(node)) {
      if (names.has(name)) return { path: [...path, 'name'], text: `"${pathText([...path, 'name'])}": there are two nodes called ${name}` }
      names.add(name)
    }
  }
  return undefined
}

function faults(node: NodeConfig): Complaint[] {
  const found: Complaint[] = []
  const check = (path: Path, messages: readonly string[]) => found.push(...messages.map((text) => ({ path, text })))
  check(['name'], isDNS1123Subdomain(node.name))
  for (const [name, quantity] of Object.entries(node.capacity ?? {})) {
    check(['capacity', name], isQualifiedName(name))
    if (!isQuantity(String(quantity))) check(['capacity', name], [`"${quantity}" is no quantity such as 500m, 4 or 16Gi`])
  }
  for (const [key, value] of Object.entries(node.labels ?? {})) check(['labels', key], [...isQualifiedName(key), ...isValidLabelValue(value)])
  for (const [i, { key, value = '' }] of (node.taints ?? []).entries()) check(['taints', i], [...isQualifiedName(key), ...isValidLabelValue(value)])
  return found
}

export function nodeNames({ name, count }: NodeConfig): string[] {
  return count === undefined ? [name] : Array.from({ length: count }, (_, i) => `${name}-${i + 1}`)
}

function pathText(path: Path): string {
  return path.map((part, i) => (typeof part === 'number' ? `[${part}]` : i === 0 ? part : `.${part}`)).join('') || 'the configuration'
}

/** The line of what `path` leads to: of the key where it is one of a map. */
function lineOf(document: Document, path: Path, lines: LineCounter): number {
  for (let length = path.length; length > 0; length--) {
    const parent: unknown = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true)
    const pair = isMap(parent) ? parent.items.find((p) => isNode(p.key) && String(p.key) === String(path[length - 1])) : undefined
    const node: unknown = pair?.key ?? document.getIn(path.slice(0, length), true)
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line
  }
  return 1
}
