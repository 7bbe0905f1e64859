import t from 'tap'
import definition from '../../../../api/apiextensions/v1/customresourcedefinition.ts'
import { ADMIN, startApi } from '../../../helpers/in-process-api.ts'
import { checkRefusals, checkUpdateRefusals, stored } from '../../../helpers/refusals.ts'

const SCHEMA = { type: 'object', properties: { spec: { type: 'object', properties: { size: { type: 'integer' }, tags: { type: 'array', items: { type: 'string' } } } }, status: { type: 'object', properties: { n: { type: 'integer' } } } } }
const VERSION = { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: SCHEMA } }
const CRD = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'frogs.x.io' },
  spec: { group: 'x.io', scope: 'Namespaced', names: { plural: 'frogs', kind: 'Frog' }, versions: [VERSION] },
}
const V = 'spec.versions[0]'
const S = `${V}.schema.openAPIV3Schema`
/** What all versions share is named as if it stood outside of them. */
const SHOWN = 'spec.validation.openAPIV3Schema'
const SPEC = `${S}.properties.spec.properties`
const SHOWN_SPEC = `${SHOWN}.properties[spec].properties`

t.test('names and versions', (t) =>
  checkRefusals(t, CRD, [
    ['another name', { 'metadata.name': 'frog.x.io' }, 'metadata.name: Invalid value: "frog.x.io": must be spec.names.plural+"."+spec.group'],
    ['another generated name', { 'metadata.generateName': 'toads.x.io' }, 'metadata.generateName: Invalid value: "toads.x.io": must be spec.names.plural+"."+spec.group'],
    ['a warning that cannot be printed', { [`${V}.deprecated`]: true, [`${V}.deprecationWarning`]: 'a\u0001' }, `${V}.deprecationWarning: Invalid value: "a\\u0001": must only contain printable UTF-8 characters; non-printable character found at index 1`],
    ['an unknown scope', { 'spec.scope': 'World' }, 'spec.scope: Unsupported value: "World": supported values: "Cluster", "Namespaced"'],
    ['no kind', { 'spec.names.kind': '' }, 'spec.names.singular: Required value', 'spec.names.kind: Required value', 'spec.names.listKind: Required value'],
    ['lists of the same kind', { 'spec.names.listKind': 'Frog' }, 'spec.names.listKind: Invalid value: "Frog": kind and listKind may not be the same'],
    ['a group of kubernetes', { 'spec.group': 'x.k8s.io', 'metadata.name': 'frogs.x.k8s.io' }, 'metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups must have approval annotation "api-approved.kubernetes.io", see https://github.com/kubernetes/enhancements/pull/1111'],
    ['approved of by nobody', { 'spec.group': 'x.k8s.io', metadata: { name: 'frogs.x.k8s.io', annotations: { 'api-approved.kubernetes.io': 'me' } } }, 'metadata.annotations[api-approved.kubernetes.io]: Invalid value: "me": protected groups must have approval annotation "api-approved.kubernetes.io" with either a URL or a reason starting with "unapproved", see https://github.com/kubernetes/enhancements/pull/1111'],
    ['approved', { 'spec.group': 'x.k8s.io', metadata: { name: 'frogs.x.k8s.io', annotations: { 'api-approved.kubernetes.io': 'unapproved, a test' } } }],
    ['unknown fields', { 'spec.preserveUnknownFields': true }, 'spec.preserveUnknownFields: Invalid value: true: cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead'],
    ['no versions', { 'spec.versions': undefined }, 'spec.versions: Invalid value: null: must have exactly one version marked as storage version', 'status.storedVersions: Invalid value: null: must have at least one stored version'],
    [
      'a version without a name',
      { [`${V}.name`]: undefined },
      `${V}.name: Invalid value: "": a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')`,
    ],
    ['no schema', { [`${V}.schema`]: undefined }, `${V}.schema.openAPIV3Schema: Required value`],
    ['a warning of what is not deprecated', { [`${V}.deprecationWarning`]: 'x' }, `${V}.deprecationWarning: Invalid value: "x": can only be set for deprecated versions`],
    ['columns without paths', { [`${V}.additionalPrinterColumns`]: [{ name: 'a', type: 'text', jsonPath: 'x' }] }, 'spec.additionalPrinterColumns[0].type: Invalid value: "text": must be one of boolean,date,integer,number,string', 'spec.additionalPrinterColumns[0].JSONPath: Invalid value: "x": must be a simple json path starting with .'],
    ['scale elsewhere', { [`${V}.subresources`]: { scale: { specReplicasPath: '.status.n', statusReplicasPath: '.status.n' } } }, 'spec.subresources.scale.specReplicasPath: Invalid value: ".status.n": should be a json path under .spec'],
    ['fields that are not there', { [`${V}.selectableFields`]: [{ jsonPath: '.spec.color' }] }, 'spec.selectableFields[0].jsonPath: Invalid value: ".spec.color": is an invalid path: does not refer to a valid field'],
    ['fields that are lists', { [`${V}.selectableFields`]: [{ jsonPath: '.spec.tags' }] }, 'spec.selectableFields[0].jsonPath: Invalid value: ".spec.tags": must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.'],
    ['conversion by nothing', { 'spec.conversion': { strategy: 'Webhook' } }, 'spec.conversion.webhookClientConfig: Required value: required when strategy is set to Webhook', 'spec.conversion.conversionReviewVersions: Required value'],
    ['conversion by an unknown version', { 'spec.conversion': { strategy: 'Webhook', webhook: { clientConfig: { url: 'https://x' }, conversionReviewVersions: ['v7'] } } }, 'spec.conversion.conversionReviewVersions: Invalid value: ["v7"]: must include at least one of v1, v1beta1'],
  ]))

t.test('schemas', (t) =>
  checkRefusals(t, CRD, [
    ['no type', { [`${S}.type`]: undefined }, `${SHOWN}.type: Required value: must not be empty at the root`],
    ['no object', { [S]: { type: 'string' } }, `${SHOWN}.type: Invalid value: "string": must be object at the root`],
    ['a field without type', { [`${SPEC}.size`]: {} }, `${SHOWN_SPEC}[size].type: Required value: must not be empty for specified object fields`],
    ['an unknown type', { [`${SPEC}.size`]: { type: 'int' } }, `${SHOWN_SPEC}[size].type: Unsupported value: "int": supported values: "array", "boolean", "integer", "number", "object", "string"`],
    ['a list of nothing', { [`${SPEC}.tags`]: { type: 'array' } }, `${SHOWN_SPEC}[tags].items: Required value: must be specified`],
    ['a type in a junctor', { [`${SPEC}.size.anyOf`]: [{ type: 'integer' }] }, `${SHOWN_SPEC}[size].anyOf[0].type: Forbidden: must be empty to be structural`],
    ['a field only in a junctor', { [`${S}.allOf`]: [{ properties: { spec: { properties: { color: { minLength: 1 } } } } }] }, `${SHOWN_SPEC}[color]: Required value: because it is defined in ${SHOWN}.allOf[0].properties[spec].properties[color]`],
    ['both sorts of properties', { [`${S}.properties.spec.additionalProperties`]: { type: 'string' } }, `${SHOWN}.properties[spec].additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive`],
    ['unique items', { [`${SPEC}.tags.uniqueItems`]: true }, `${SHOWN_SPEC}[tags].uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic`],
    ['a reference', { [`${SPEC}.size.$ref`]: '#/x' }, `${SHOWN_SPEC}[size].$ref: Forbidden: $ref is not supported`],
    ['a default of metadata', { [`${S}.properties.kind`]: { type: 'string', default: 'Toad' } }, `${SHOWN}.properties[kind].default: Forbidden: must not be set in top-level kind`],
    ['a default of unknown fields', { [`${S}.properties.spec.default`]: { size: 1, color: 'red' } }, `${SHOWN}.properties[spec].default: Invalid value: {"color":"red","size":1}: must not have unknown fields`],
    ['a default that a rule refuses', { [`${SPEC}.size`]: { type: 'integer', default: 1, 'x-kubernetes-validations': [{ rule: 'self > 1' }] } }, `${SHOWN_SPEC}[size].default: Invalid value: 1: failed rule: self > 1`],
    ['a rule for what has no type', { [`${SPEC}.size`]: { 'x-kubernetes-preserve-unknown-fields': true, 'x-kubernetes-validations': [{ rule: 'self > 1' }] } }, `${SHOWN_SPEC}[size].x-kubernetes-validations: Internal error: internal error: failed to construct type information for x-kubernetes-validations rules: unable to convert structural schema to CEL declarations`],
    ['an unknown list type', { [`${SPEC}.tags.x-kubernetes-list-type`]: 'bag' }, `${SHOWN_SPEC}[tags].x-kubernetes-list-type: Unsupported value: "bag": supported values: "atomic", "set", "map"`],
    ['a map without keys', { [`${SPEC}.tags`]: { type: 'array', 'x-kubernetes-list-type': 'map', items: { type: 'object' } } }, `${SHOWN_SPEC}[tags].x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map`],
    ['keys that may be missing', { [`${SPEC}.tags`]: { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['k'], items: { type: 'object', properties: { k: { type: 'string' } } } } }, `${SHOWN_SPEC}[tags].items.properties[k].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property`],
    ['a set of objects', { [`${SPEC}.tags`]: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'object' } } }, `${SHOWN_SPEC}[tags].items.x-kubernetes-map-type: Invalid value: null: must be atomic as item of a list with x-kubernetes-list-type=set`],
    ['a number or a text, embedded', { [`${SPEC}.size`]: { 'x-kubernetes-int-or-string': true, 'x-kubernetes-preserve-unknown-fields': true } }, `${SHOWN_SPEC}[size].x-kubernetes-preserve-unknown-fields: Invalid value: true: must be false if x-kubernetes-int-or-string is true`],
    [
      'a rule that may cost too much, and one that costs nothing',
      { [`${SPEC}.size`]: { type: 'string', 'x-kubernetes-validations': [{ rule: 'self.matches(self)' }, { rule: 'self.size() > 0' }] } },
      `${SHOWN_SPEC}[size].x-kubernetes-validations[0].rule: Forbidden: estimated rule cost exceeds budget by factor of more than 100x (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`,
      `${SHOWN_SPEC}[size].x-kubernetes-validations[0].rule: Forbidden: contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema`,
      `${SHOWN}: Forbidden: x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema exceeds budget by factor of more than 100x (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`,
    ],
    ['a rule over parts of a text, whose sizes nobody asks for', { [`${SPEC}.size`]: { type: 'string' }, [`${S}.properties.spec.x-kubernetes-validations`]: [{ rule: "self.size.split(',', 2).exists(x, x.contains(x))" }] }],
    ['an empty list of metadata', { [`${S}.properties.metadata`]: { type: 'object', required: [] } }, `${SHOWN}.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified`],
    ['an empty list of metadata that is none', { [`${S}.properties.metadata`]: { type: 'object', enum: [] } }],
    ['a rule of nothing', { [`${SPEC}.size.x-kubernetes-validations`]: [{ rule: '', message: 'x' }] }, `${SHOWN_SPEC}[size].x-kubernetes-validations[0].rule: Required value: rule is not specified`],
    ['a rule of lines', { [`${SPEC}.size.x-kubernetes-validations`]: [{ rule: 'self >\n0' }] }, `${SHOWN_SPEC}[size].x-kubernetes-validations[0].message: Required value: message must be specified if rule contains line breaks`],
    ['a rule for another field', { [`${S}.properties.spec.x-kubernetes-validations`]: [{ rule: 'true', fieldPath: '.color' }] }, `${SHOWN}.properties[spec].x-kubernetes-validations[0].fieldPath: Invalid value: ".color": must be a valid path`],
  ]))

t.test('schemas that versions do not share are named by their versions', (t) =>
  checkRefusals(t, CRD, [
    ['a field without type', { 'spec.versions[1]': { name: 'v2', served: true, storage: false, schema: { openAPIV3Schema: { type: 'object', properties: { a: {} } } } } }, 'spec.versions[1].schema.openAPIV3Schema.properties[a].type: Required value: must not be empty for specified object fields'],
  ]))

t.test('what may not change', async (t) => {
  const established = { type: 'Established', status: 'True' }
  await checkUpdateRefusals(t, CRD, [
    ['the group', { 'spec.group': 'y.io' }, 'spec.group: Invalid value: "y.io": field is immutable'],
    ['the scope, before it is established', { 'spec.scope': 'Cluster' }],
    ['a version that was stored', { 'spec.versions[0].name': 'v2' }, 'status.storedVersions[0]: Invalid value: "v1": missing from spec.versions; v1 was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in v1 and removes v1 from status.storedVersions'],
  ])
  const { create, update, refusedUpdate } = await startApi(t)
  const crd = await update(await create(CRD), (c) => void (c.status = { ...(c.status as object), conditions: [established] }), { subresource: 'status' })
  t.same(await refusedUpdate(crd, (c) => void (c.spec = { ...CRD.spec, scope: 'Cluster' })), ['spec.scope: Invalid value: "Cluster": field is immutable'])
})

t.test('what is filled in', async (t) => {
  const crd = await stored(t, { ...CRD, status: { conditions: [{ type: 'Established', status: 'True' }] } })
  t.match(crd, { metadata: { generation: 1 }, spec: { conversion: { strategy: 'None' }, names: { plural: 'frogs', singular: 'frog', kind: 'Frog', listKind: 'FrogList' } } })
  t.same((crd.status as { storedVersions: unknown }).storedVersions, ['v1'])
  const two = await stored(t, { ...CRD, spec: { ...CRD.spec, versions: [{ ...VERSION, storage: false }, { ...VERSION, name: 'v2' }] } })
  t.same((two.status as { storedVersions: unknown }).storedVersions, ['v2'])
})

t.test('formats that mean nothing are warned of', async (t) => {
  const { api } = await startApi(t)
  const ctx = api.context({ user: ADMIN, namespace: '', dryRun: true, fieldManager: 'test', fieldValidation: 'Warn' })
  const withFormat = (format: string) => ({ ...CRD, spec: { ...CRD.spec, versions: [{ ...VERSION, schema: { openAPIV3Schema: { type: 'object', properties: { a: { type: 'string', format } } } } }] } })
  t.same(definition.warnings?.(withFormat('colour'), undefined, ctx), ['unrecognized format "colour"'])
  t.same(definition.warnings?.(withFormat('colour'), withFormat('colour'), ctx), [], 'once')
  t.same(definition.warnings?.(withFormat('date-time'), undefined, ctx), [])
})
