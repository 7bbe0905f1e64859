/** The sentences of the OpenAPI documents, which come from a dependency, are whole and on nearly every field. */
import t from 'tap'
import { allTypeNames } from '../../schemas/facts.ts'
import { describeType } from '../../src/apiserver/descriptions.ts'
import { collectSchemas, type JsonSchema } from '../../src/apiserver/openapi-schema.ts'

const podSpec = 'io.k8s.api.core.v1.PodSpec'

function properties(schema: JsonSchema | undefined): [string, JsonSchema][] {
  return Object.entries((schema?.['properties'] ?? {}) as Record<string, JsonSchema>)
}

t.test('fields and types have theirs', async (t) => {
  const pod = describeType(podSpec)
  t.match(pod[''], /^PodSpec is a description of a pod\.$/)
  t.match(pod['containers'], /^List of containers/, 'a list')
  t.match(pod['affinity'], /scheduling constraints/, 'a reference')
  t.match(describeType('io.k8s.api.networking.v1.NetworkPolicyIngressRule')['from'], /^from is a list/, 'a reserved word')
  t.match(describeType('io.k8s.api.rbac.v1.PolicyRule')['nonResourceURLs'], '*', 'a type of which several groups have one')
  t.match(describeType('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta')['labels'], /^Map of string keys/)
  t.match(describeType('io.k8s.apimachinery.pkg.api.resource.Quantity')[''], /^Quantity is/)
  t.match(describeType('io.k8s.api.apps.v1.RollingUpdateDeployment')['maxSurge'], /^The maximum number of pods/, 'a number or a percentage')
  t.match(describeType('io.k8s.api.coordination.v1.LeaseSpec')['renewTime'], /^renewTime is/, 'a time')
  t.match(describeType('io.k8s.apimachinery.pkg.util.intstr.IntOrString')[''], /^IntOrString is a type/, 'what only fields tell')
  t.same(describeType('io.k8s.api.core.v1.Nonsense'), {})
})

t.test('nothing is left of the comments they stood in', async (t) => {
  const texts = allTypeNames().flatMap((name) => Object.values(describeType(name)))
  t.ok(texts.length > 2500, `${texts.length} sentences`)
  t.same(texts.filter((text) => /\*_\/|\/_\*|\*\/$|^\*|\\'/.test(text) || text.trim() !== text), [])
})

t.test('paragraphs are kept, and so are two spaces within them', (t) => {
  t.match(describeType('io.k8s.api.core.v1.FileKeySelector')['optional'], /containers\.\n\nIf optional is set/)
  t.match(describeType('io.k8s.apimachinery.pkg.util.intstr.IntOrString')[''], /string\. {2}When/)
  t.end()
})

t.test('both versions carry them', async (t) => {
  for (const version of ['v2', 'v3'] as const) {
    const schemas = collectSchemas(version, ['io.k8s.api.core.v1.Pod', 'io.k8s.api.apps.v1.Deployment'])
    const fields = Object.values(schemas).flatMap(properties)
    const described = fields.filter(([, schema]) => typeof schema['description'] === 'string')
    t.ok(described.length > fields.length * 0.95, `${version}: ${described.length} of ${fields.length}`)
    t.match(schemas[podSpec]?.['description'], /^PodSpec is/)
    const affinity = properties(schemas[podSpec]).find(([name]) => name === 'affinity')?.[1]
    t.same(Object.keys(affinity ?? {}).sort(), version === 'v2' ? ['$ref', 'description'] : ['allOf', 'description'])
  }
})
