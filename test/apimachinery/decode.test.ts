import t from 'tap'
import { decodeObject, mergeStrictErrors } from '../../src/apimachinery/decode.ts'
import { fromUnstructured } from '../../src/apimachinery/from-unstructured.ts'
import { freezeJSON } from '../../src/apimachinery/json.ts'
import { normalize } from '../../src/apimachinery/normalize.ts'
import { ParseError } from '../../src/apimachinery/parse-error.ts'
import { parseJSON } from '../../src/apimachinery/parse.ts'

const POD = 'io.k8s.api.core.v1.Pod'
const SERVICE = 'io.k8s.api.core.v1.Service'
const CONFIG_MAP = 'io.k8s.api.core.v1.ConfigMap'
const LEASE = 'io.k8s.api.coordination.v1.Lease'
const CRD = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition'
const pod = (container: object) => ({ spec: { containers: [container] } })

t.test('what is kept', (t) => {
  const table: [string, string, unknown, unknown][] = [
    ['structs that are always written', POD, { metadata: null }, { metadata: {}, spec: {}, status: {} }],
    ['zero values', CONFIG_MAP, { metadata: { name: '', labels: {}, generation: 0 }, data: { a: '', b: null }, immutable: false }, { metadata: {}, immutable: false, data: { a: '', b: '' } }],
    ['order', CONFIG_MAP, { data: { x: 'y' }, metadata: { labels: {}, name: 'a' }, apiVersion: 'v1', kind: 'ConfigMap' }, { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'a' }, data: { x: 'y' } }],
    ['quantities', POD, pod({ name: 'c', resources: { limits: { cpu: 1, memory: '1024Mi' } } }), { metadata: {}, spec: { containers: [{ name: 'c', resources: { limits: { cpu: '1', memory: '1Gi' } } }] }, status: {} }],
    ['times', LEASE, { metadata: { creationTimestamp: '2020-01-02T03:04:05.9+01:00' }, spec: { renewTime: '2020-01-02T03:04:05.5999999Z'.replace('5999999', '599999') } }, { metadata: { creationTimestamp: '2020-01-02T02:04:05Z' }, spec: { renewTime: '2020-01-02T03:04:05.599999Z' } }],
    ['bytes', CONFIG_MAP, { binaryData: { a: 'YQ\n==', b: [97, 98] } }, { metadata: {}, binaryData: { a: 'YQ==', b: 'YWI=' } }],
    ['list items that are null', POD, { spec: { tolerations: [null], containers: [{ args: [null] }] } }, { metadata: {}, spec: { containers: [{ resources: {}, args: [''] }], tolerations: [{}] }, status: {} }],
  ]
  for (const [name, type, given, expected] of table) {
    const { object } = decodeObject(type, given)
    t.same(object, expected, name)
    t.same(Object.keys(object), Object.keys(expected as object), `${name}: order`)
  }
  t.end()
})

t.test('fields that the type does not have', (t) => {
  const { object, strictErrors } = decodeObject(POD, { spec: { Containers: 1, containers: [{ name: 'c', ports: [{}, { contanerPort: 1 }] }], nodeSelector: { any: 'x' } }, foo: {} })
  t.same(strictErrors, ['unknown field "spec.Containers"', 'unknown field "spec.containers[0].ports[1].contanerPort"', 'unknown field "foo"'])
  t.same(object.spec, { containers: [{ name: 'c', ports: [{}, {}], resources: {} }], nodeSelector: { any: 'x' } })
  t.same(mergeStrictErrors(['duplicate field "a.b"', 'duplicate field "ab"', 'duplicate field "a"'], ['unknown field "a"']), ['duplicate field "ab"', 'unknown field "a"'])
  const json = '{"x": 1, "spec": {"b": 1, "c": [{"d": 1, "d": 2}], "b": 2, "y": 1}}'
  const inOrder = ['unknown field "x"', 'duplicate field "spec.c[0].d"', 'duplicate field "spec.b"', 'unknown field "spec.y"']
  t.same(mergeStrictErrors(inOrder.filter((e) => e.startsWith('dup')), inOrder.filter((e) => e.startsWith('un')), json), inOrder)
  t.end()
})

t.test('values that do not fit, in Go’s words', (t) => {
  const quantity = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
  const table: [string, string, string][] = [
    [POD, '[]', 'json: cannot unmarshal array into Go value of type v1.Pod'],
    [POD, '{"metadata":"x"}', 'json: cannot unmarshal string into Go struct field Pod.metadata of type v1.ObjectMeta'],
    [POD, '{"metadata":{"labels":[]}}', 'json: cannot unmarshal array into Go struct field ObjectMeta.metadata.labels of type map[string]string'],
    [POD, '{"metadata":{"labels":{"a":true}}}', 'json: cannot unmarshal bool into Go struct field ObjectMeta.metadata.labels of type string'],
    [SERVICE, '{"spec":{"ports":[{"port":"80"}]}}', 'json: cannot unmarshal string into Go struct field ServicePort.spec.ports.port of type int32'],
    [SERVICE, '{"spec":{"ports":[{"port":1.0}]}}', 'json: cannot unmarshal number 1.0 into Go struct field ServicePort.spec.ports.port of type int32'],
    [SERVICE, '{"spec":{"ports":[{"port":3000000000}]}}', 'json: cannot unmarshal number 3000000000 into Go struct field ServicePort.spec.ports.port of type int32'],
    [SERVICE, '{"spec":{"ports":[{"targetPort":true}]}}', 'json: cannot unmarshal bool into Go struct field ServicePort.spec.ports.targetPort of type int32'],
    [POD, '{"spec":{"volumes":[{"emptyDir":1}]}}', 'json: cannot unmarshal number into Go struct field Volume.spec.volumes.VolumeSource.emptyDir of type v1.EmptyDirVolumeSource'],
    [POD, '{"metadata":{"name":1},"spec":{"containers":[{"resources":{"limits":{"cpu":"x"}}}]}}', quantity],
    [POD, '{"metadata":{"name":1,"labels":2}}', 'json: cannot unmarshal number into Go struct field ObjectMeta.metadata.name of type string'],
    [POD, '{"metadata":{"creationTimestamp":"x"}}', 'parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006"'],
    [POD, '{"metadata":{"creationTimestamp":"2020-13-01T00:00:00Z"}}', 'parsing time "2020-13-01T00:00:00Z": month out of range'],
    [POD, '{"metadata":{"creationTimestamp":"2021-02-29T00:00:00Z"}}', 'parsing time "2021-02-29T00:00:00Z": day out of range'],
    [LEASE, '{"spec":{"renewTime":"2020-01-02T03:04:05Z"}}', 'parsing time "2020-01-02T03:04:05Z" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "Z" as ".000000"'],
    [CONFIG_MAP, '{"binaryData":{"a":"%%%"}}', 'illegal base64 data at input byte 0'],
    [CRD, '{"spec":{"versions":[{"schema":{"openAPIV3Schema":{"properties":{"a":{"items":{"type":1}}}}}}]}}', 'json: cannot unmarshal number into Go struct field JSONSchemaProps.spec.versions.schema.openAPIV3Schema.properties.items.type of type string'],
    [CRD, '{"spec":{"versions":[{"schema":{"openAPIV3Schema":{"items":{"additionalProperties":{"properties":{"a":{"enum":"x"}}}}}}}]}}', 'json: cannot unmarshal string into Go struct field JSONSchemaProps.spec.versions.schema.openAPIV3Schema.items.additionalProperties.properties.enum of type []v1.JSON'],
    [CRD, '{"spec":{"versions":[{"schema":{"openAPIV3Schema":{"additionalProperties":1}}}]}}', 'boolean or JSON schema expected'],
  ]
  for (const [type, text, message] of table) t.throws(() => decodeObject(type, parseJSON(text).value), new ParseError(message), text)
  t.end()
})

t.test('numbers past what a double holds, and texts of quantities, are told apart', (t) => {
  const decode = (text: string) => decodeObject(POD, parseJSON(text).value).object
  t.throws(() => decode('{"metadata":{"generation":9223372036854775808}}'), new ParseError('json: cannot unmarshal number 9223372036854775808 into Go struct field ObjectMeta.metadata.generation of type int64'))
  t.match(decode('{"metadata":{"generation":9223372036854775807}}'), { metadata: { generation: 2 ** 63 } })
  t.match(decode('{"spec":{"overhead":{"cpu":1e3,"memory":0.10}}}'), { spec: { overhead: { cpu: '1e3', memory: '100m' } } })
  t.end()
})

t.test('normalize writes what Go writes for want of a value', (t) => {
  const conditions = [{ type: 'Ready', status: 'True' }]
  const given = { kind: 'Pod', apiVersion: 'v1', metadata: {}, spec: { nodeName: '', tolerations: [], containers: [{ image: 'i', name: 'c', livenessProbe: { tcpSocket: {} } }] }, status: { conditions } }
  const normal = normalize(POD, given)
  t.same(normal, {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: {},
    spec: { containers: [{ name: 'c', image: 'i', resources: {}, livenessProbe: { tcpSocket: { port: 0 } } }] },
    status: { conditions: [{ type: 'Ready', status: 'True', lastProbeTime: null, lastTransitionTime: null }] },
  })
  t.equal(JSON.stringify(normalize('io.k8s.api.rbac.v1.Role', { rules: [], metadata: {} })), '{"metadata":{},"rules":null}')
  t.equal(normalize(POD, freezeJSON(normal)), normal, 'what is normal already is given back')
  const changed = normalize(POD, { ...normal, spec: { ...normal.spec, priority: 0, hostNetwork: false } })
  t.equal(changed.status, normal.status, 'parts that did not change are shared')
  t.same(Object.keys(changed.spec), ['containers', 'priority'])
  t.end()
})

t.test('from a patched map: other words, the same object', (t) => {
  const table: [object, string][] = [
    [{ spec: { replicas: 'x' } }, 'unrecognized type: int32'],
    [{ spec: { replicas: 1.5 } }, 'cannot convert float64 to int32'],
    [{ metadata: { name: 1 } }, 'cannot convert int64 to string'],
    [{ metadata: { name: true } }, 'unrecognized type: string'],
    [{ spec: 'x' }, 'cannot restore struct from: string'],
    [{ metadata: { labels: [] } }, 'cannot restore map from slice'],
    [{ spec: { template: { spec: { containers: {} } } } }, 'cannot restore slice from map'],
    [{ metadata: { creationTimestamp: 1 } }, 'json: cannot unmarshal number into Go value of type string'],
  ]
  const type = 'io.k8s.api.apps.v1.Deployment'
  for (const [value, message] of table) t.throws(() => fromUnstructured(type, value as Record<string, unknown>), new ParseError(message), JSON.stringify(value))
  const value = { spec: { z: 1, template: { spec: { containers: [{ y: 1 }] } } }, a: 1 }
  t.same(fromUnstructured(type, value).strictErrors, ['unknown field "a"', 'unknown field "spec.template.spec.containers[0].y"', 'unknown field "spec.z"'])
  t.same(fromUnstructured(type, value).object, decodeObject(type, value).object)
  t.end()
})
