import t from 'tap'
import type { ObjectMeta } from '../../schemas/types.ts'
import { validateLabelSelector, validateObjectMeta, validateObjectMetaUpdate } from '../../src/apimachinery/validate-meta.ts'
import { validateConditions, validateDeleteOptions, validatePatchOptions } from '../../src/apimachinery/validate-options.ts'
import { isDNS1123Subdomain } from '../../src/apimachinery/validation.ts'
import type { FieldError } from '../../src/errors.ts'

const text = (errors: FieldError[]) => errors.map((e) => `${e.field}: ${e.body}`)
const check = (meta: ObjectMeta, namespaced = true) => text(validateObjectMeta(meta, { namespaced, validateName: isDNS1123Subdomain }))
const good = { name: 'a', namespace: 'n' }

t.test('metadata on create', (t) => {
  const table: [string, ObjectMeta, string[]][] = [
    ['plain', good, []],
    ['generateName may end in a dash', { ...good, generateName: 'web-' }, []],
    ['no name', { namespace: 'n' }, ['metadata.name: Required value: name or generateName is required']],
    ['no namespace', { name: 'a' }, ['metadata.namespace: Required value']],
    ['generation', { ...good, generation: -1 }, ['metadata.generation: Invalid value: -1: must be greater than or equal to 0']],
    ['annotation keys may be upper case', { ...good, annotations: { 'A.example.com/X': '' } }, []],
    ['annotations too big', { ...good, annotations: { a: 'x'.repeat(256 * 1024) } }, ['metadata.annotations: Too long: may not be more than 262144 bytes']],
    ['finalizers that exclude each other', { ...good, finalizers: ['orphan', 'foregroundDeletion'] }, ['metadata.finalizers: Invalid value: ["orphan","foregroundDeletion"]: finalizer orphan and foregroundDeletion cannot be both set']],
    [
      'empty owner reference',
      { ...good, ownerReferences: [{ apiVersion: '', kind: '', name: '', uid: '' }] },
      ['apiVersion', 'kind', 'name', 'uid'].map((f) => `metadata.ownerReferences.${f}: Invalid value: "": ${f === 'apiVersion' ? 'version must not be empty' : 'must not be empty'}`),
    ],
    [
      'two controllers',
      { ...good, ownerReferences: ['x', 'y'].map((name) => ({ apiVersion: 'apps/v1', kind: 'K', name, uid: 'u', controller: true })) },
      [
        'metadata.ownerReferences: Invalid value: [{"apiVersion":"apps/v1","kind":"K","name":"x","uid":"u","controller":true},{"apiVersion":"apps/v1","kind":"K","name":"y","uid":"u","controller":true}]: Only one reference can have Controller set to true. Found "true" in references for K/x and K/y',
      ],
    ],
    [
      'managed fields',
      { ...good, managedFields: [{ manager: 'a\tb', operation: 'X', fieldsType: 'Y', subresource: 's'.repeat(257) }] },
      [
        'metadata.managedFields[0].operation: Invalid value: "X": must be `Apply` or `Update`',
        'metadata.managedFields[0].fieldsType: Invalid value: "Y": must be `FieldsV1`',
        'metadata.managedFields[0].manager: Invalid value: "a\\tb": invalid character U+0009 (at position 1)',
        'metadata.managedFields[0].subresource: Too long: may not be more than 256 bytes',
      ],
    ],
  ]
  for (const [name, meta, errors] of table) t.same(check(meta), errors, name)
  t.same(check({ name: 'a', namespace: 'n' }, false), ['metadata.namespace: Forbidden: not allowed on this type'])
  t.end()
})

t.test('metadata on update', (t) => {
  const old: ObjectMeta = { ...good, uid: 'u', resourceVersion: '1', generation: 2, creationTimestamp: '2026-01-01T00:00:00Z' }
  const update = (change: ObjectMeta, before = old) => text(validateObjectMetaUpdate({ ...before, ...change }, before))
  t.same(update({}), [])
  t.same(update({ resourceVersion: '' }), ['metadata.resourceVersion: Invalid value: "": must be specified for an update'])
  t.same(update({ generation: 1 }), ['metadata.generation: Invalid value: 1: must not be decremented'])
  t.same(update({ uid: 'v' }), ['metadata.uid: Invalid value: "v": field is immutable'])
  t.same(update({ deletionGracePeriodSeconds: 5 }), ['metadata.deletionGracePeriodSeconds: Invalid value: 5: field is immutable'])
  t.same(update({ creationTimestamp: undefined }), ['metadata.creationTimestamp: Invalid value: null: field is immutable'])
  t.same(update({ finalizers: ['b', 'a', 'c'] }, { ...old, finalizers: ['c'], deletionTimestamp: '2026-01-01T00:00:00Z' }), [
    'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"a", "b"}',
  ])
  t.end()
})

t.test('label selectors', (t) => {
  const selector = { matchExpressions: [{ key: 'a', operator: 'In' }, { key: 'b', operator: 'Exists', values: ['x'] }, { key: 'c', operator: 'Like' }] }
  t.same(text(validateLabelSelector(selector, 's')), [
    "s.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
    "s.matchExpressions[1].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
    's.matchExpressions[2].operator: Invalid value: "Like": not a valid selector operator',
  ])
  const oldOne = { matchExpressions: [{ key: 'a', operator: 'In', values: ['-'] }] }
  t.equal(validateLabelSelector(oldOne, 's').length, 1)
  t.same(validateLabelSelector(oldOne, 's', { allowInvalidLabelValueInSelector: true }), [])
  t.end()
})

t.test('options and conditions', (t) => {
  t.same(text(validateDeleteOptions({ orphanDependents: true, propagationPolicy: 'X', dryRun: ['all'] })), [
    'propagationPolicy: Invalid value: "X": orphanDependents and deletionPropagation cannot be both set',
    'propagationPolicy: Unsupported value: "X": supported values: "Foreground", "Background", "Orphan", "nil"',
    'dryRun: Unsupported value: ["all"]: supported values: "All"',
  ])
  t.same(text(validatePatchOptions({}, true)), ['fieldManager: Required value: is required for apply patch'])
  t.same(text(validatePatchOptions({ force: true, fieldValidation: 'x' }, false)), [
    'force: Forbidden: may not be specified for non-apply patch',
    'fieldValidation: Unsupported value: "x": supported values: "", "Ignore", "Strict", "Warn"',
  ])
  const condition = { type: 'A', status: 'True', reason: 'R', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' }
  t.same(validateConditions([condition], 'c'), [])
  t.same(text(validateConditions([condition, { ...condition, status: 'x', reason: '' }], 'c')), ['c[1].type: Duplicate value: "A"', 'c[1].status: Unsupported value: "x": supported values: "False", "True", "Unknown"', 'c[1].reason: Required value'])
  t.end()
})
