/** What may stand in a file of stages, as a JSON schema, and what a schema cannot say of it. */
import { pathText, type Complaint } from '../apimachinery/checked-yaml.ts'
import { parseDuration } from '../apimachinery/go-duration.ts'
import { isRecord } from '../apimachinery/json.ts'
import { compilePath } from './field-path.ts'

const text = { type: 'string' }
const name = { type: 'string', minLength: 1 }
const texts = { type: 'object', additionalProperties: text }

const closed = (properties: Readonly<Record<string, object>>, required: readonly string[] = []) => ({ type: 'object', additionalProperties: false, properties, required })

const outcome = closed({ startAfter: text, readyAfter: text, exitAfter: text, exitCode: { type: 'integer', minimum: 0, maximum: 255 }, exitReason: name, exitMessage: text })
const next = closed({
  init: outcome,
  sidecar: outcome,
  container: outcome,
  containers: { type: 'object', additionalProperties: outcome },
  stopAfter: text,
  pull: closed({ after: text, failure: text, failures: { type: 'integer', minimum: 1 } }),
  capacity: texts,
  conditions: { type: 'array', items: { type: 'object' } },
  kubeletPort: { type: 'integer' },
  nodeInfo: texts,
  declaredFeatures: { type: 'array', items: name },
  features: { type: 'object' },
  runtimeHandlers: { type: 'array', items: { type: 'object' } },
})
const match = { type: 'array', items: closed({ path: name, in: { type: 'array' }, notIn: { type: 'array' }, like: { type: 'array', items: name }, exists: { type: 'boolean' } }, ['path']) }
const stage = closed({ kind: { enum: ['Pod', 'Node'] }, name, match, next }, ['kind', 'name', 'next'])

/** One stage, or a list of them. */
export const stagesSchema = { ...stage, type: ['object', 'array'], items: stage }

const OF_NODES: ReadonlySet<string> = new Set(['capacity', 'conditions', 'kubeletPort', 'nodeInfo', 'declaredFeatures', 'features', 'runtimeHandlers'])

export function stageComplaint(value: unknown): Complaint | undefined {
  const isList = Array.isArray(value)
  for (const [i, stage] of [value].flat().entries()) {
    const found = isRecord(stage) ? complaintOf(stage, isList ? [i] : []) : undefined
    if (found) return found
  }
  return undefined
}

function complaintOf({ kind, match, next }: Record<string, unknown>, path: readonly (string | number)[]): Complaint | undefined {
  for (const key of Object.keys(isRecord(next) ? next : {})) {
    if (OF_NODES.has(key) !== (kind === 'Node')) return wrong([...path, 'next', key], `is not for ${String(kind)}s`)
  }
  for (const [i, test] of (Array.isArray(match) ? match : []).entries()) {
    if (!isRecord(test)) continue
    if (Object.keys(test).length !== 2) return wrong([...path, 'match', i], 'needs one of in, notIn, like and exists')
    if (!isPath(String(test.path))) return wrong([...path, 'match', i, 'path'], `"${String(test.path)}" is no path such as spec.containers[].image`)
  }
  return duration(next, [...path, 'next'])
}

function duration(value: unknown, path: readonly (string | number)[]): Complaint | undefined {
  if (!isRecord(value)) return undefined
  for (const [key, each] of Object.entries(value)) {
    const isTime = /(?:^after|After)$/.test(key)
    if (isTime && !isDuration(String(each)) && !(each === 'never' && key !== 'startAfter')) return wrong([...path, key], `"${String(each)}" is no duration such as 500ms, 3s or 1m30s`)
    const below = duration(each, [...path, key])
    if (below) return below
  }
  return undefined
}

function wrong(path: readonly (string | number)[], what: string): Complaint {
  return { path, text: `"${pathText(path)}": ${what}` }
}

function isPath(text: string): boolean {
  try {
    compilePath(text)
    return true
  } catch {
    return false
  }
}

function isDuration(text: string): boolean {
  try {
    return parseDuration(text) >= 0n
  } catch {
    return false
  }
}
