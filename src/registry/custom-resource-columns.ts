/** Printer columns of custom resources. Models k8s.io/apiextensions-apiserver/pkg/registry/customresource/tableconvertor. */
import { canonicalTime } from '../apimachinery/go-time.ts'
import { sortedJSON } from '../apimachinery/sorted-json.ts'
import { compileJSONPath, PathError, type JSONPath } from '../apimachinery/json-path.ts'
import { ParseError } from '../apimachinery/parse-error.ts'
import { goJSON, goNumber } from '../errors.ts'
import type { CustomResourceColumnDefinition } from '../../schemas/types.ts'
import type { Column, ColumnContext, KubeObject } from './kind.ts'

const NAME: Column<KubeObject> = { name: 'Name', format: 'name', value: ({ metadata }) => metadata.name ?? '' }
const AGE: CustomResourceColumnDefinition = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' }

/** The columns up to the first one whose path cannot be read. */
export function customColumns(own: readonly CustomResourceColumnDefinition[] | undefined): Column<KubeObject>[] {
  const columns = [NAME]
  for (const definition of own?.length ? own : [AGE]) {
    const column = columnOf(definition)
    if (!column) break
    const { description, jsonPath } = definition
    columns.push(definition === AGE ? column : { ...column, description: description || `Custom resource definition column (in JSONPath format): ${jsonPath ?? ''}` })
  }
  return columns
}

function columnOf({ name = '', type = '', format = '', priority, jsonPath = '' }: CustomResourceColumnDefinition): Column<KubeObject> | undefined {
  // Most definitions are never printed: their paths are read when first asked for.
  let path: JSONPath | undefined
  if (!/^(?:\.[\w-]+)+$/.test(jsonPath) && !(path = compileJSONPath(jsonPath))) return undefined
  return {
    name,
    type: type as NonNullable<Column<KubeObject>['type']>,
    format,
    ...(priority ? { priority } : {}),
    value(object, ctx) {
      path ??= compileJSONPath(jsonPath)
      const found = path ? firstOf(path, object) : undefined
      return found === undefined ? null : cell(type, found, ctx)
    },
  }
}

/** Undefined where there is nothing, and where the path does not fit what is there. */
function firstOf(path: JSONPath, object: KubeObject): unknown {
  try {
    return path(object)[0]
  } catch (error) {
    if (error instanceof PathError) return undefined
    throw error
  }
}

function cell(type: string, value: unknown, { age }: ColumnContext): string | number | boolean | null {
  switch (type) {
    case 'string':
      return text(value)
    case 'integer':
      return typeof value === 'number' ? Math.trunc(value) : null
    case 'number':
      return typeof value === 'number' ? value : null
    case 'boolean':
      return typeof value === 'boolean' ? value : null
    case 'date':
      return typeof value === 'string' ? ageOf(value, age) : null
    default:
      return null
  }
}

/** Objects and lists as JSON, the rest as Go prints it. */
function text(value: unknown): string {
  if (typeof value === 'string') return value
  if (value === null) return '<no value>'
  if (typeof value === 'number') return goNumber(value)
  return typeof value === 'object' ? goJSON(sortedJSON(value)) : String(value)
}

function ageOf(time: string, age: ColumnContext['age']): string {
  if (time === '' || time === 'null') return '<unknown>'
  try {
    return age(canonicalTime(time) ?? undefined)
  } catch (error) {
    if (error instanceof ParseError) return '<invalid>'
    throw error
  }
}
