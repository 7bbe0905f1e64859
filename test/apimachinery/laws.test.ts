/** Laws that hold for whatever objects come: generated and, when one is broken, made small by fast-check. */
import fc from 'fast-check'
import t from 'tap'
import { allTypeNames, mustTypeFacts } from '../../schemas/facts.ts'
import { SeededRandom } from '../../src/clock.ts'
import { decodeObject } from '../../src/apimachinery/decode.ts'
import { decodeSet, inOrderOfElements, intersectSets, isEmptySet, subtractSet, unionSets, type FieldSet } from '../../src/apimachinery/field-set.ts'
import { applyJSONPatch } from '../../src/apimachinery/json-patch.ts'
import { equalJSON } from '../../src/apimachinery/json.ts'
import { parseSelector, selectorFromSet } from '../../src/apimachinery/labels.ts'
import { applyMergePatch } from '../../src/apimachinery/merge-patch.ts'
import { mergeTypeOf } from '../../src/apimachinery/merge-type.ts'
import { normalize } from '../../src/apimachinery/normalize.ts'
import { decodeMessage, encodeMessage } from '../../src/apimachinery/protobuf.ts'
import { addQuantities, canonicalQuantity, compareQuantities, quantityText, subtractQuantities } from '../../src/apimachinery/quantity.ts'
import { serverSideApply } from '../../src/apimachinery/server-side-apply.ts'
import { strategicMerge } from '../../src/apimachinery/strategic-merge.ts'
import { fieldsOf } from '../../src/apimachinery/structured-compare.ts'
import { randomObject } from './random-object.ts'

const SEED = 20261129
const law = (name: string, property: fc.IRawProperty<unknown>, numRuns = 200): void => {
  t.test(name, (t) => {
    t.doesNotThrow(() => fc.assert(property as fc.IProperty<unknown>, { seed: SEED, numRuns }))
    t.end()
  })
}

const KINDS = allTypeNames().filter((name) => mustTypeFacts(name).gvks.length > 0 && mustTypeFacts(name).fields.some((f) => f.protobuf !== undefined))
/** Objects of every kind, as the server has them. */
const anyObject = fc.tuple(fc.constantFrom(...KINDS), fc.integer(), fc.double({ min: 0.1, max: 0.6, noNaN: true })).map(([typeName, seed, density]) => ({
  typeName,
  object: normalize(typeName, decodeObject(typeName, randomObject(typeName, new SeededRandom(seed), { density, maxDepth: 5 })).object) as Record<string, unknown>,
}))

law('an object of any kind is the same after protobuf', fc.property(anyObject, ({ typeName, object }) => {
  const { kind, apiVersion } = object
  const back = normalize(typeName, { kind, apiVersion, ...decodeMessage(typeName, encodeMessage(typeName, object)) })
  return JSON.stringify(back) === JSON.stringify(object)
}), 1500)

law('an object in form stays as it is, decoded again too', fc.property(anyObject, ({ typeName, object }) => {
  const again = normalize(typeName, decodeObject(typeName, JSON.parse(JSON.stringify(object))).object)
  return normalize(typeName, object) === object && JSON.stringify(again) === JSON.stringify(object)
}), 600)

const key = fc.constantFrom('a', 'b', 'c', 'x/y', '~')
const value: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 3 }, fc.integer({ min: 0, max: 9 }), fc.constantFrom('s', '', true, null), fc.array(tie('value'), { maxLength: 3 }), fc.dictionary(key, tie('value'), { maxKeys: 3 })),
})).value
const document = fc.dictionary(key, value, { maxKeys: 4 })
const withoutNull = (json: unknown): boolean => !JSON.stringify(json).includes('null')
const pointer = (name: string): string => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`

law('JSON patch: what is added can be tested, moved there and back, and removed', fc.property(document, key, value, (before, name, added) => {
  const patch = [
    { op: 'add', path: pointer(name), value: added },
    { op: 'test', path: pointer(name), value: added },
    { op: 'move', from: pointer(name), path: '/new' },
    { op: 'copy', from: '/new', path: pointer(name) },
    { op: 'test', path: pointer(name), value: added },
    { op: 'remove', path: '/new' },
    { op: 'remove', path: pointer(name) },
  ]
  const { [name]: _, ...rest } = before
  const frozen = JSON.stringify(before)
  return equalJSON(applyJSONPatch(before, patch), rest) && JSON.stringify(before) === frozen
}))

law('merge patch: twice is once, nothing changes nothing, and what has no null is there afterwards', fc.property(document, document, (before, patch) => {
  const once = applyMergePatch(before, patch)
  if (!equalJSON(applyMergePatch(once, patch), once) || !equalJSON(applyMergePatch(before, {}), before)) return false
  return !withoutNull(patch) || Object.keys(patch).every((name) => Object.hasOwn(once, name))
}))

const containers = fc.uniqueArray(fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd'), image: fc.constantFrom('x', 'y'), args: fc.array(fc.constantFrom('1', '2'), { maxLength: 2 }) }), { selector: ({ name }) => name, maxLength: 4 })
const POD = 'io.k8s.api.core.v1.Pod'
const podOf = (list: unknown) => ({ kind: 'Pod', apiVersion: 'v1', metadata: { name: 'p' }, spec: { containers: list } })
const namesOf = (pod: unknown): string[] => ((pod as { spec?: { containers?: { name: string }[] } }).spec?.containers ?? []).map(({ name }) => name).sort()

law('strategic merge patch: twice is once, lists go by key, directives delete and replace', fc.property(containers, containers, (before, patch) => {
  const once = strategicMerge(POD, podOf(before), podOf(patch))
  if (!equalJSON(strategicMerge(POD, once, podOf(patch)), once)) return false
  if (!equalJSON(namesOf(once), [...new Set([...before, ...patch].map(({ name }) => name))].sort())) return false
  const without = strategicMerge(POD, once, { spec: { containers: patch.map(({ name }) => ({ name, $patch: 'delete' })) } })
  if (namesOf(without).some((name) => patch.some((c) => c.name === name))) return false
  return equalJSON(namesOf(strategicMerge(POD, podOf(before), { spec: { containers: [...patch, { $patch: 'replace' }] } })), namesOf(podOf(patch)))
}))

const quantity = fc.tuple(fc.integer({ min: -9999, max: 9999 }), fc.constantFrom('', 'm', 'k', 'Ki', 'M', 'Mi', 'G', 'Gi', 'e3')).map(([number, suffix]) => `${number}${suffix}`)

law('quantities: canonical once is canonical, sums do not mind their order and can be taken back', fc.property(quantity, quantity, quantity, (a, b, c) => {
  const canonical = canonicalQuantity(a)
  if (canonicalQuantity(canonical) !== canonical || compareQuantities(a, canonical) !== 0) return false
  const sum = addQuantities(a, b)
  if (compareQuantities(sum, addQuantities(b, a)) !== 0 || compareQuantities(subtractQuantities(sum, b), a) !== 0) return false
  if (compareQuantities(addQuantities(sum, c), addQuantities(a, addQuantities(b, c))) !== 0) return false
  return compareQuantities(a, b) === -compareQuantities(b, a) && compareQuantities(quantityText(sum), sum) === 0
}))

const labels = fc.dictionary(fc.constantFrom('a', 'b', 'example.com/c'), fc.constantFrom('', 'x', 'y'), { maxKeys: 3 })
const requirement = fc.tuple(fc.constantFrom('a', 'b', 'example.com/c'), fc.constantFrom('', 'x', 'y'), fc.constantFrom('=', '!=', ' in ', ' notin ', '!', '')).map(([name, text, operator]) => {
  if (operator === '!' || operator === '') return operator + name
  return operator.trim().length > 2 || operator === ' in ' ? `${name}${operator}(${text},z)` : `${name}${operator}${text}`
})

law('label selectors: the text of one selects the same, a set selects its supersets, each requirement narrows', fc.property(fc.array(requirement, { maxLength: 3 }), labels, labels, (requirements, some, others) => {
  const selector = parseSelector(requirements.join(','))
  if (parseSelector(selector.toString()).matches(some) !== selector.matches(some)) return false
  if (selector.matches(some) !== requirements.every((text) => parseSelector(text).matches(some))) return false
  return selectorFromSet(some).matches({ ...others, ...some })
}))

const fieldSet: fc.Arbitrary<FieldSet> = fc.letrec<{ set: FieldSet }>((tie) => ({
  set: fc.oneof({ maxDepth: 3 }, fc.constant({}), fc.dictionary(fc.constantFrom('.', 'f:a', 'f:b', 'k:{"name":"x"}', 'v:1'), tie('set'), { maxKeys: 3 }).map(({ '.': self, ...rest }) => (self && Object.keys(rest).length > 0 ? { '.': {}, ...rest } : rest))),
})).set.map((set) => decodeSet({ 'f:root': set }))

law('field sets: union, intersection and difference are those of sets; order changes nothing', fc.property(fieldSet, fieldSet, fieldSet, (a, b, c) => {
  const same = (x: FieldSet, y: FieldSet): boolean => equalJSON(x, y)
  if (!same(unionSets(a, b), unionSets(b, a)) || !same(unionSets(a, unionSets(b, c)), unionSets(unionSets(a, b), c)) || !same(unionSets(a, a), a)) return false
  if (!same(intersectSets(a, b), intersectSets(b, a)) || !same(intersectSets(a, a), a)) return false
  if (!isEmptySet(intersectSets(subtractSet(a, b), b)) || !same(unionSets(subtractSet(a, b), intersectSets(a, b)), a)) return false
  return same(inOrderOfElements(a), a) && same(decodeSet(JSON.parse(JSON.stringify(a))), a)
}))

const CONFIG_MAP = 'io.k8s.api.core.v1.ConfigMap'
/** An empty map does not outlast its storing, so none is applied. */
const data = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('1', '2'), { minKeys: 1, maxKeys: 3 })

law('server-side apply: an applier has what it names, what only it named goes, and twice is once', fc.property(fc.array(fc.tuple(fc.constantFrom('x', 'y'), data), { minLength: 1, maxLength: 5 }), (applies) => {
  const type = mergeTypeOf(CONFIG_MAP)
  const empty = normalize(CONFIG_MAP, decodeObject(CONFIG_MAP, { apiVersion: 'v1', kind: 'ConfigMap' }).object) as unknown as Parameters<typeof serverSideApply>[0]['empty']
  const apply = (live: typeof empty, manager: string, values: unknown): typeof empty => {
    const patch = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'n' }, data: values }
    const { object, managedFields } = serverSideApply({ live, empty, patch, force: true, group: '', version: 'v1', kind: 'ConfigMap', context: { type, apiVersion: 'v1', manager, nowMs: 0 } })
    const next = normalize(CONFIG_MAP, decodeObject(CONFIG_MAP, object ?? live).object) as unknown as typeof empty
    return { ...next, metadata: { ...next.metadata, uid: 'u', ...(managedFields ? { managedFields } : {}) } }
  }
  let live = empty
  const wanted = new Map<string, Record<string, string>>()
  for (const [manager, values] of applies) {
    live = apply(live, manager, values)
    // Whoever overwrites a value takes it from the other.
    for (const [other, theirs] of wanted) if (other !== manager) for (const name of Object.keys(values)) if (theirs[name] !== values[name]) delete theirs[name]
    wanted.set(manager, { ...values })
  }
  const [last, values] = applies.at(-1) ?? ['x', {}]
  const all = Object.assign({}, ...wanted.values()) as Record<string, string>
  const { data: stored = {} } = live as { data?: Record<string, string> }
  if (!equalJSON(stored, all)) return false
  const own = live.metadata.managedFields?.find(({ manager }) => manager === last)?.fieldsV1 ?? {}
  if (!equalJSON(own, fieldsOf(type, { data: values }))) return false
  return equalJSON(apply(live, last, values), live)
}))
