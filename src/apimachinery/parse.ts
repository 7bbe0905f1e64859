/**
 * Request bodies to plain values. JSON.parse does the work for JSON; a body it refuses, that repeats a key, or that
 * writes numbers in a way that Go tells apart is read once more by our own reader, which knows Go's error texts.
 * Models sigs.k8s.io/json.
 */
import { readJSON } from './json-reader.ts'
import { MAX_DEPTH, scanJSON } from './json-scan.ts'
import { ParseError } from './parse-error.ts'
import { sortMembers } from './sort-members.ts'
import { checkYAMLBytes } from './yaml-bytes.ts'
import { readYAML } from './yaml-reader.ts'

export interface Parsed {
  value: unknown
  /** Errors of strict reading, in the order of the document: `duplicate field "metadata.name"`. */
  duplicates: string[]
}

export interface ParseOptions {
  /** Whether repeated keys are looked for. */
  strict?: boolean
}

/** Halves of characters, which Go replaces where the other half is missing. */
const SURROGATE = /\\u[dD][89a-fA-F]/

/** Throws ParseError in Go's words. */
export function parseJSON(body: Uint8Array | string, { strict = false }: ParseOptions = {}): Parsed {
  const text = typeof body === 'string' ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString()
  const scan = scanJSON(text)
  if (scan.depth > MAX_DEPTH) throw new ParseError('exceeded max depth')
  if (scan.isPlain && !(text.includes('\\u') && SURROGATE.test(text))) {
    const value = tryParse(text)
    if (value !== undefined && (!strict || scan.keys === countKeys(value))) return { value, duplicates: [] }
  }
  const { value, duplicates } = readJSON(text)
  return { value, duplicates: strict ? duplicates : [] }
}

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function countKeys(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  let count = 0
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item === 'object') count += countKeys(item)
    return count
  }
  const members = Object.values(value)
  for (const member of members) if (typeof member === 'object') count += countKeys(member)
  return count + members.length
}

/** The first document, as JSON. Repeated keys give one error for all of them. Throws ParseError. */
export function parseYAML(body: Uint8Array | string, { strict = false }: ParseOptions = {}): Parsed {
  const text = typeof body === 'string' ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString()
  const json = JSON_START.test(text) ? tryJSON(text, strict) : undefined
  if (json) {
    sortMembers(json.value)
    return json
  }
  if (typeof body !== 'string') checkYAMLBytes(body, text)
  const { value, duplicates } = readYAML(text)
  return { value, duplicates: strict ? duplicates : [] }
}

const JSON_START = /^\s*[{[]/

/** JSON is YAML, and reading it as such is a hundred times faster; repeated keys have other words, though. */
function tryJSON(text: string, strict: boolean): Parsed | undefined {
  try {
    const parsed = parseJSON(text, { strict })
    return parsed.duplicates.length ? undefined : parsed
  } catch (error) {
    if (error instanceof ParseError) return undefined
    throw error
  }
}
