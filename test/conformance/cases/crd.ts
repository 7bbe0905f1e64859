/** Cases of the family in the file name. */
import { APPLY, MERGE, TABLE, type Context, type Family } from '../_case.ts'

const schema = {
  type: 'object',
  properties: {
    spec: {
      type: 'object', required: ['size'],
      properties: { size: { type: 'integer', minimum: 1 }, mode: { type: 'string', enum: ['on', 'off'], default: 'on' }, ports: { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'], items: { type: 'object', required: ['name'], properties: { name: { type: 'string' }, value: { type: 'integer' } } } } },
      'x-kubernetes-validations': [{ rule: 'self.size < 100', message: 'too big' }],
    },
    status: { type: 'object', properties: { ready: { type: 'boolean' } } },
  },
}

/** Defines a kind, waits until it is served, and takes it away in the end. */
async function define({ t, client, id, ns, make }: Context): Promise<string> {
  const group = `${id}.example.com`
  const definition = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions`
  await make(definition, {
    apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: `gadgets.${group}` },
    spec: { group, scope: 'Namespaced', names: { plural: 'gadgets', singular: 'gadget', kind: 'Gadget' }, versions: [{ name: 'v1', served: true, storage: true, subresources: { status: {} }, additionalPrinterColumns: [{ name: 'Size', type: 'integer', jsonPath: '.spec.size' }], schema: { openAPIV3Schema: schema } }] },
  })
  t.teardown(() => client.call(`DELETE ${definition}/gadgets.${group}`))
  const path = `/apis/${group}/v1/namespaces/${ns}/gadgets`
  for (let attempts = 0; attempts < 200; attempts++) if ((await client.call(`GET ${path}`)).status === 200) return path
  throw new Error('the kind is not served')
}

const gadget = ({ id }: Context, name: string, spec: unknown) => ({ apiVersion: `${id}.example.com/v1`, kind: 'Gadget', metadata: { name }, spec })

export default {
  family: 'crd',
  cases: [
    {
      name: 'a kind of one’s own: defaults, pruning, validation, rules, columns',
      async run(context) {
        const { t, client } = context
        const path = await define(context)
        const post = (name: string, spec: unknown) => client.call(`POST ${path}`, { body: gadget(context, name, spec) })
        t.match(await post('a', { size: 3, nope: 1 }), { status: 201, body: { metadata: { generation: 1 }, spec: { size: 3, mode: 'on', nope: undefined } }, warnings: ['unknown field "spec.nope"'] })
        t.match(await post('b', { size: 0 }), { status: 422, body: { message: /spec.size in body should be greater than or equal to 1/ } })
        t.match(await post('b', { size: 100 }), { status: 422, body: { message: /spec: Invalid value: .*too big/ } })
        t.match(await post('b', {}), { status: 422, body: { message: /spec.size: Required value/ } })
        t.match(await client.call(`GET ${path}`, { headers: TABLE }), { body: { columnDefinitions: [{ name: 'Name' }, { name: 'Size', type: 'integer' }], rows: [{ cells: ['a', 3] }] } })
        t.match(await client.call(`PATCH ${path}/a`, { headers: MERGE, body: { status: { ready: true } } }), { body: { status: undefined } })
        t.match(await client.call(`PATCH ${path}/a/status`, { headers: MERGE, body: { spec: { size: 9 }, status: { ready: true } } }), { body: { spec: { size: 3 }, status: { ready: true }, metadata: { generation: 1 } } })
      },
    },
    {
      name: 'apply by the schema’s keys',
      async run(context) {
        const { t, client } = context
        const path = await define(context)
        const apply = (manager: string, ports: unknown) => client.call(`PATCH ${path}/a?fieldManager=${manager}`, { headers: APPLY, body: gadget(context, 'a', { size: 1, ports }) })
        t.equal((await apply('x', [{ name: 'p', value: 1 }])).status, 201)
        t.match((await apply('y', [{ name: 'q', value: 2 }])).body, { spec: { ports: [{ name: 'p' }, { name: 'q' }] } })
        t.match(await apply('y', [{ name: 'p', value: 3 }]), { status: 409, body: { message: /conflict with "x": .spec.ports\[name="p"\].value/ } })
      },
    },
  ],
} satisfies Family
