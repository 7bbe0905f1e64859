/** Cases of the family in the file name. */
import { configMap, core, MERGE, TABLE, type Family } from '../_case.ts'
import type { Json } from '../_client.ts'

interface Event {
  type: string
  object: { kind: string; metadata: { name?: string; annotations?: Record<string, string> } & Json } & Json
}

const brief = (events: readonly Json[]): string[] => (events as unknown as Event[]).filter(({ type }) => type !== 'BOOKMARK').map(({ type, object }) => `${type} ${object.metadata.name ?? ''}`)

export default {
  family: 'watch',
  cases: [
    {
      name: 'from a version: what happened since, as a selector sees it',
      async run({ t, ns, client, make }) {
        const made = await make(core(ns, 'configmaps'), configMap('a', { metadata: { labels: { in: 'y' } } }))
        const { resourceVersion } = made.metadata as { resourceVersion: string }
        const label = (value: string | null) => client.call(`PATCH ${core(ns, 'configmaps/a')}`, { headers: MERGE, body: { metadata: { labels: { in: value } } } })
        await label(null)
        await label('y')
        await client.call(`PATCH ${core(ns, 'configmaps/a')}`, { headers: MERGE, body: { data: { b: 'c' } } })
        await client.call(`DELETE ${core(ns, 'configmaps/a')}`)
        const watch = (query: string) => client.events(`${core(ns, 'configmaps')}?watch=true&timeoutSeconds=1&resourceVersion=${resourceVersion}&${query}`)
        t.same(brief(await watch('labelSelector=in=y')), ['DELETED a', 'ADDED a', 'MODIFIED a', 'DELETED a'])
        t.same(brief(await watch('fieldSelector=metadata.name=a')), ['MODIFIED a', 'MODIFIED a', 'MODIFIED a', 'DELETED a'])
        t.same(brief(await watch('fieldSelector=metadata.name=b')), [])
      },
    },
    {
      name: 'what is there first, and a bookmark that says so',
      async run({ t, ns, client, make }) {
        await make(core(ns, 'secrets'), { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' } })
        const events = (await client.events(`${core(ns, 'secrets')}?watch=true&timeoutSeconds=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`)) as unknown as Event[]
        t.match(events, [{ type: 'ADDED', object: { metadata: { name: 'a' } } }, { type: 'BOOKMARK', object: { kind: 'Secret', apiVersion: 'v1', metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } } }])
        t.same(brief(await client.events(`${core(ns, 'secrets')}?watch=true&timeoutSeconds=1`)), ['ADDED a'], 'a watch from nowhere begins so too')
      },
    },
    {
      name: 'tables and metadata',
      async run({ t, ns, client, make }) {
        for (const name of ['a', 'b']) await make(core(ns, 'secrets'), { apiVersion: 'v1', kind: 'Secret', metadata: { name } })
        const tables = (await client.events(`${core(ns, 'secrets')}?watch=true&timeoutSeconds=1`, TABLE)) as unknown as Event[]
        t.match(tables, [{ object: { kind: 'Table', columnDefinitions: [{ name: 'Name' }, { name: 'Type' }, { name: 'Data' }, { name: 'Age' }], rows: [{ cells: ['a', 'Opaque', 0] }] } }, { object: { columnDefinitions: null, rows: [{ cells: ['b'] }] } }])
        const partial = await client.events(`${core(ns, 'secrets')}?watch=true&timeoutSeconds=1`, { accept: 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io' })
        t.match(partial, [{ object: { kind: 'PartialObjectMetadata' } }, {}])
      },
    },
    {
      name: 'what a watch refuses',
      async run({ t, ns, client }) {
        const path = `${core(ns, 'secrets')}?watch=true&timeoutSeconds=1`
        t.match(await client.call(`GET ${path}&sendInitialEvents=true`), { status: 422 })
        t.match(await client.call(`GET ${path}&resourceVersionMatch=NotOlderThan`), { status: 422 })
        t.match(await client.events(`${path}&resourceVersion=1`), [{ type: 'ERROR', object: { code: 410, reason: 'Expired' } }])
      },
    },
  ],
} satisfies Family
