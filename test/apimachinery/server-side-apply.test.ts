import t from 'tap'
import type { JSONSchemaProps, ManagedFieldsEntry } from '../../schemas/types.ts'
import { fromUnstructured } from '../../src/apimachinery/from-unstructured.ts'
import { decodeObject } from '../../src/apimachinery/decode.ts'
import { freezeJSON } from '../../src/apimachinery/json.ts'
import { updateManagedFields, type ManagedObject } from '../../src/apimachinery/managed-fields.ts'
import { mergeTypeFromSchema } from '../../src/apimachinery/merge-type-from-schema.ts'
import { mergeTypeOf, type MergeType } from '../../src/apimachinery/merge-type.ts'
import { normalize } from '../../src/apimachinery/normalize.ts'
import { serverSideApply } from '../../src/apimachinery/server-side-apply.ts'
import { StatusError } from '../../src/errors.ts'

interface Live extends ManagedObject {
  [member: string]: unknown
}

/** An object that is applied to again and again. */
function subject(kind: 'Service' | 'ConfigMap' | 'Pod') {
  const typeName = `io.k8s.api.core.v1.${kind}`
  const header = { apiVersion: 'v1', kind }
  const type = mergeTypeOf(typeName)
  const empty = freezeJSON(normalize(typeName, decodeObject(typeName, header).object)) as unknown as Live
  let live = empty
  let nowMs = Date.UTC(2026, 0, 1)
  const keep = (object: Record<string, unknown>, managedFields: ManagedFieldsEntry[] | undefined) => {
    const normal = normalize(typeName, fromUnstructured(typeName, object).object) as unknown as Live
    live = freezeJSON({ ...normal, metadata: { ...normal.metadata, uid: 'u', ...(managedFields ? { managedFields } : {}) } })
  }
  return {
    get live() {
      return live
    },
    managers: () => live.metadata.managedFields?.map((e) => [e.manager, e.operation, e.fieldsV1]),
    apply(manager: string, content: object, { force = false } = {}) {
      const patch = { ...header, metadata: { name: 'x' }, ...content }
      const context = { type, apiVersion: 'v1', manager, nowMs: (nowMs += 1000) }
      const { object, managedFields } = serverSideApply({ live, empty, patch, force, group: '', version: 'v1', kind, context })
      keep(object ?? { ...live }, managedFields)
      return object
    },
    update(manager: string, content: object) {
      const changed = { ...live, ...content }
      const object = normalize(typeName, decodeObject(typeName, changed).object) as unknown as Live
      keep({ ...object }, updateManagedFields(live, object, { type, apiVersion: 'v1', manager, nowMs: (nowMs += 1000) }))
    },
  }
}

t.test('two appliers of one map', (t) => {
  const map = subject('ConfigMap')
  map.apply('a', { data: { x: '1', y: '1' } })
  map.apply('b', { data: { y: '1', z: '1' } })
  t.same(map.managers(), [
    ['a', 'Apply', { 'f:data': { 'f:x': {}, 'f:y': {} } }],
    ['b', 'Apply', { 'f:data': { 'f:y': {}, 'f:z': {} } }],
  ])
  map.apply('a', { data: { x: '2' } })
  t.same(map.live.data, { x: '2', y: '1', z: '1' }, 'y stays, since b holds it')
  map.apply('b', {})
  t.same(map.live.data, { x: '2' }, 'what nobody holds goes')
  t.same(map.managers(), [['a', 'Apply', { 'f:data': { 'f:x': {} } }]])
  t.end()
})

t.test('conflicts', (t) => {
  const map = subject('ConfigMap')
  map.apply('a', { data: { x: '1', y: '1' } })
  map.update('u', { data: { x: '2', y: '1' } })
  t.throws(
    () => map.apply('a', { data: { x: '1', y: '1' } }),
    new StatusError({ code: 409, reason: 'Conflict', message: 'Apply failed with 1 conflict: conflict with "u" using v1: .data.x', details: { causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "u" using v1', field: '.data.x' }] } }),
  )
  t.throws(() => map.apply('c', { data: { x: '3', y: '3' } }), { message: 'Apply failed with 2 conflicts: conflicts with "a":\n- .data.y\nconflicts with "u" using v1:\n- .data.x' })
  map.apply('c', { data: { x: '3', y: '3' } }, { force: true })
  t.same(map.managers(), [['c', 'Apply', { 'f:data': { 'f:x': {}, 'f:y': {} } }]])
  t.equal(map.apply('c', { data: { x: '3', y: '3' } }), undefined, 'what changes nothing gives no object')
  t.end()
})

t.test('keyed lists', (t) => {
  const pod = subject('Pod')
  pod.apply('a', { spec: { containers: [{ name: 'c', image: 'i:1' }, { name: 'd', image: 'i:1' }] } })
  pod.apply('b', { spec: { containers: [{ name: 'e', image: 'i:2' }, { name: 'c', args: ['-v'] }] } })
  const names = () => (pod.live.spec as { containers: { name: string }[] }).containers.map((c) => c.name)
  t.same(names(), ['e', 'c', 'd'])
  pod.apply('b', { spec: { containers: [{ name: 'c', args: ['-v'] }] } })
  t.same(names(), ['c', 'd'])
  t.same(pod.managers()?.[1], ['b', 'Apply', { 'f:spec': { 'f:containers': { 'k:{"name":"c"}': { '.': {}, 'f:name': {}, 'f:args': {} } } } }])
  t.end()
})

t.test('the first apply to an object without managers', (t) => {
  const map = subject('ConfigMap')
  map.apply('a', { data: { x: '1' } })
  const { managedFields: _, ...metadata } = map.live.metadata
  const live = { ...map.live, metadata }
  const context = { type: mergeTypeOf('io.k8s.api.core.v1.ConfigMap'), apiVersion: 'v1', manager: 'b', nowMs: 0 }
  const empty = { apiVersion: 'v1', kind: 'ConfigMap', metadata: {} }
  const apply = (force: boolean) => serverSideApply({ live, empty, patch: { apiVersion: 'v1', kind: 'ConfigMap', data: { x: '2' } }, force, group: '', version: 'v1', kind: 'ConfigMap', context })
  t.throws(() => apply(false), { message: 'Apply failed with 1 conflict: conflict with "before-first-apply" using v1: .data.x' })
  t.same(apply(true).managedFields?.map((e) => [e.manager, e.operation]), [['b', 'Apply'], ['before-first-apply', 'Update']])
  t.end()
})

t.test('what is refused', (t) => {
  const service = subject('Service')
  const table: [object, number, string][] = [
    [{ nope: 1 }, 500, 'failed to create typed patch object (/x; /v1, Kind=Service): .nope: field not declared in schema'],
    [{ spec: { ports: [{ port: 80 }, { port: 80, name: 'b' }] } }, 500, 'failed to create typed patch object (/x; /v1, Kind=Service): .spec.ports: duplicate entries for key [port=80,protocol="TCP"]'],
    [{ spec: { ports: [{ port: '80' }], clusterIP: 1, allocateLoadBalancerNodePorts: 'x' } }, 500, 'failed to create typed patch object (/x; /v1, Kind=Service): errors:\n  .spec.ports[port="80",protocol="TCP"].port: expected numeric (int or float), got string\n  .spec.clusterIP: expected string, got &value.valueUnstructured{Value:1}\n  .spec.allocateLoadBalancerNodePorts: expected boolean, got &{x}'],
    [{ spec: [] }, 500, 'failed to create typed patch object (/x; /v1, Kind=Service): .spec: expected map, got &{[]}'],
    [{ kind: 'Pod' }, 400, 'invalid object type: /v1, Kind=Pod'],
    [{ metadata: { managedFields: [] } }, 400, 'metadata.managedFields must be nil'],
  ]
  for (const [content, code, message] of table) t.throws(() => service.apply('a', content), { code, message })
  t.end()
})

t.test('kubectl takes over what it applied on the client’s side', (t) => {
  const map = subject('ConfigMap')
  const annotation = 'kubectl.kubernetes.io/last-applied-configuration'
  const applied = JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' }, data: { a: '1' } })
  map.update('kubectl-client-side-apply', { metadata: { name: 'x', annotations: { [annotation]: applied } }, data: { a: '1', b: '1' } })
  t.throws(() => map.apply('other', { data: { a: '2' } }), { code: 409 })
  map.apply('kubectl', { data: { a: '2' } })
  t.equal(map.live.metadata.annotations?.[annotation], '{"apiVersion":"v1","data":{"a":"2"},"kind":"ConfigMap","metadata":{"name":"x"}}\n')
  t.throws(() => map.apply('kubectl', { data: { a: '3', b: '3' } }), { message: 'Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using v1: .data.b' })
  t.end()
})

t.test('custom resources merge by their schema', (t) => {
  const object = (properties: Record<string, JSONSchemaProps>, more: JSONSchemaProps = {}): JSONSchemaProps => ({ type: 'object', properties, ...more })
  const schema = object({
    spec: object({
      atoms: { type: 'array', items: { type: 'string' } },
      set: { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'set' },
      map: { type: 'array', items: object({ k: { type: 'string' }, v: { type: 'integer' } }), 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['k'] },
      whole: object({ a: { type: 'string' } }, { 'x-kubernetes-map-type': 'atomic' }),
      free: object({}, { 'x-kubernetes-preserve-unknown-fields': true }),
    }),
  })
  const header = { apiVersion: 'example.com/v1', kind: 'Thing', metadata: { name: 'x' } }
  const apply = (type: MergeType, live: Live, manager: string, spec: object) =>
    serverSideApply({ live, empty: header, patch: { ...header, spec }, force: true, group: 'example.com', version: 'v1', kind: 'Thing', context: { type, apiVersion: 'example.com/v1', manager, nowMs: 0 } })
  const type = mergeTypeFromSchema(schema)
  const live: Live = { ...header, spec: { atoms: ['a'], set: ['a'], map: [{ k: 'a', v: 1 }], whole: { a: '1' }, free: { x: 1 } } }
  const { object: merged, managedFields } = apply(type, live, 'm', { atoms: ['b'], set: ['b'], map: [{ k: 'b', v: 2 }], whole: { a: '2' }, free: { y: [1] } })
  t.same(merged?.spec, { atoms: ['b'], set: ['a', 'b'], map: [{ k: 'a', v: 1 }, { k: 'b', v: 2 }], whole: { a: '2' }, free: { x: 1, y: [1] } })
  t.same(managedFields?.[0]?.fieldsV1, { 'f:spec': { 'f:atoms': {}, 'f:set': { 'v:"b"': {} }, 'f:map': { 'k:{"k":"b"}': { '.': {}, 'f:k': {}, 'f:v': {} } }, 'f:whole': {}, 'f:free': { 'f:y': {} } } })
  t.throws(() => apply(type, live, 'm', { nope: 1 }), { message: 'failed to create typed patch object (/x; example.com/v1, Kind=Thing): .spec.nope: field not declared in schema' })
  t.same(apply(mergeTypeFromSchema(undefined), live, 'm', { any: { thing: 1 } }).managedFields?.[0]?.fieldsV1, { 'f:spec': { '.': {}, 'f:any': { '.': {}, 'f:thing': {} } } })
  t.end()
})

t.test('what is there and does not fit its type any more', (t) => {
  const type = mergeTypeFromSchema({ type: 'object', properties: { spec: { type: 'object', properties: { a: { type: 'array', items: { type: 'string' } }, b: { type: 'string' } } } } })
  const header = { apiVersion: 'example.com/v1', kind: 'Thing' }
  const managedFields = [{ manager: 'm', operation: 'Update', apiVersion: 'example.com/v1', fieldsType: 'FieldsV1', fieldsV1: { 'f:spec': { 'f:a': {} } } }]
  const live = (managers: ManagedFieldsEntry[]): Live => ({ ...header, metadata: { name: 'x', namespace: 'ns', ...(managers.length > 0 ? { managedFields: managers } : {}) }, spec: { a: 's' } })
  const place = '(ns/x; example.com/v1, Kind=Thing)'
  for (const [managers, spec, message] of [
    [managedFields, { b: 'x' }, `failed to create typed live object ${place}: .spec.a: expected list, got &{s}`],
    [managedFields, { b: 1 }, 'failed to create typed patch object (/x; example.com/v1, Kind=Thing): .spec.b: expected string, got &value.valueUnstructured{Value:1}'],
    [[], { b: 1 }, `failed to create manager for existing fields: failed to convert new object ${place} to smd typed: .spec.a: expected list, got &{s}`],
  ] as const) {
    const request = { live: live([...managers]), empty: { ...header, metadata: {} }, patch: { ...header, metadata: { name: 'x' }, spec }, force: false, group: 'example.com', version: 'v1', kind: 'Thing' }
    t.throws(() => serverSideApply({ ...request, context: { type, isChecked: true, apiVersion: 'example.com/v1', manager: 'n', nowMs: 0 } }), { code: 500, message })
  }
  t.end()
})
