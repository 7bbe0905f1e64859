/** YAML that must have a shape: what is wrong with it is told with the file, the line and the key. */
import fs from 'node:fs'
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import { isMap, isNode, LineCounter, parseDocument, type Document } from 'yaml'
import { suggestion } from './suggestion.ts'

type Path = readonly (string | number)[]

/** One thing that is wrong, and where. */
export interface Complaint {
  path: Path
  text: string
}

/** `FILE:LINE: what is wrong` */
export class YamlError extends Error {}

/** @throws YamlError */
export function readText(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8')
  } catch (error) {
    throw new YamlError(`cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}

export interface Shape {
  /** How the text is called. */
  file: string
  /** A JSON schema. */
  schema: object
  /** What the whole is called: `the configuration`. */
  what: string
  /** The first thing that a schema cannot say. */
  check?(value: unknown): Complaint | undefined
}

/** An empty text is an empty map. @throws YamlError */
export function parseChecked(text: string, { file, schema, what, check }: Shape): unknown {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const [syntax] = document.errors
  if (syntax) throw new YamlError(`${file}:${lines.linePos(syntax.pos[0]).line}: ${syntax.message}`)
  const value: unknown = document.toJS() ?? {}
  const complaint = shapeComplaint(value, schema, what) ?? check?.(value)
  if (complaint) throw new YamlError(`${file}:${lineOf(document, complaint.path, lines)}: ${complaint.text}`)
  return value
}

/** Compiling takes much longer than checking, and the schemas are few. */
const compiled = new WeakMap<object, ValidateFunction>()

/** The first thing in which `value` differs from the schema. */
function shapeComplaint(value: unknown, schema: object, what: string): Complaint | undefined {
  let validate = compiled.get(schema)
  if (!validate) compiled.set(schema, (validate = new Ajv({ allErrors: true, allowUnionTypes: true, strictTypes: false, verbose: true }).compile(schema)))
  if (validate(value)) return undefined
  // A mistyped key also makes the right one missing: it is the better explanation.
  const errors = validate.errors ?? []
  const error = errors.find((e) => e.keyword === 'additionalProperties') ?? errors[0]
  return error ? describe(error, what) : { path: [], text: `not ${what}` }
}

function describe(error: ErrorObject, what: string): Complaint {
  const path = error.instancePath
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part))
  const at = pathText(path) || what
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

export function pathText(path: Path): string {
  return path.map((part, i) => (typeof part === 'number' ? `[${part}]` : i === 0 ? part : `.${part}`)).join('')
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
