/** Cases of the family in the file name. */
import { apps, configMap, core, deployment, TABLE, type Family } from '../_case.ts'

const PARTIAL = { accept: 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io' }
const PARTIAL_LIST = { accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io' }

export default {
  family: 'tables',
  cases: [
    {
      name: 'columns and cells',
      steps: ({ ns }) => [
        { call: `POST ${apps(ns, 'deployments')}`, body: deployment('d') },
        { call: `GET ${apps(ns, 'deployments/d')}`, headers: TABLE, match: { kind: 'Table', columnDefinitions: [{ name: 'Name', format: 'name' }, { name: 'Ready' }, { name: 'Up-to-date' }, { name: 'Available' }, { name: 'Age' }, { name: 'Containers', priority: 1 }, { name: 'Images', priority: 1 }, { name: 'Selector', priority: 1 }], rows: [{ cells: ['d', '0/0', 0, 0, String, 'c', 'registry.example/app:1', 'app=d'], object: { kind: 'PartialObjectMetadata', metadata: { name: 'd' } } }] } },
        { call: `GET ${apps(ns, 'deployments')}?includeObject=None`, headers: TABLE, match: { rows: [{ object: null }] } },
        { call: `GET ${apps(ns, 'deployments')}?includeObject=Object`, headers: TABLE, match: { rows: [{ object: { kind: 'Deployment', spec: { replicas: 0 } } }] } },
        { call: `GET ${apps(ns, 'deployments')}?includeObject=Odd`, headers: TABLE, status: 400 },
      ],
    },
    {
      name: 'metadata alone',
      steps: ({ ns }) => [
        { call: `POST ${core(ns, 'configmaps')}`, body: configMap('a', { data: { a: '1' } }) },
        { call: `GET ${core(ns, 'configmaps/a')}`, headers: PARTIAL, match: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: { name: 'a' } } },
        { call: `GET ${core(ns, 'configmaps')}?fieldSelector=metadata.name=a`, headers: PARTIAL_LIST, match: { kind: 'PartialObjectMetadataList', items: [{ metadata: { name: 'a' } }] } },
        { call: `GET ${core(ns, 'configmaps')}`, headers: PARTIAL, status: 406, match: { message: 'you requested PartialObjectMetadata, but the requested object is a list (*core.ConfigMapList)' } },
        { call: `GET /apis/events.k8s.io/v1/namespaces/${ns}/events`, headers: PARTIAL, status: 406, match: { message: 'you requested PartialObjectMetadata, but the requested object is a list (*core.EventList)' } },
        { call: `GET ${core(ns, 'configmaps/a')}`, headers: PARTIAL_LIST, status: 406 },
      ],
    },
    {
      name: 'YAML and protobuf',
      async run({ t, ns, client, make }) {
        await make(core(ns, 'configmaps'), configMap('a', { data: { a: '1', b: 'yes' } }))
        const yaml = await client.call(`GET ${core(ns, 'configmaps/a')}`, { headers: { accept: 'application/yaml' } })
        t.match(yaml.text, /^apiVersion: v1\ndata:\n {2}a: "1"\n {2}b: "yes"\nkind: ConfigMap\n/)
        const protobuf = await client.call(`GET ${core(ns, 'configmaps/a')}`, { headers: { accept: 'application/vnd.kubernetes.protobuf' } })
        t.equal(protobuf.bytes.subarray(0, 4).toString('latin1'), 'k8s\0')
        const sent = await client.call(`POST ${core(ns, 'configmaps')}?dryRun=All`, { body: 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n', headers: { 'content-type': 'application/yaml' } })
        t.equal(sent.status, 201)
        const { status } = await client.call(`PUT ${core(ns, 'configmaps/a')}`, { body: protobuf.bytes, headers: { 'content-type': 'application/vnd.kubernetes.protobuf' } })
        t.equal(status, 200, 'what was read can be written')
      },
    },
  ],
} satisfies Family
