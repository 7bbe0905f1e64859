/** Cases of the family in the file name. */
import { configMap, core, type Family } from '../_case.ts'
import type { Json } from '../_client.ts'

const namesOf = (body: Json): string[] => (body.items as { metadata: { name: string } }[]).map(({ metadata }) => metadata.name)

export default {
  family: 'list',
  cases: [
    {
      name: 'selectors',
      async run({ t, ns, client, make }) {
        for (const [name, labels] of [['a', { tier: 'web' }], ['b', { tier: 'db', old: '' }], ['c', {}]] as const) await make(core(ns, 'secrets'), { apiVersion: 'v1', kind: 'Secret', metadata: { name, labels } })
        const cases: [string, string[]][] = [
          ['labelSelector=tier=web', ['a']],
          ['labelSelector=tier!=web', ['b', 'c']],
          ['labelSelector=tier in (web,db)', ['a', 'b']],
          ['labelSelector=tier notin (db)', ['a', 'c']],
          ['labelSelector=old', ['b']],
          ['labelSelector=!tier', ['c']],
          ['labelSelector=tier,tier!=db', ['a']],
          ['fieldSelector=metadata.name=b', ['b']],
          ['fieldSelector=metadata.name!=b,type=Opaque', ['a', 'c']],
          ['fieldSelector=type=other', []],
        ]
        for (const [query, names] of cases) t.same(namesOf((await client.call(`GET ${core(ns, 'secrets')}?${query}`)).body), names, query)
        t.match(await client.call(`GET ${core(ns, 'secrets')}?labelSelector=a in (`), { status: 400, body: { reason: 'BadRequest' } })
        t.match(await client.call(`GET ${core(ns, 'secrets')}?fieldSelector=data.a=b`), { status: 400, body: { message: 'field label not supported: data.a' } })
        t.match(await client.call(`GET ${core(ns, 'configmaps')}?fieldSelector=data.a=b`), { status: 400, body: { message: '"data.a" is not a known field selector: only "metadata.name", "metadata.namespace"' } })
      },
    },
    {
      name: 'pages show one version',
      async run({ t, ns, client, make }) {
        for (const name of ['a', 'b', 'c', 'd']) await make(core(ns, 'services'), { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { type: 'ExternalName', externalName: 'x.example' } })
        const first = (await client.call(`GET ${core(ns, 'services')}?limit=2`)).body as { metadata: { continue: string; remainingItemCount: number; resourceVersion: string } } & Json
        t.same(namesOf(first), ['a', 'b'])
        t.match(first.metadata, { remainingItemCount: 2, continue: /^[\w-]+$/ })
        await client.call(`DELETE ${core(ns, 'services/c')}`)
        const second = await client.call(`GET ${core(ns, 'services')}?limit=2&continue=${first.metadata.continue}`)
        t.same(namesOf(second.body), ['c', 'd'], 'what was deleted meanwhile is still there')
        t.match(second.body.metadata, { resourceVersion: first.metadata.resourceVersion, continue: undefined })
        t.match(await client.call(`GET ${core(ns, 'services')}?limit=2&continue=odd`), { status: 400, body: { message: /^invalid continue token: continue key is not valid/ } })
      },
    },
    {
      name: 'versions',
      async run({ t, ns, client, make }) {
        await make(core(ns, 'configmaps'), configMap('a'))
        const list = await client.call(`GET ${core(ns, 'configmaps')}?fieldSelector=metadata.name=a`)
        const { resourceVersion } = list.body.metadata as { resourceVersion: string }
        await make(core(ns, 'configmaps'), configMap('b'))
        const at = async (query: string): Promise<string[]> => namesOf((await client.call(`GET ${core(ns, 'configmaps')}?${query}`)).body).filter((name) => name.length === 1)
        t.same(await at(`resourceVersion=${resourceVersion}&resourceVersionMatch=Exact`), ['a'])
        t.same(await at(`resourceVersion=${resourceVersion}&resourceVersionMatch=NotOlderThan`), ['a', 'b'])
        t.same(await at('resourceVersion=0'), ['a', 'b'])
        t.match(await client.call(`GET ${core(ns, 'configmaps')}?resourceVersionMatch=Exact`), { status: 422 })
        t.match(await client.call(`GET ${core(ns, 'configmaps')}?resourceVersion=1&resourceVersionMatch=Exact`), { status: 410, body: { reason: 'Expired' } })
        t.match(await client.call(`GET ${core(ns, 'configmaps')}?resourceVersion=odd`), { status: 400 })
      },
    },
  ],
} satisfies Family
