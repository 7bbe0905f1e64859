import t from 'tap'
import type { ManagedFieldsEntry, ObjectMeta } from '../../schemas/types.ts'
import { decodeObject } from '../../src/apimachinery/decode.ts'
import type { FieldSet } from '../../src/apimachinery/field-set.ts'
import { freezeJSON } from '../../src/apimachinery/json.ts'
import { ignoreNewTimes } from '../../src/apimachinery/managed-entries.ts'
import { managersOfParent, managersOfScale } from '../../src/apimachinery/managed-fields-scale.ts'
import { updateManagedFields, type FieldManagerContext, type ManagedObject } from '../../src/apimachinery/managed-fields.ts'
import { mergeTypeOf } from '../../src/apimachinery/merge-type.ts'
import { normalize } from '../../src/apimachinery/normalize.ts'

const TYPE = 'io.k8s.api.apps.v1.Deployment'
const NOW = Date.UTC(2026, 0, 1)
const TIME = '2026-01-01T00:00:00Z'

interface Deployment extends ManagedObject {
  spec?: object
  status?: object
}

function object(content: object, metadata: ObjectMeta = {}): Deployment {
  const decoded = decodeObject(TYPE, { apiVersion: 'apps/v1', kind: 'Deployment', ...content, metadata: { name: 'd', ...metadata } }).object
  return freezeJSON(normalize(TYPE, decoded) as unknown as Deployment)
}

const EMPTY = freezeJSON(normalize(TYPE, decodeObject(TYPE, { apiVersion: 'apps/v1', kind: 'Deployment' }).object) as unknown as Deployment)
const context = (manager: string, more: Partial<FieldManagerContext> = {}): FieldManagerContext => ({ type: mergeTypeOf(TYPE), apiVersion: 'apps/v1', manager, nowMs: NOW, ...more })
const entry = (manager: string, fieldsV1: FieldSet, more: ManagedFieldsEntry = {}): ManagedFieldsEntry => ({ manager, operation: 'Update', apiVersion: 'apps/v1', time: TIME, fieldsType: 'FieldsV1', fieldsV1, ...more })
const stored = (content: object, managedFields: ManagedFieldsEntry[] | undefined): Deployment => object(content, { uid: 'u', ...(managedFields ? { managedFields } : {}) })

const template = { metadata: { labels: { a: '1' } }, spec: { containers: [{ name: 'c', image: 'i:1' }] } }
const templateFields = { 'f:metadata': { 'f:labels': { '.': {}, 'f:a': {} } }, 'f:spec': { 'f:containers': { 'k:{"name":"c"}': { '.': {}, 'f:image': {}, 'f:name': {}, 'f:resources': {} } } } }

t.test('a create owns all that it sets, but the header', (t) => {
  const created = object({ spec: { replicas: 2, selector: { matchLabels: { a: '1' } }, template } }, { labels: { x: 'y' }, finalizers: ['f/1'] })
  t.same(updateManagedFields(EMPTY, created, context('kubectl-create')), [
    entry('kubectl-create', {
      'f:metadata': { 'f:labels': { '.': {}, 'f:x': {} }, 'f:finalizers': { '.': {}, 'v:"f/1"': {} } },
      'f:spec': { 'f:replicas': {}, 'f:selector': {}, 'f:template': templateFields },
    }),
  ])
  t.end()
})

t.test('an update takes what it changes from the others', (t) => {
  const owned = { 'f:spec': { 'f:replicas': {}, 'f:paused': {}, 'f:template': templateFields } }
  const live = stored({ spec: { replicas: 1, paused: true, template } }, [entry('a', owned, { time: '2025-01-01T00:00:00Z' })])
  const update = (content: object, more = {}) => updateManagedFields(live, stored(content, live.metadata.managedFields), context('b', more))
  t.same(update({ spec: { replicas: 1, paused: true, template } }), live.metadata.managedFields, 'nothing changed')
  t.same(update({ spec: { replicas: 5, template } }), [
    entry('a', { 'f:spec': { 'f:template': templateFields } }, { time: '2025-01-01T00:00:00Z' }),
    entry('b', { 'f:spec': { 'f:replicas': {} } }),
  ])
  t.same(update({ spec: { replicas: 1, paused: true, template }, status: { replicas: 1 } }, { subresource: 'status', resetFields: { 'f:spec': {} } }), [
    entry('a', owned, { time: '2025-01-01T00:00:00Z' }),
    entry('b', { 'f:status': { 'f:replicas': {} } }, { subresource: 'status' }),
  ])
  t.same(update({ spec: { replicas: 7, paused: true, template } }, { resetFields: { 'f:spec': {} } }), live.metadata.managedFields, 'what the endpoint cannot set is nobody’s')
  t.end()
})

t.test('what the request says about managers', (t) => {
  const spec = { replicas: 1, template }
  const live = stored({ spec }, [entry('a', { 'f:spec': { 'f:replicas': {} } })])
  const update = (managedFields: ManagedFieldsEntry[] | undefined) => updateManagedFields(live, stored({ spec: { ...spec, replicas: 2 } }, managedFields), context('b'))
  const mine = entry('b', { 'f:spec': { 'f:replicas': {} } })
  t.same(update(undefined), [mine], 'none given: those of the object count')
  t.same(update([entry('z', { 'f:spec': { 'f:paused': {} } })]), [mine, entry('z', { 'f:spec': { 'f:paused': {} } })])
  t.same(update([entry('z', { bad: {} })]), [mine], 'what cannot be read does not count')
  t.equal(update([{}]), undefined, 'one empty entry makes the server forget')
  t.equal(updateManagedFields(stored({ spec }, undefined), stored({ spec: { ...spec, replicas: 2 } }, undefined), context('b')), undefined, 'objects without managers are not tracked')
  t.end()
})

t.test('past ten updaters the oldest are put together', (t) => {
  const entries = Array.from({ length: 10 }, (_, i) => entry(`m${i}`, { 'f:metadata': { 'f:labels': { [`f:l${i}`]: {} } } }, { time: `2025-01-0${i + 1 > 9 ? 9 : i + 1}T00:00:00Z` }))
  const live = stored({ spec: { template } }, entries)
  const managers = updateManagedFields(live, stored({ spec: { template, replicas: 3 } }, entries), context('new'))
  t.equal(managers?.length, 10)
  t.same(managers?.find((m) => m.manager === 'ancient-changes'), entry('ancient-changes', { 'f:metadata': { 'f:labels': { 'f:l0': {}, 'f:l1': {} } } }, { time: '2025-01-02T00:00:00Z' }))
  t.end()
})

t.test('entries of other versions are compared in theirs, or go', (t) => {
  const live = stored({ spec: { replicas: 1, template } }, [entry('old', { 'f:spec': { 'f:replicas': {}, 'f:paused': {} } }, { apiVersion: 'apps/v1beta9' }), entry('gone', { 'f:spec': {} }, { apiVersion: 'apps/v0' })])
  const inVersion = (value: unknown, version: string) => (version === 'apps/v1beta9' ? { type: mergeTypeOf(TYPE), value } : undefined)
  t.same(updateManagedFields(live, stored({ spec: { replicas: 2, template } }, live.metadata.managedFields), context('b', { inVersion })), [
    entry('b', { 'f:spec': { 'f:replicas': {} } }),
    entry('old', { 'f:spec': { 'f:paused': {} } }, { apiVersion: 'apps/v1beta9' }),
  ])
  t.end()
})

t.test('a write that would only change times changes nothing', (t) => {
  const old = stored({ spec: { template } }, [entry('a', { 'f:spec': { 'f:replicas': {} } }, { time: '2025-01-01T00:00:00Z' })])
  const now = stored({ spec: { template } }, [entry('a', { 'f:spec': { 'f:replicas': {} } })])
  t.same(ignoreNewTimes(now, old), old)
  const changed = stored({ spec: { template, replicas: 1 } }, now.metadata.managedFields)
  t.equal(ignoreNewTimes(changed, old), changed)
  t.end()
})

t.test('the scale of an object has the managers of its replicas', (t) => {
  const paths = { 'apps/v1': ['f:spec', 'f:replicas'] }
  const entries = [entry('a', { 'f:spec': { 'f:replicas': {}, 'f:paused': {} } }), entry('b', { 'f:spec': { 'f:paused': {} } }), entry('c', { 'f:spec': { 'f:replicas': {} } }, { operation: 'Apply' })]
  const scale = { 'f:spec': { 'f:replicas': {} } }
  t.same(managersOfScale(entries, paths), [entry('c', scale, { operation: 'Apply', apiVersion: 'autoscaling/v1' }), entry('a', scale, { apiVersion: 'autoscaling/v1' })])
  const after = managersOfParent(entries, [entry('s', scale, { apiVersion: 'autoscaling/v1', subresource: 'scale' })], { apiVersion: 'apps/v1', paths })
  t.same(
    after?.map((e) => [e.manager, e.operation, e.apiVersion, e.subresource, e.fieldsV1]),
    [
      ['s', 'Update', 'apps/v1', 'scale', scale],
      ['a', 'Update', 'apps/v1', undefined, { 'f:spec': { 'f:paused': {} } }],
      ['b', 'Update', 'apps/v1', undefined, { 'f:spec': { 'f:paused': {} } }],
    ],
  )
  t.end()
})
