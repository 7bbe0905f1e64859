/** Cases of the family in the file name. */
import type { Json } from '../_client.ts'
import type { Family } from '../_case.ts'

export default {
  family: 'openapi',
  cases: [
    {
      name: 'version 3: an index whose hashes name the documents',
      async run({ t, client }) {
        const index = await client.call('GET /openapi/v3')
        const { paths } = JSON.parse(index.text) as { paths: Record<string, { serverRelativeURL: string }> }
        const url = paths['apis/apps/v1']?.serverRelativeURL ?? ''
        const document = await client.call(`GET ${url}`)
        t.match(document, { status: 200, headers: { 'cache-control': 'public, immutable', vary: /Accept/ }, body: { openapi: '3.0.0' } })
        t.match((await client.call(`GET ${url}`, { headers: { 'if-none-match': String(document.headers.etag) } })).status, 304)
        t.match(await client.call('GET /openapi/v3/apis/apps/v1?hash=old'), { status: 301, headers: { location: url } })
        t.equal((await client.call('GET /openapi/v3/apis/none/v1')).status, 404)
        const { schemas } = document.body.components as { schemas: Record<string, Json> }
        t.match(schemas['io.k8s.api.apps.v1.DeploymentSpec'], { type: 'object', required: ['selector', 'template'], properties: { replicas: { type: 'integer', format: 'int32' } } })
      },
    },
    {
      name: 'version 2',
      async run({ t, client }) {
        const { status, body, headers } = await client.call('GET /openapi/v2')
        t.equal(status, 200)
        t.match(headers, { etag: /^"[0-9A-F]+"$/, vary: 'Accept-Encoding, Accept' })
        t.match(body, { swagger: '2.0', info: { title: 'Kubernetes' } })
        const { definitions } = body as { definitions: Record<string, Json> }
        t.match(definitions['io.k8s.api.core.v1.ServiceSpec'], { properties: { ports: { 'x-kubernetes-list-map-keys': ['port', 'protocol'], 'x-kubernetes-patch-merge-key': 'port' } } })
        t.equal((await client.call('GET /openapi/v2', { headers: { accept: 'text/html' } })).status, 406)
      },
    },
  ],
} satisfies Family
