import t from 'tap'
import { allTypeNames, type FieldFacts, mustTypeFacts, typeFacts, typeNameFor } from '../../schemas/facts.ts'
import { type FieldType, scalarTypeNames } from '../../schemas/field-type.ts'
import { upstreamDiscovery } from '../../schemas/resources.ts'

function field(type: string, name: string): FieldFacts {
  const facts = mustTypeFacts(type).jsonFields.get(name)
  if (facts === undefined) throw new Error(`${type} has no ${name}`)
  return facts
}

function refs(type: FieldType): string[] {
  if (type.kind === 'ref') return [type.name]
  return type.kind === 'scalar' ? [] : refs(type.of)
}

const core = 'io.k8s.api.core.v1.'
const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1.'

t.test('every reference leads to a type', async (t) => {
  const missing = allTypeNames().flatMap((name) => mustTypeFacts(name).fields.flatMap((f) => refs(f.type).filter((ref) => typeFacts(ref) === undefined)))
  t.same(missing, [])
  t.same(Object.values(scalarTypeNames).filter((name) => typeFacts(name)?.scalar === undefined), [])
})

t.test('every kind that upstream serves has a type, and a list where it can be listed', async (t) => {
  const missing: string[] = []
  for (const [groupVersion, resources] of Object.entries(upstreamDiscovery().resources)) {
    const [group = '', version = ''] = groupVersion.includes('/') ? groupVersion.split('/') : ['', groupVersion]
    for (const r of resources) {
      const kinds = r.verbs.includes('list') ? [r.kind, `${r.kind}List`] : [r.kind]
      for (const kind of kinds) if (typeNameFor(r.group ?? group, r.version ?? version, kind) === undefined) missing.push(`${groupVersion} ${kind}`)
    }
  }
  t.same(missing, [])
})

t.test('protobuf numbers are unique in their message', async (t) => {
  for (const name of allTypeNames()) {
    const numbers = mustTypeFacts(name).fields.flatMap((f) => f.protobuf ?? [])
    if (new Set(numbers).size !== numbers.length) t.fail(name)
  }
})

t.test('kinds are found by group, version and kind', async (t) => {
  const cases: [string, string, string, string | undefined][] = [
    ['', 'v1', 'Pod', `${core}Pod`],
    ['', 'v1', 'PodList', `${core}PodList`],
    ['', 'v1', 'Status', `${meta}Status`],
    ['apps', 'v1', 'DeleteOptions', `${meta}DeleteOptions`],
    ['meta.k8s.io', 'v1', 'Table', `${meta}Table`],
    ['rbac.authorization.k8s.io', 'v1', 'Role', 'io.k8s.api.rbac.v1.Role'],
    ['apiregistration.k8s.io', 'v1', 'APIService', 'io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIService'],
    ['metrics.k8s.io', 'v1beta1', 'PodMetrics', 'io.k8s.metrics.pkg.apis.metrics.v1beta1.PodMetrics'],
    ['apps.example.com', 'v1', 'Deployment', undefined],
    ['', 'v1', '__proto__', undefined],
  ]
  for (const [group, version, kind, name] of cases) t.equal(typeNameFor(group, version, kind), name, `${group}/${version} ${kind}`)
})

t.test('fields carry what encoding, merging and checking need', async (t) => {
  t.match(field(`${core}PodSpec`, 'containers'), {
    goName: 'Containers', protobuf: 2, required: true, pointer: false, omitEmpty: false,
    listType: 'map', listMapKeys: ['name'], patchStrategy: ['merge'], patchMergeKey: 'name',
    type: { kind: 'list', of: { kind: 'ref', name: `${core}Container` }, goName: '[]v1.Container' },
  })
  t.match(field(`${core}PodSpec`, 'volumes').patchStrategy, ['merge', 'retainKeys'])
  t.match(field(`${core}PodSpec`, 'hostUsers'), { pointer: true, omitEmpty: true, protobuf: 37, type: { scalar: 'bool' } })
  t.match(field(`${core}PodSpec`, 'dnsPolicy'), { goName: 'DNSPolicy', enum: ['ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None'] })
  t.match(field(`${core}ContainerPort`, 'protocol'), { default: 'TCP', type: { kind: 'scalar', scalar: 'string', goName: 'v1.Protocol' } })
  t.match(field(`${core}Secret`, 'data').type, { kind: 'map', of: { scalar: 'bytes' }, goName: 'map[string][]uint8' })
  t.match(field(`${core}ResourceRequirements`, 'limits').type, { kind: 'map', of: { scalar: 'Quantity' }, goName: 'v1.ResourceList' })
  t.match(field(`${meta}ObjectMeta`, 'creationTimestamp'), { omitEmpty: true, omitZero: true, type: { scalar: 'Time', goName: 'v1.Time' } })
  t.match(field(`${meta}ObjectMeta`, 'uid'), { goName: 'UID', type: { scalar: 'string', goName: 'types.UID' } })
  t.match(field('io.k8s.api.authentication.v1.UserInfo', 'extra').type, { kind: 'map', of: { kind: 'list', goName: 'v1.ExtraValue' } })
})

t.test('inlined structs give their fields to the object and stay a message of their own', async (t) => {
  const volume = mustTypeFacts(`${core}Volume`)
  t.match(volume.fields[1], { name: '', inline: true, protobuf: 2, goName: 'VolumeSource' })
  t.match(volume.jsonFields.get('emptyDir'), { protobuf: 2, type: { name: `${core}EmptyDirVolumeSource` } })
  t.same([...mustTypeFacts(`${core}Pod`).jsonFields.keys()], ['kind', 'apiVersion', 'metadata', 'spec', 'status'])
})
