/** What is served: compared with what upstream serves, so that a lost kind shows. */
import t from 'tap'
import { upstreamDiscovery, type ResourceFacts } from '../../schemas/resources.ts'
import { startApiCluster, type Body } from '../helpers/http.ts'

type Listed = ResourceFacts
interface Aggregated {
  resource: string
  responseKind: { group: string; version: string; kind: string }
  scope: string
  verbs: string[]
  shortNames?: string[]
  categories?: string[]
  subresources?: { subresource: string; verbs: string[]; responseKind: { kind: string } }[]
}

const AGGREGATED = { headers: { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json' } }
const rootOf = (groupVersion: string) => (groupVersion.includes('/') ? `/apis/${groupVersion}` : `/api/${groupVersion}`)
const upstream = upstreamDiscovery()

t.test('every group, version and resource of upstream, in its order', async (t) => {
  const api = await startApiCluster(t)
  const { body } = await api.get('/apis')
  const groups = body.groups as { name: string; versions: { groupVersion: string }[]; preferredVersion: { groupVersion: string } }[]
  t.same(groups.map(({ name, versions }) => ({ name, versions: versions.map((v) => v.groupVersion.slice(name.length + 1)) })), upstream.groups)
  for (const { name, preferredVersion, versions } of groups) {
    t.same(preferredVersion, versions[0], `${name} prefers its first version`)
    t.match(await api.get(`/apis/${name}`), { status: 200, body: { kind: 'APIGroup', apiVersion: 'v1', name, versions } })
  }
  for (const [groupVersion, resources] of Object.entries(upstream.resources)) {
    const { body: list } = await api.get(rootOf(groupVersion))
    t.match(list, { kind: 'APIResourceList', groupVersion })
    const brief = ({ name, namespaced, kind, verbs, shortNames = [], categories = [], singularName = '', group, version, storageVersionHash }: Listed) => ({ name, namespaced, kind, verbs: [...verbs].sort(), shortNames, categories, singularName, group, version, storageVersionHash })
    t.same((list.resources as Listed[]).map(brief), resources.map(brief).sort((a, b) => (a.name < b.name ? -1 : 1)), groupVersion)
  }
})

t.test('aggregated discovery tells the same', async (t) => {
  const api = await startApiCluster(t)
  for (const root of ['/api', '/apis']) {
    const answer = await api.get(root, AGGREGATED)
    t.equal(answer.headers['content-type'], 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList')
    t.match(answer.body, { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2' })
    for (const group of answer.body.items as (Body & { versions: { version: string; freshness: string; resources: Aggregated[] }[] })[]) {
      for (const { version, resources, freshness } of group.versions) {
        const groupVersion = group.metadata.name ? `${group.metadata.name}/${version}` : version
        t.equal(freshness, 'Current')
        const flat = resources.flatMap((r) => [{ name: r.resource, kind: r.responseKind.kind, verbs: r.verbs }, ...(r.subresources ?? []).map((s) => ({ name: `${r.resource}/${s.subresource}`, kind: s.responseKind.kind, verbs: s.verbs }))])
        const { body } = await api.get(rootOf(groupVersion))
        t.same(flat, (body.resources as Listed[]).map(({ name, kind, verbs }) => ({ name, kind, verbs })), groupVersion)
      }
    }
  }
})

t.test('the other documents', async (t) => {
  const api = await startApiCluster(t)
  t.match((await api.get('/api')).body, { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: `127.0.0.1:${api.cluster.port}` }] })
  t.match((await api.get('/version')).body, { major: '1', minor: '36', gitVersion: /^v1\.36\./, platform: /\// })
  t.ok(((await api.get('/')).body.paths as string[]).includes('/apis/apps/v1'))
  t.match(await api.get('/version', { headers: { accept: 'text/html' } }), { status: 200 }, 'nobody is asked for its form')
  for (const path of ['/healthz', '/livez', '/readyz']) t.match(await api.get(path), { status: 200, text: 'ok', headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' } }, path)
  t.match((await api.get('/readyz?verbose')).text, /^\[\+\]ping ok\n[^]*readyz check passed\n$/)
  t.match((await api.get('/readyz?verbose&exclude=ping')).text, /\[\+\]ping excluded: ok\n/)
  t.match(await api.request('HEAD', '/healthz'), { status: 200, text: '' })
  t.match(await api.get('/readyz/ping'), { status: 200, text: 'ok', headers: { 'content-type': 'text/plain; charset=utf-8' } })
  t.match((await api.get('/readyz?verbose&exclude=nope&exclude=also')).text, /\nwarn: some health checks cannot be excluded: no matches for "also","nope"\nreadyz check passed\n$/)
  t.match(await api.post('/healthz', {}), { status: 200, text: 'ok' }, 'whatever the method')
  t.match(await api.get('/healthz/nope'), { status: 404, text: '404 page not found\n' })
  t.match(await api.get('/api/v1/'), { status: 200, body: { kind: 'APIResourceList' } }, 'a slash at the end')
  t.match(await api.post('/apis', {}), { status: 405 })
})

t.test('the hash of what objects are stored as', async (t) => {
  const api = await startApiCluster(t)
  const hashOf = async (root: string, name: string) => ((await api.get(root)).body.resources as Listed[]).find((r) => r.name === name)?.storageVersionHash
  t.equal(await hashOf('/api/v1', 'configmaps'), 'qFsyl6wFWjQ=')
  t.equal(await hashOf('/apis/autoscaling/v1', 'horizontalpodautoscalers'), await hashOf('/apis/autoscaling/v2', 'horizontalpodautoscalers'), 'is of one version')
  t.equal(await hashOf('/apis/events.k8s.io/v1', 'events'), await hashOf('/api/v1', 'events'))
  t.equal(await hashOf('/api/v1', 'bindings'), undefined, 'what is not stored has none')
})
