import t from 'tap'
import coreEvents from '../../../../api/core/v1/event.ts'
import type { Event, EventsV1Event } from '../../../../schemas/types.ts'
import { cells } from '../../../helpers/cells.ts'
import { startApi } from '../../../helpers/in-process-api.ts'
import { checkRefusals, checkUpdateRefusals, type Refusal } from '../../../helpers/refusals.ts'

const metadata = { name: 'a', namespace: 'ns' }
const about = { kind: 'Pod', namespace: 'ns', name: 'p' }
const OLD = { apiVersion: 'v1', kind: 'Event', metadata, involvedObject: about }
const NEW = {
  apiVersion: 'events.k8s.io/v1',
  kind: 'Event',
  metadata,
  regarding: about,
  eventTime: '2026-01-01T00:00:00.000000Z',
  type: 'Normal',
  reason: 'r',
  action: 'do',
  note: 'n',
  reportingController: 'x.example/c',
  reportingInstance: 'i',
}

t.test('events of core are about something near', (t) => {
  const elsewhere = (namespace: string) => `involvedObject.namespace: Invalid value: "${namespace}": does not match event.namespace`
  return checkRefusals(t, OLD, [
    ['of another namespace', { 'involvedObject.namespace': 'other' }, elsewhere('other')],
    ['of none', { 'involvedObject.namespace': undefined }, elsewhere('')],
    ['a node, in default', { 'involvedObject.namespace': undefined, 'metadata.namespace': 'default' }],
  ])
})

t.test('events of the newer group say more', (t) => {
  const required = ['reportingInstance', 'action', 'reason'].map((member): Refusal => [`no ${member}`, { [member]: undefined }, `${member}: Required value`])
  return checkRefusals(t, NEW, [
    ...required,
    ['no time', { eventTime: undefined }, 'eventTime: Required value'],
    ['another type', { type: 'Some' }, 'type: Invalid value: "": has invalid value: Some'],
    ['a long note', { note: 'x'.repeat(1025) }, 'message: Invalid value: "": can have at most 1024 characters'],
    ['a long reason', { reason: 'x'.repeat(129) }, 'reason: Invalid value: "": can have at most 128 characters'],
    ['a series of one', { series: { count: 1 } }, 'series.count: Invalid value: "": should be at least 2', 'series.lastObservedTime: Required value'],
    ['what only the old one has', { deprecatedCount: 1, 'deprecatedSource.component': 'c', deprecatedFirstTimestamp: '2026-01-01T00:00:00Z', deprecatedLastTimestamp: '2026-01-01T00:00:00Z' },
      'firstTimestamp: Invalid value: "": needs to be unset', 'lastTimestamp: Invalid value: "": needs to be unset', 'count: Invalid value: "": needs to be unset', 'source: Invalid value: "": needs to be unset'],
  ])
})

t.test('only the series may change', (t) =>
  checkUpdateRefusals(t, NEW, [
    ['the reason', { reason: 's' }, 'reason: Invalid value: "s": field is immutable', 'reason: Invalid value: "s": field is immutable'],
    ['the note', { note: 'm' }, 'message: Invalid value: "m": field is immutable'],
    ['a series', { series: { count: 2, lastObservedTime: '2026-01-01T00:00:01.000000Z' } }],
  ]))

t.test('both groups show the same events', async (t) => {
  const { client, create } = await startApi(t)
  const api = client()
  await create({ ...OLD, message: 'hello', reason: 'r', source: { component: 'c', host: 'h' }, count: 2, firstTimestamp: '2026-01-01T00:00:00Z', lastTimestamp: '2026-01-01T00:01:00Z' })
  t.match(await api.get('events.k8s.io/v1/Event', metadata), {
    apiVersion: 'events.k8s.io/v1',
    regarding: about,
    note: 'hello',
    deprecatedSource: { component: 'c', host: 'h' },
    deprecatedCount: 2,
    deprecatedFirstTimestamp: '2026-01-01T00:00:00Z',
  })
  await create({ ...NEW, metadata: { ...metadata, name: 'b' } })
  t.notOk('reportingInstance' in (await api.get('events.k8s.io/v1/Event', metadata)), 'what is empty is left out')
  await create({ ...OLD, metadata: { ...metadata, name: 'odd' }, series: {} })
  const odd = await api.get<EventsV1Event>('events.k8s.io/v1/Event', { ...metadata, name: 'odd' })
  t.same(odd.series, { count: 0, lastObservedTime: null }, 'what is always there is')
  t.match(await api.update({ ...odd, metadata: { ...odd.metadata, labels: { a: 'b' } } }), { metadata: { labels: { a: 'b' } } }, 'a series that stays as it was is not looked at')
  t.match(await api.get('v1/Event', { ...metadata, name: 'b' }), { apiVersion: 'v1', involvedObject: about, message: 'n', reportingComponent: 'x.example/c', reportingInstance: 'i' })
})

t.test('they are forgotten after an hour', async (t) => {
  const { client, clock, create } = await startApi(t)
  await create(OLD)
  await clock.step(59 * 60_000)
  t.equal((await client().list('v1/Event')).length, 1)
  await clock.step(2 * 60_000)
  t.same(await client().list('v1/Event'), [])
})

t.test('what tables show', async (t) => {
  const shown = (event: Partial<Event>) => cells(coreEvents, { metadata, ...event } as Event)
  t.match(shown({ type: 'Warning', reason: 'r', involvedObject: about, message: ' hello\n', lastTimestamp: 'last', firstTimestamp: 'first', count: 3, source: { component: 'c' } }), {
    'Last Seen': 'last',
    'First Seen': 'first',
    Object: 'pod/p',
    Message: 'hello',
    Count: 3,
    Source: 'c',
  })
  t.match(shown({ eventTime: 'then', series: { count: 5, lastObservedTime: 'later' }, reportingComponent: 'c', reportingInstance: 'i' }), { 'Last Seen': 'later', 'First Seen': 'then', Count: 5, Source: 'c, i' })
  t.match(shown({ eventTime: 'then' }), { 'Last Seen': 'then', Count: 1 })
})
