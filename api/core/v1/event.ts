/** v1 Event. Models k8s.io/kubernetes/pkg/registry/core/event. */
import { isPathSegmentName } from '../../../src/apimachinery/validation.ts'
import { defineKind, type Column, type ColumnContext } from '../../../src/registry/kind.ts'
import type { Event } from '../../../schemas/types.ts'
import { nameColumn } from '../../_columns.ts'
import { validateEvent, validateEventUpdate } from './_event-validation.ts'

const TTL_MS = 60 * 60 * 1000

const firstSeen = (event: Event, ctx: ColumnContext): string => ctx.age(event.firstTimestamp || event.eventTime)

function lastSeen(event: Event, ctx: ColumnContext): string {
  if (event.series) return ctx.age(event.series.lastObservedTime)
  return event.lastTimestamp ? ctx.age(event.lastTimestamp) : firstSeen(event, ctx)
}

function about({ involvedObject: { kind = '', name } = {} }: Event): string {
  return name ? `${kind.toLowerCase()}/${name}` : kind.toLowerCase()
}

function source({ source: from, reportingComponent, reportingInstance }: Event): string {
  const component = from?.component || reportingComponent || ''
  const instance = from?.host || reportingInstance
  return instance ? `${component}, ${instance}` : component
}

export const eventColumns: Column<Event>[] = [
  { name: 'Last Seen', value: lastSeen },
  { name: 'Type', value: (event) => event.type ?? '' },
  { name: 'Reason', value: (event) => event.reason ?? '' },
  { name: 'Object', value: about },
  { name: 'Subobject', priority: 1, value: (event) => event.involvedObject?.fieldPath ?? '' },
  { name: 'Source', priority: 1, value: source },
  { name: 'Message', value: (event) => (event.message ?? '').trim() },
  { name: 'First Seen', priority: 1, value: firstSeen },
  { name: 'Count', priority: 1, value: (event) => (event.series ? (event.series.count ?? 0) : event.count || 1) },
  { ...nameColumn, priority: 1 },
]

export default defineKind<Event>({
  group: '',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  shortNames: ['ev'],
  namespaced: true,
  repeatsMetadataUpdate: false,
  validatesMetadata: false,
  allowCreateOnUpdate: true,
  defaultPropagation: 'none',
  columns: eventColumns,
  selectableFields: {
    'involvedObject.kind': (event) => event.involvedObject?.kind ?? '',
    'involvedObject.namespace': (event) => event.involvedObject?.namespace ?? '',
    'involvedObject.name': (event) => event.involvedObject?.name ?? '',
    'involvedObject.uid': (event) => event.involvedObject?.uid ?? '',
    'involvedObject.apiVersion': (event) => event.involvedObject?.apiVersion ?? '',
    'involvedObject.resourceVersion': (event) => event.involvedObject?.resourceVersion ?? '',
    'involvedObject.fieldPath': (event) => event.involvedObject?.fieldPath ?? '',
    reason: (event) => event.reason ?? '',
    reportingComponent: (event) => event.reportingComponent ?? '',
    source: (event) => event.source?.component || event.reportingComponent || '',
    type: (event) => event.type ?? '',
  },
  ttlMs: () => TTL_MS,
  takesAnyFinalizer: true,
  isUncached: true,
  validateName: (name) => isPathSegmentName(name),
  validate: (event, ctx) => validateEvent(event, ctx.requestGroup),
  validateUpdate: (event, old, ctx) => validateEventUpdate(event, old, ctx.requestGroup),
})
