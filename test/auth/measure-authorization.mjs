/**
 * Asks a real cluster what its default roles allow, for test/auth/authorization-matrix.test.ts:
 *   node test/auth/measure-authorization.mjs https://HOST:PORT TOKEN > test/auth/authorization-matrix.json
 * The token is an administrator's. It binds the roles admin, edit, view and cluster-admin to users for the time it takes.
 */
import https from 'node:https'

const [, , server, token] = process.argv
const agent = new https.Agent({ keepAlive: true, maxSockets: 24, rejectUnauthorized: false })
const RBAC = '/apis/rbac.authorization.k8s.io/v1'
const VERBS = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection']
const SPECIAL = ['bind rbac.authorization.k8s.io/clusterroles', 'escalate rbac.authorization.k8s.io/roles', 'impersonate /users', 'impersonate /serviceaccounts', 'impersonate /groups', 'approve certificates.k8s.io/signers', 'sign certificates.k8s.io/signers', 'use policy/podsecuritypolicies', 'proxy /nodes', 'get example.com/things', 'create example.com/things']
const PATHS = ['/api', '/apis', '/apis/apps/v1', '/healthz', '/livez/ping', '/readyz', '/version', '/version/', '/metrics', '/logs', '/openapi/v2', '/openid/v1/jwks', '/.well-known/openid-configuration', '/', '/foo']

function send(method, path, body) {
  return new Promise((resolve, reject) => {
    const bytes = body && JSON.stringify(body)
    const request = https.request(server + path, { method, agent, headers: { authorization: `Bearer ${token}`, ...(bytes ? { 'content-type': 'application/json' } : {}) } }, (response) => {
      const chunks = []
      response.on('data', (chunk) => chunks.push(chunk))
      response.on('end', () => resolve(JSON.parse(Buffer.concat(chunks).toString())))
    })
    request.on('error', reject)
    request.end(bytes)
  })
}

async function resources() {
  const { groups } = await send('GET', '/apis')
  const versions = ['/api/v1', ...groups.map(({ preferredVersion }) => `/apis/${preferredVersion.groupVersion}`)]
  const lists = await Promise.all(versions.map((path) => send('GET', path)))
  const named = lists.flatMap(({ groupVersion, resources: list }) => list.map(({ name }) => `${groupVersion.includes('/') ? groupVersion.split('/')[0] : ''}/${name}`))
  return [...new Set(named)].sort()
}

async function subjects() {
  const account = (name) => [`system:serviceaccount:kube-system:${name}`, { user: `system:serviceaccount:kube-system:${name}`, groups: ['system:serviceaccounts', 'system:serviceaccounts:kube-system', 'system:authenticated'] }]
  const { items } = await send('GET', `${RBAC}/clusterroles`)
  const controllers = items.flatMap(({ metadata: { name } }) => (name.startsWith('system:controller:') ? [account(name.slice('system:controller:'.length))] : []))
  const user = (name, ...groups) => [name, { user: name, groups: [...groups, 'system:authenticated'] }]
  return Object.fromEntries([
    ...['cluster-admin', 'admin', 'edit', 'view'].map((role) => user(`test:${role}`)),
    ['system:anonymous', { user: 'system:anonymous', groups: ['system:unauthenticated'] }],
    user('somebody'),
    user('monitor', 'system:monitoring'),
    user('system:node:n1', 'system:nodes'),
    user('system:kube-scheduler'),
    user('system:kube-controller-manager'),
    user('system:kube-proxy'),
    account('default'),
    account('kube-dns'),
    account('bootstrap-signer'),
    account('token-cleaner'),
    ...controllers,
  ])
}

async function main() {
  const [all, who] = [await resources(), await subjects()]
  const bindings = ['cluster-admin', 'admin', 'edit', 'view']
  for (const role of bindings) {
    await send('POST', `${RBAC}/clusterrolebindings`, { metadata: { name: `test:${role}` }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role }, subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: `test:${role}` }] })
  }
  const allowed = async (spec, attributes) => (await send('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', { spec: { ...spec, ...attributes } })).status.allowed
  const ask = async (spec, verb, what, name) => {
    const [group, resource, subresource] = what.split('/')
    return allowed(spec, { resourceAttributes: { namespace: 'kube-system', verb, group, resource, ...(subresource ? { subresource } : {}), ...(name ? { name } : {}) } })
  }
  const measured = {}
  for (const [name, spec] of Object.entries(who)) {
    const byVerbs = {}
    await Promise.all(
      all.map(async (what) => {
        const verdicts = await Promise.all(VERBS.map((verb) => ask(spec, verb, what)))
        const verbs = VERBS.filter((_, i) => verdicts[i]).join(' ')
        if (verbs) (byVerbs[verbs] ??= []).push(what)
      }),
    )
    const special = await Promise.all(SPECIAL.map((text) => ask(spec, ...text.split(' '))))
    const paths = await Promise.all(PATHS.map((path) => allowed(spec, { nonResourceAttributes: { verb: 'get', path } })))
    for (const list of Object.values(byVerbs)) list.sort()
    measured[name] = { groups: spec.groups, resources: Object.fromEntries(Object.entries(byVerbs).sort()), special: SPECIAL.filter((_, i) => special[i]), paths: PATHS.filter((_, i) => paths[i]) }
  }
  for (const role of bindings) await send('DELETE', `${RBAC}/clusterrolebindings/test:${role}`)
  console.log(JSON.stringify({ resources: all, special: SPECIAL, paths: PATHS, subjects: measured }))
}

await main()
process.exit(0)
