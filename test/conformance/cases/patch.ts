/** Cases of the family in the file name. */
import { apps, configMap, container, core, deployment, JSON_PATCH, MERGE, STRATEGIC, type Family } from '../_case.ts'

const template = (containers: unknown) => ({ spec: { template: { spec: { containers } } } })

export default {
  family: 'patch',
  cases: [
    {
      name: 'JSON patch',
      steps: ({ ns }) => {
        const patch = (operations: unknown) => ({ call: `PATCH ${core(ns, 'configmaps/a')}`, headers: JSON_PATCH, body: operations })
        return [
          { call: `POST ${core(ns, 'configmaps')}`, body: configMap('a', { metadata: { annotations: { 'x/y': '2' } }, data: { a: '1' } }) },
          { ...patch([{ op: 'test', path: '/data/a', value: '1' }, { op: 'add', path: '/data/b', value: 'n' }, { op: 'move', from: '/metadata/annotations/x~1y', path: '/data/c' }, { op: 'copy', from: '/data/a', path: '/data/d' }, { op: 'remove', path: '/data/a' }]), match: { data: { b: 'n', c: '2', d: '1' } } },
          { ...patch([{ op: 'test', path: '/data/b', value: 'other' }]), status: 422, match: { reason: 'Invalid' } },
          { ...patch([{ op: 'remove', path: '/data/none' }]), status: 422 },
          { ...patch({}), status: 400 },
          { ...patch([{ op: 'add', path: '/data', value: 7 }]), status: 422, match: { message: /^ "" is invalid: patch: Invalid value: / } },
        ]
      },
    },
    {
      name: 'merge patch',
      steps: ({ ns }) => {
        const patch = (body: unknown) => ({ call: `PATCH ${core(ns, 'configmaps/a')}`, headers: MERGE, body })
        return [
          { call: `POST ${core(ns, 'configmaps')}`, body: configMap('a', { data: { a: '1', b: '2' } }) },
          { ...patch({ data: { a: null, c: '3' } }), match: { data: { b: '2', c: '3' } } },
          { ...patch({ kind: 'ServiceAccount' }), status: 422, match: { message: /converting \(v1.ServiceAccount\) to \(core.ConfigMap\): unknown conversion/ } },
          { ...patch({ apiVersion: 'v9' }), status: 422, match: { message: /no kind "ConfigMap" is registered for version "v9"/ } },
          { ...patch([]), status: 400 },
          { call: `PATCH ${core(ns, 'configmaps/none')}`, headers: MERGE, body: {}, status: 404 },
          { call: `PATCH ${core(ns, 'configmaps/a')}`, body: {}, status: 415 },
        ]
      },
    },
    {
      name: 'strategic merge patch: lists by key, directives',
      steps: ({ ns }) => {
        const patch = (body: unknown) => ({ call: `PATCH ${apps(ns, 'deployments/d')}`, headers: STRATEGIC, body })
        const names = (...list: string[]) => ({ spec: { template: { spec: { containers: list.map((name) => ({ name })) } } } })
        return [
          { call: `POST ${apps(ns, 'deployments')}`, body: deployment('d', { containers: [container('a'), container('b', { args: ['x'] })] }) },
          { ...patch(template([{ name: 'b', image: 'registry.example/new:2' }, container('c')])), match: { spec: { template: { spec: { containers: [{ name: 'a' }, { name: 'b', image: 'registry.example/new:2', args: ['x'] }, { name: 'c' }] } } } } },
          { ...patch({ spec: { template: { spec: { '$setElementOrder/containers': [{ name: 'a' }, { name: 'b' }, { name: 'c' }], containers: [] } } } }), match: names('a', 'b', 'c') },
          { ...patch(template([{ name: 'a', $patch: 'delete' }])), match: names('b', 'c') },
          { ...patch(template([container('z'), { $patch: 'replace' }])), match: names('z') },
          { ...patch({ spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } }), match: { spec: { strategy: { type: 'Recreate' } } } },
          { ...patch(template([{ name: 'z', $patch: 'odd' }])), status: 500 },
        ]
      },
    },
    {
      name: 'a patch that changes nothing writes nothing',
      async run({ t, ns, client, make }) {
        const made = await make(core(ns, 'configmaps'), configMap('a', { data: { a: '1' } }))
        const { body } = await client.call(`PATCH ${core(ns, 'configmaps/a')}`, { headers: MERGE, body: { data: { a: '1' } } })
        t.same(body.metadata, made.metadata)
        const dry = await client.call(`PATCH ${core(ns, 'configmaps/a')}?dryRun=All`, { headers: MERGE, body: { data: { a: '2' } } })
        t.match(dry.body, { data: { a: '2' }, metadata: { resourceVersion: (made.metadata as { resourceVersion: string }).resourceVersion } })
        t.match((await client.call(`GET ${core(ns, 'configmaps/a')}`)).body, { data: { a: '1' } })
      },
    },
  ],
} satisfies Family
