import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import t from 'tap'
import { serverFlags } from '../../src/cli/server-flags.ts'
import { serverOptions } from '../../src/cli/server-options.ts'
import { resolveSettings } from '../../src/cli/settings.ts'

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'orrery-flags-'))
t.teardown(() => fs.rmSync(dir, { recursive: true, force: true }))
const file = (name: string, text: string) => {
  fs.writeFileSync(path.join(dir, name), text)
  return path.join(dir, name)
}

t.test('what flags of kube-apiserver mean', async (t) => {
  t.same(serverOptions({}), {})
  t.same(serverOptions({ 'anonymous-auth': 'false', 'token-auth-file': file('tokens', '# known\na-token,jane,7,"devs,ops"\nother,joe,,\n') }).authentication, {
    anonymous: false,
    staticTokens: [
      { token: 'a-token', user: { name: 'jane', uid: '7', groups: ['devs', 'ops'] } },
      { token: 'other', user: { name: 'joe', groups: [] } },
    ],
  })
  t.same(serverOptions({ 'oidc-issuer-url': 'https://i', 'oidc-client-id': 'c', 'oidc-required-claim': 'a=b,c=d=e', 'oidc-signing-algs': 'ES256' }).authentication, {
    oidc: { issuerURL: 'https://i', clientID: 'c', requiredClaims: { a: 'b', c: 'd=e' }, signingAlgs: ['ES256'] },
  })
  const kubeconfig = file('hook', JSON.stringify({ clusters: [{ name: 'x', cluster: { server: 'https://h/a', 'certificate-authority': 'ca.pem' } }], users: [{ name: 'u', user: { token: 't' } }], contexts: [{ name: 'c', context: { cluster: 'x', user: 'u' } }], 'current-context': 'c' }))
  file('ca.pem', 'PEM')
  t.same(serverOptions({ 'authorization-mode': 'Webhook, RBAC', 'authorization-webhook-config-file': kubeconfig }).authorization, {
    modes: ['Webhook', 'RBAC'],
    webhook: { remote: { url: 'https://h/a', ca: 'PEM', cert: undefined, key: undefined, token: 't', insecure: false } },
  })
  t.same(serverOptions({ 'enable-admission-plugins': 'AlwaysPullImages', 'disable-admission-plugins': 'PodSecurity,Priority' }).admission, { enable: ['AlwaysPullImages'], disable: ['PodSecurity', 'Priority'] })
  t.match(serverOptions({ 'audit-policy-file': file('policy', 'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]'), 'audit-log-path': '-' }).audit, { policy: { rules: [{ level: 'Metadata' }] }, path: '-' })
  t.match(serverOptions({ 'requestheader-client-ca-file': path.join(dir, 'ca.pem'), 'requestheader-allowed-names': 'proxy' }).authentication?.frontProxy, { ca: 'PEM', allowedNames: ['proxy'], usernameHeaders: ['X-Remote-User'] })
})

t.test('what they may not say', async (t) => {
  for (const [said, message] of [
    [{ 'anonymous-auth': 'no' }, '--anonymous-auth: "no" is not true or false'],
    [{ 'oidc-issuer-url': 'https://i' }, 'oidc-issuer-url and oidc-client-id must be specified together when any oidc-* flags are set'],
    [{ 'token-auth-file': file('bad', 'lonely') }, '--token-auth-file: line 1 must have at least 3 columns (token, user name, user uid)'],
    [{ 'audit-log-path': '-' }, '--audit-log-path: there is no --audit-policy-file that says what is written'],
    [{ 'audit-policy-file': file('worse', 'kind: Policy'), 'audit-log-path': '-' }, /^--audit-policy-file: an audit policy has apiVersion/],
    [{ 'token-auth-file': path.join(dir, 'absent') }, /^--token-auth-file: ENOENT/],
  ] as const) t.throws(() => serverOptions(said), { message }, JSON.stringify(said))
})

t.test('from the command line and the config file', async (t) => {
  const config = file('config.yaml', 'apiserver:\n  authorization-mode: [Node, RBAC]\n  token-auth-file: tokens\n  anonymous-auth: false\n')
  const { server } = resolveSettings({ flags: { config, 'authorization-mode': 'AlwaysAllow' }, args: [] }, { env: {}, cwd: '/' })
  t.same(server.authorization, { modes: ['AlwaysAllow'] }, 'flags win')
  t.equal(server.authentication?.staticTokens?.length, 2, 'files are looked for beside the config file')
  t.equal(server.authentication?.anonymous, false)
})

t.test('the documentation lists every flag', async (t) => {
  const page = fs.readFileSync('docs/security.md', 'utf8').split('\n').filter((line) => line.startsWith('| `--'))
  t.same(page, serverFlags.map(({ name, value, default: fallback, summary }) => `| \`--${name} ${value}\` | ${fallback ? `\`${fallback}\`` : ''} | ${summary} |`))
})
