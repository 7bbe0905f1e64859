import t, { type Test } from 'tap'
import { admissionPlugins } from '../../src/admission/plugins.ts'
import { isStatusError } from '../../src/errors.ts'
import type { KubeObject } from '../../src/registry/kind.ts'
import { startApi, type TestApi } from '../helpers/in-process-api.ts'

const API = { apiVersion: 'admissionregistration.k8s.io/v1' }
const RULE = { apiGroups: ['', 'apps'], apiVersions: ['v1'], operations: ['*'], resources: ['configmaps', 'pods'] }
const CONFIG_MAP = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', namespace: 'ns', labels: { l: '1' } }, data: { a: '1' } }
const POD = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'c', namespace: 'ns' }, spec: { containers: [{ name: 'c', image: 'i' }] } }

async function setup(t: Test): Promise<TestApi & { policy(name: string, spec: object, binding?: object): Promise<void> }> {
  const api = await startApi(t, { plugins: admissionPlugins().filter(({ name }) => name === 'MutatingAdmissionPolicy') })
  await api.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'ns' } })
  return {
    ...api,
    async policy(name, spec, binding = {}) {
      await api.create({ ...API, kind: 'MutatingAdmissionPolicy', metadata: { name }, spec: { matchConstraints: { resourceRules: [RULE] }, reinvocationPolicy: 'Never', ...spec } })
      await api.create({ ...API, kind: 'MutatingAdmissionPolicyBinding', metadata: { name }, spec: { policyName: name, ...binding } })
    },
  }
}

const patch = (...expressions: string[]) => ({ mutations: expressions.map((expression) => ({ patchType: 'JSONPatch', jsonPatch: { expression } })) })
const apply = (...expressions: string[]) => ({ mutations: expressions.map((expression) => ({ patchType: 'ApplyConfiguration', applyConfiguration: { expression } })) })
const because = (why: string): string => `403 Invalid: policy 'p' with binding 'p' denied request: ${why}`

async function outcome(write: Promise<unknown>, pick: (made: never) => unknown): Promise<unknown> {
  try {
    return pick((await write) as never)
  } catch (error) {
    if (!isStatusError(error)) throw error
    return `${error.code} ${error.reason ?? ''}: ${error.message}`
  }
}

const data = ({ data }: { data: unknown }): unknown => data
const labels = ({ metadata }: KubeObject): unknown => metadata.labels
const containers = ({ spec }: { spec: { containers: { name: string; image: string }[] } }): unknown => spec.containers.map(({ name, image }) => `${name}=${image}`)

t.test('what mutations make', async (t) => {
  const cases: [name: string, object: object, spec: object, pick: (made: never) => unknown, wanted: unknown][] = [
    ['a label', CONFIG_MAP, patch("[JSONPatch{op: 'add', path: '/metadata/labels/' + jsonpatch.escapeKey('a/b'), value: 'y'}]"), labels, { l: '1', 'a/b': 'y' }],
    ['a value made of the object', CONFIG_MAP, patch("[JSONPatch{op: 'replace', path: '/data/a', value: object.data.a + 'x'}]"), data, { a: '1x' }],
    ['one after the other', CONFIG_MAP, apply('Object{data: Object.data{a: string(int(object.data.a) + 1)}}', 'Object{data: {"b": object.data.a}}'), data, { a: '2', b: '2' }],
    ['a test that fails', CONFIG_MAP, patch("[JSONPatch{op: 'test', path: '/data/a', value: '2'}, JSONPatch{op: 'remove', path: '/data/a'}]"), data, { a: '1' }],
    ['a container more', POD, patch("[JSONPatch{op: 'add', path: '/spec/containers/-', value: Object.spec.containers{name: 'side', image: 's'}}]"), containers, ['c=i', 'side=s']],
    ['a container merged', POD, apply("Object{spec: Object.spec{containers: [Object.spec.containers{name: 'd', image: 'e'}, Object.spec.containers{name: 'c', image: 'j'}]}}"), containers, ['d=e', 'c=j']],
    ['an optional member', CONFIG_MAP, apply("Object{?data: optional.of({'q': 'r'}), ?binaryData: optional.none()}"), data, { a: '1', q: 'r' }],
    ['a variable', CONFIG_MAP, { ...apply("Object{data: {'v': variables.v}}"), variables: [{ name: 'v', expression: "object.data.a + '!'" }] }, data, { a: '1', v: '1!' }],
    ['a condition that is not met', CONFIG_MAP, { ...apply("Object{data: {'v': 'x'}}"), matchConditions: [{ name: 'm', expression: "object.data.a == '2'" }] }, data, { a: '1' }],
    ['of a wrong type', CONFIG_MAP, patch("[JSONPatch{op: 'add', path: '/data/n', value: 5}]"), data, '500 InternalError: Internal error occurred: json: cannot unmarshal number into Go struct field ConfigMap.data of type string'],
    ['of an unknown field', CONFIG_MAP, patch("[JSONPatch{op: 'add', path: '/spec', value: 'x'}]"), data, '500 InternalError: Internal error occurred: strict decoding error: unknown field "spec"'],
    ['that does not apply', CONFIG_MAP, patch("[JSONPatch{op: 'remove', path: '/data/zz'}]"), data, because("JSON Patch: error in remove for path: '/data/zz': Unable to remove nonexistent key: zz: missing value")],
    ['that does not evaluate', CONFIG_MAP, apply("Object{data: {'v': object.x.y}}"), data, because(`expression 'Object{data: {'v': object.x.y}}' resulted in error: no such key: x`)],
    ['that is ignored', CONFIG_MAP, { ...apply("Object{data: {'v': object.x.y}}"), failurePolicy: 'Ignore' }, data, { a: '1' }],
    ['of an atomic list', POD, apply("Object{spec: Object.spec{containers: [Object.spec.containers{name: 'c', command: ['x']}]}}"), containers, because('error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: .spec.containers[0].command')],
    ['of the wrong names', CONFIG_MAP, apply("Object{data: Object.wrong{z: '1'}}"), data, because('type mismatch: unexpected type name "Object.wrong", expected "Object.data", which matches field name path from root Object type')],
  ]
  for (const [name, object, spec, pick, wanted] of cases) {
    const { policy, client } = await setup(t)
    await policy('p', spec)
    t.same(await outcome(client().create(object as KubeObject), pick), wanted, name)
  }
})

t.test('what is refused when a policy is written', async (t) => {
  const { refused } = await setup(t)
  const policy = (spec: object) => ({ ...API, kind: 'MutatingAdmissionPolicy', metadata: { name: 'p' }, spec: { matchConstraints: { resourceRules: [RULE] }, reinvocationPolicy: 'Never', ...spec } })
  t.same(await refused(policy(patch("JSONPatch{op: 'x', path: '/'}"))), [`spec.mutations[0].jsonPatch.expression: Invalid value: "JSONPatch{op: 'x', path: '/'}": must evaluate to list(JSONPatch) but got JSONPatch`])
  t.same(await refused(policy(apply("Object.data{z: '1'}"))), [`spec.mutations[0].applyConfiguration.expression: Invalid value: "Object.data{z: '1'}": must evaluate to Object but got Object.data`])
  t.match(await refused(policy(patch("[JSONPatch{op: 1, path: '/'}]"))), [/expected type of field 'op' is 'string' but provided type is 'int'/])
})

t.test('again when others changed the object', async (t) => {
  const count = apply("Object{data: {'n': string(has(object.data.n) ? int(object.data.n) + 1 : 1)}}")
  for (const { reinvocationPolicy, n } of [{ reinvocationPolicy: 'IfNeeded', n: '2' }, { reinvocationPolicy: 'Never', n: '1' }]) {
    const { policy, client } = await setup(t)
    await policy('p', { ...count, reinvocationPolicy })
    t.same(data((await client().create(CONFIG_MAP as KubeObject)) as never), { a: '1', n }, reinvocationPolicy)
  }
})
