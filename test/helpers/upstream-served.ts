/** What upstream serves by default, as the input of the OpenAPI documents. */
import { typeNameFor } from '../../schemas/facts.ts'
import { type ResourceFacts, upstreamDiscovery } from '../../schemas/resources.ts'
import type { ServedGroupVersion, ServedResource, ServedSubresource } from '../../src/apiserver/openapi-routes.ts'

function typeName(group: string, version: string, kind: string): string {
  const name = typeNameFor(group, version, kind)
  if (name === undefined) throw new Error(`no type for ${group}/${version} ${kind}`)
  return name
}

function subresource(group: string, version: string, facts: ResourceFacts): ServedSubresource {
  const gvk = { group: facts.group ?? group, version: facts.version ?? version, kind: facts.kind }
  const isLog = facts.name === 'pods/log'
  return {
    name: facts.name.slice(facts.name.indexOf('/') + 1),
    gvk,
    typeName: typeName(gvk.group, gvk.version, gvk.kind),
    verbs: facts.verbs,
    ...(isLog ? { textOptionsType: typeName('', 'v1', 'PodLogOptions') } : {}),
  }
}

const withObject = new Set([
  'persistentvolumeclaims', 'pods', 'podtemplates', 'resourcequotas', 'serviceaccounts', 'services', 'persistentvolumes', 'deviceclasses',
  'resourceclaims', 'resourceclaimtemplates', 'resourceslices', 'csidrivers', 'csinodes', 'storageclasses', 'volumeattachments', 'volumeattributesclasses',
])

function groupVersion(text: string, resources: ResourceFacts[]): ServedGroupVersion {
  const [group = '', version = ''] = text.includes('/') ? text.split('/') : ['', text]
  const served = resources
    .filter((r) => !r.name.includes('/'))
    .map((r): ServedResource => ({
      group,
      version,
      kind: r.kind,
      plural: r.name,
      namespaced: r.namespaced,
      verbs: r.verbs,
      typeName: typeName(group, version, r.kind),
      deleteReturnsObject: withObject.has(r.name),
      subresources: resources.filter((s) => s.name.startsWith(`${r.name}/`)).map((s) => subresource(group, version, s)),
    }))
  return { group, version, resources: served }
}

export function upstreamServed(): ServedGroupVersion[] {
  return Object.entries(upstreamDiscovery().resources).map(([text, resources]) => groupVersion(text, resources))
}
