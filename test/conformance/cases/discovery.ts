/** Cases of the family in the file name. */
import { TABLE, type Family } from '../_case.ts'

const AGGREGATED = { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json' }

export default {
  family: 'discovery',
  cases: [
    {
      name: 'groups, versions, resources',
      steps: () => [
        { call: 'GET /api', match: { kind: 'APIVersions', versions: ['v1'] } },
        { call: 'GET /apis/autoscaling', match: { kind: 'APIGroup', name: 'autoscaling', preferredVersion: { version: 'v2' }, versions: [{ version: 'v2' }, { version: 'v1' }] } },
        { call: 'GET /apis/batch/v1', match: { kind: 'APIResourceList', groupVersion: 'batch/v1', resources: [{ name: 'cronjobs', shortNames: ['cj'] }, { name: 'cronjobs/status' }, { name: 'jobs', categories: ['all'] }] } },
        { call: 'GET /apis/batch/v9', status: 404, match: { reason: 'NotFound', message: 'the server could not find the requested resource' } },
      ],
    },
    {
      name: 'all in one document, with a tag',
      async run({ t, client }) {
        const first = await client.call('GET /apis', { headers: AGGREGATED })
        t.match(first, { status: 200, body: { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2' }, headers: { vary: 'Accept', 'cache-control': 'public' } })
        const again = await client.call('GET /apis', { headers: { ...AGGREGATED, 'if-none-match': String(first.headers.etag) } })
        t.match(again, { status: 304, text: '' }, 'nothing new')
      },
    },
    {
      name: 'version and health',
      steps: () => [
        { call: 'GET /version', match: { major: '1', gitVersion: /^v1\./ } },
        { call: 'GET /readyz', headersMatch: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-cache, private', 'audit-id': /^[0-9a-f-]{36}$/ } },
        { call: 'GET /livez/ping' },
        { call: 'GET /livez/nope', status: 404 },
        { call: 'GET /metrics', headersMatch: { 'content-type': /^text\/plain; version=0.0.4/ } },
      ],
    },
    {
      name: 'health checks by name',
      async run({ t, client }) {
        const { text } = await client.call('GET /readyz?verbose&exclude=etcd&exclude=none')
        t.match(text, /^\[\+\]ping ok\n\[\+\]log ok\n\[\+\]etcd excluded: ok\n\[\+\]etcd-readiness ok\n\[\+\]informer-sync ok\n/)
        t.match(text, /\nwarn: some health checks cannot be excluded: no matches for "none"\nreadyz check passed\n$/)
      },
    },
    {
      name: 'odd paths, methods and forms',
      steps: ({ ns }) => [
        { call: 'GET /nothing', status: 404 },
        { call: `PUT /api/v1/namespaces/${ns}/pods`, body: {}, status: 405, match: { reason: 'MethodNotAllowed' } },
        { call: `POST /api/v1/namespaces/${ns}/pods/x`, body: {}, status: 405 },
        { call: `GET /api/v1/namespaces/${ns}/pods`, headers: { accept: 'text/html' }, status: 406, match: { reason: 'NotAcceptable' } },
        { call: `GET /api/v1/namespaces/${ns}/pods`, headers: { accept: 'application/cbor' }, status: 406 },
        { call: `GET /api/v1/namespaces/${ns}/pods`, headers: { accept: TABLE.accept.replace('v=v1', 'v=v9') }, status: 406 },
        { call: `POST /api/v1/namespaces/${ns}/configmaps`, headers: { 'content-type': 'application/cbor' }, body: 'x', status: 415, match: { reason: 'UnsupportedMediaType' } },
        { call: `POST /api/v1/namespaces/${ns}/configmaps`, body: '{', status: 400, match: { reason: 'BadRequest', message: /^the object provided is unrecognized \(must be of type ConfigMap\)/ } },
      ],
    },
  ],
} satisfies Family
