/** The rules of an Event, which are stricter in events.k8s.io than in core. Models k8s.io/kubernetes/pkg/apis/core/validation/events.go. */
import { equalJSON } from '../../../src/apimachinery/json.ts'
import { byteLength } from '../../../src/apimachinery/validation.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import type { Event, EventSeries, EventSource, ObjectReference } from '../../../schemas/types.ts'
import { validateQualifiedName, validateSubdomain } from '../../_field-errors.ts'
import { validateMetadataOf } from '../../_validate-metadata.ts'

export const EVENTS_GROUP = 'events.k8s.io'
const MAX_TEXT = 128
const MAX_NOTE = 1024
const UNSET = 'needs to be unset'
const WRONG_NAMESPACE = 'does not match event.namespace'

function validateText(path: string, text = '', isRequired = true, most = MAX_TEXT): FieldError[] {
  const errors: FieldError[] = []
  if (isRequired && !text) errors.push(field.required(path))
  if (byteLength(text) > most) errors.push(field.invalid(path, '', `can have at most ${most} characters`))
  return errors
}

function validateNamespace({ metadata, involvedObject, eventTime }: Event): FieldError[] {
  const namespace = metadata.namespace ?? ''
  const about = involvedObject?.namespace ?? ''
  const isClusterwide = about === ''
  const isFine = eventTime
    ? !isClusterwide || namespace === 'default' || namespace === 'kube-system'
    : isClusterwide
      ? namespace === '' || namespace === 'default'
      : namespace === about
  return isFine ? [] : [field.invalid('involvedObject.namespace', about, WRONG_NAMESPACE)]
}

/** What both groups ask for. */
function validateCommon(event: Event, isCore: boolean): FieldError[] {
  const { reportingComponent = '', reportingInstance, action, reason, message, eventTime, metadata } = event
  const errors = validateNamespace(event)
  if (eventTime) {
    const path = isCore ? 'reportingComponent' : 'reportingController'
    if (!reportingComponent) errors.push(field.required(path))
    errors.push(
      ...validateQualifiedName(path, reportingComponent),
      ...validateText('reportingInstance', reportingInstance),
      ...validateText('action', action),
      ...validateText('reason', reason),
      ...validateText('message', message, false, MAX_NOTE),
    )
  }
  return [...errors, ...validateSubdomain('namespace', metadata.namespace ?? '')]
}

function validateSeries({ series }: Event): FieldError[] {
  if (!series) return []
  const errors: FieldError[] = []
  if ((series.count ?? 0) < 2) errors.push(field.invalid('series.count', '', 'should be at least 2'))
  if (!series.lastObservedTime) errors.push(field.required('series.lastObservedTime'))
  return errors
}

export function validateEvent(event: Event, requestGroup: string | undefined): FieldError[] {
  const isCore = requestGroup !== EVENTS_GROUP
  const errors = validateCommon(event, isCore)
  if (isCore) return errors
  errors.push(...validateMetadataOf(event, 'Namespaced'), ...validateSeries(event))
  if (!event.eventTime) errors.push(field.required('eventTime'))
  if (event.type !== 'Normal' && event.type !== 'Warning') errors.push(field.invalid('type', '', `has invalid value: ${event.type ?? ''}`))
  if (event.firstTimestamp) errors.push(field.invalid('firstTimestamp', '', UNSET))
  if (event.lastTimestamp) errors.push(field.invalid('lastTimestamp', '', UNSET))
  if (event.count) errors.push(field.invalid('count', '', UNSET))
  if (event.source?.component || event.source?.host) errors.push(field.invalid('source', '', UNSET))
  return errors
}

/** A reference and a source as upstream's internal types print. */
function printedReference(ref: ObjectReference | undefined): unknown {
  if (!ref) return null
  const { kind = '', namespace = '', name = '', uid = '', apiVersion = '', resourceVersion = '', fieldPath = '' } = ref
  return { Kind: kind, Namespace: namespace, Name: name, UID: uid, APIVersion: apiVersion, ResourceVersion: resourceVersion, FieldPath: fieldPath }
}
const printedSeries = (series: EventSeries | undefined): unknown => series && { Count: series.count ?? 0, LastObservedTime: series.lastObservedTime ?? null }
const printedSource = (source: EventSource | undefined): unknown => ({ Component: source?.component ?? '', Host: source?.host ?? '' })

export function validateEventUpdate(event: Event, old: Event, requestGroup: string | undefined): FieldError[] {
  const isCore = requestGroup !== EVENTS_GROUP
  const errors = validateCommon(event, isCore)
  if (isCore) return errors
  if (!equalJSON(printedSeries(event.series), printedSeries(old.series))) errors.push(...validateSeries(event))
  const fixed = (path: string, of: (e: Event) => unknown): void => {
    const value = of(event)
    if (!equalJSON(value, of(old))) errors.push(field.invalid(path, value, 'field is immutable'))
  }
  fixed('involvedObject', (e) => printedReference(e.involvedObject ?? {}))
  fixed('reason', (e) => e.reason ?? '')
  fixed('message', (e) => e.message ?? '')
  fixed('source', (e) => printedSource(e.source))
  fixed('firstTimestamp', (e) => e.firstTimestamp ?? null)
  fixed('lastTimestamp', (e) => e.lastTimestamp ?? null)
  fixed('count', (e) => e.count ?? 0)
  fixed('reason', (e) => e.reason ?? '')
  fixed('type', (e) => e.type ?? '')
  fixed('eventTime', (e) => e.eventTime ?? null)
  fixed('action', (e) => e.action ?? '')
  fixed('related', (e) => printedReference(e.related))
  fixed('reportingController', (e) => e.reportingComponent ?? '')
  fixed('reportingInstance', (e) => e.reportingInstance ?? '')
  return errors
}
