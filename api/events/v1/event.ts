/** events.k8s.io/v1 Event: the core one under other names, stored as that. Models k8s.io/kubernetes/pkg/apis/events/v1/conversion.go. */
import { defineKind, type Column } from '../../../src/registry/kind.ts'
import type { Event, EventsV1Event } from '../../../schemas/types.ts'
import { EVENTS_GROUP } from '../../core/v1/_event-validation.ts'
import { eventColumns } from '../../core/v1/event.ts'

function toStorage(event: EventsV1Event): Event {
  const { regarding, note, deprecatedSource, deprecatedFirstTimestamp, deprecatedLastTimestamp, deprecatedCount, reportingController, ...same } = event
  return {
    ...same,
    reportingComponent: reportingController,
    involvedObject: regarding,
    message: note,
    source: deprecatedSource,
    firstTimestamp: deprecatedFirstTimestamp,
    lastTimestamp: deprecatedLastTimestamp,
    count: deprecatedCount,
  }
}

function fromStorage(event: Event): EventsV1Event {
  const { involvedObject, message, source, firstTimestamp, lastTimestamp, count, reportingComponent, ...same } = event
  return {
    ...same,
    reportingController: reportingComponent,
    regarding: involvedObject,
    note: message,
    deprecatedSource: source,
    deprecatedFirstTimestamp: firstTimestamp,
    deprecatedLastTimestamp: lastTimestamp,
    deprecatedCount: count,
  }
}

const regarding = (part: 'kind' | 'namespace' | 'name' | 'uid' | 'apiVersion' | 'resourceVersion' | 'fieldPath') => (event: EventsV1Event) => event.regarding?.[part] ?? ''

export default defineKind<EventsV1Event>({
  group: EVENTS_GROUP,
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  shortNames: ['ev'],
  namespaced: true,
  allowCreateOnUpdate: true,
  defaultPropagation: 'none',
  isUncached: true,
  storedAs: { group: '', version: 'v1', kind: 'Event', toStorage, fromStorage: (event) => fromStorage(event as Event) },
  columns: eventColumns.map((column): Column<EventsV1Event> => ({ ...column, value: (event, ctx) => column.value(toStorage(event), ctx) })),
  selectableFields: {
    'regarding.kind': regarding('kind'),
    'regarding.namespace': regarding('namespace'),
    'regarding.name': regarding('name'),
    'regarding.uid': regarding('uid'),
    'regarding.apiVersion': regarding('apiVersion'),
    'regarding.resourceVersion': regarding('resourceVersion'),
    'regarding.fieldPath': regarding('fieldPath'),
    reason: (event) => event.reason ?? '',
    reportingController: (event) => event.reportingController ?? '',
    type: (event) => event.type ?? '',
  },
})
