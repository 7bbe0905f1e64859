/** Objects as rows of a Table. Models k8s.io/kubernetes/pkg/printers and handlers/response.go (asTable). */
import { StatusError, badRequest, field } from '../errors.ts'
import type { Column, ColumnContext, KindDefinition, KubeObject, RowCondition } from '../registry/kind.ts'
import type { ListMeta } from '../../schemas/types.ts'
import { describeType, type TypeDescriptions } from './descriptions.ts'
import { humanDuration } from './human-duration.ts'
import { partialMetadata } from './partial-metadata.ts'

export type IncludeObject = 'None' | 'Metadata' | 'Object'

interface Row {
  cells: unknown[]
  conditions?: RowCondition[]
  object?: unknown
}

export interface Table {
  kind: 'Table'
  apiVersion: string
  metadata: ListMeta
  /** null where a watch has sent them already. */
  columnDefinitions: { name: string; type: string; format: string; description: string; priority: number }[] | null
  rows: Row[] | null
}

const NAME: Column<KubeObject> = { name: 'Name', format: 'name', value: (o) => o.metadata.name ?? '' }
/** What kinds without columns of their own show. */
export const defaultColumns: readonly Column<KubeObject>[] = [NAME, { name: 'Created At', type: 'date', value: (o) => o.metadata.creationTimestamp ?? '' }]

/** @throws StatusError 400 */
export function parseIncludeObject(text: string | null): IncludeObject {
  if (!text) return 'Metadata'
  if (text === 'None' || text === 'Metadata' || text === 'Object') return text
  throw badRequest(`Unable to convert to Table as requested: ${describe(field.invalid('includeObject', text, "must be 'Metadata', 'Object', 'None', or empty"))}`)
}

function describe({ field: path, body }: { field: string; body: string }): string {
  return `${path}: ${body}`
}

export interface TableOptions {
  include: IncludeObject
  /** `meta.k8s.io/v1` */
  apiVersion: string
  nowMs: number
  metadata: ListMeta
  /** Watches send the definitions once. */
  headers: boolean
  /** A get or a watch event rather than a list; kinds without printers answer rows null for an empty list. */
  isList: boolean
}

/** What a table is made of. */
export interface Printed {
  definition: Pick<KindDefinition, 'columns' | 'rowOrder' | 'rowConditions' | 'hiddenAnnotations'>
}

export function toTable(kind: Printed, objects: readonly KubeObject[], options: TableOptions): Table {
  const columns = kind.definition.columns ?? defaultColumns
  const ctx = columnContext(options.nowMs)
  const { rowOrder } = kind.definition
  const printed = rowOrder ? [...objects].sort((a, b) => rowOrder(a, b)) : objects
  const rows = printed.map((object) => toRow(kind, object, { columns, ctx, options }))
  return {
    kind: 'Table',
    apiVersion: options.apiVersion,
    metadata: options.metadata,
    columnDefinitions: options.headers ? columns.filter((c) => !c.undeclared).map(columnDefinition) : null,
    rows: rows.length === 0 && !kind.definition.columns ? null : rows,
  }
}

function columnDefinition({ name, type = 'string', format = name === 'Name' ? 'name' : '', description, priority = 0 }: Column<KubeObject>) {
  return { name, type, format, description: description ?? ofMetadata(name), priority }
}

const SHOWN_METADATA: Readonly<Record<string, string>> = { Name: 'name', Age: 'creationTimestamp', 'Created At': 'creationTimestamp' }
let metadataDescriptions: TypeDescriptions | undefined

/** Columns that show a field of the metadata are described as the field is. */
function ofMetadata(column: string): string {
  const field = SHOWN_METADATA[column]
  metadataDescriptions ??= describeType('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta')
  return (field && metadataDescriptions[field]) ?? ''
}

function toRow(kind: Printed, object: KubeObject, { columns, ctx, options }: { columns: readonly Column<KubeObject>[]; ctx: ColumnContext; options: TableOptions }): Row {
  const conditions = kind.definition.rowConditions?.(object) ?? []
  const row: Row = { cells: columns.map((column) => column.value(object, ctx)) }
  if (conditions.length > 0) row.conditions = conditions
  row.object = options.include === 'Object' ? object : options.include === 'Metadata' ? partialMetadata(object, options.apiVersion, kind.definition.hiddenAnnotations) : null
  return row
}

function columnContext(nowMs: number): ColumnContext {
  return { nowMs, age: (time) => (time ? humanDuration(nowMs - Date.parse(time)) : '<unknown>') }
}

/** Objects that are not in a kind's table: answered when an unknown form is asked for. */
export function cannotConvert(message: string): StatusError {
  return new StatusError({ code: 406, reason: 'NotAcceptable', message })
}
