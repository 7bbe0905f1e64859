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
    configuration: { jwt: [{ issuer: { url: 'https://i', audiences: ['c'] }, claimMappings: { username: { claim: 'sub', prefix: 'https://i#' } }, claimValidationRules: [{ claim: 'a', requiredValue: 'b' }, { claim: 'c', requiredValue: 'd=e' }] }] },
    signingAlgs: ['ES256'],
  })
  for (const [given, prefix] of [[{ 'oidc-username-claim': 'email' }, ''], [{ 'oidc-username-prefix': '-' }, ''], [{ 'oidc-username-prefix': 'x:' }, 'x:']] as const) {
    t.equal(serverOptions({ 'oidc-issuer-url': 'https://i', 'oidc-client-id': 'c', ...given }).authentication?.configuration?.jwt?.[0]?.claimMappings?.username?.prefix, prefix)
  }
  const authentication = 'apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\nanonymous: {enabled: true, conditions: [{path: /livez}]}\n'
  t.match(serverOptions({ 'authentication-config': file('authentication', authentication) }).authentication, { configuration: { anonymous: { enabled: true, conditions: [{ path: '/livez' }] } }, configFile: { text: authentication } })
  const authorization = 'apiVersion: apiserver.config.k8s.io/v1\nkind: AuthorizationConfiguration\nauthorizers: [{type: RBAC, name: rbac}]\n'
  t.match(serverOptions({ 'authorization-config': file('authorization', authorization) }).authorization, { authorizers: [{ type: 'RBAC', name: 'rbac' }], configFile: { path: path.join(dir, 'authorization') } })
  const kubeconfig = file('hook', JSON.stringify({ clusters: [{ name: 'x', cluster: { server: 'https://h/a', 'certificate-authority': 'ca.pem' } }], users: [{ name: 'u', user: { token: 't' } }], contexts: [{ name: 'c', context: { cluster: 'x', user: 'u' } }], 'current-context': 'c' }))
  file('ca.pem', 'PEM')
  t.same(serverOptions({ 'authorization-mode': 'Webhook, RBAC', 'authorization-webhook-config-file': kubeconfig, 'authorization-webhook-cache-authorized-ttl': '0s' }).authorization, {
    modes: ['Webhook', 'RBAC'],
    webhook: { reviewVersion: 'v1beta1', ttlMs: 0, remote: { url: 'https://h/a', ca: 'PEM', cert: undefined, key: undefined, token: 't', insecure: false } },
  })
  t.match(serverOptions({ 'authentication-token-webhook-config-file': kubeconfig, 'authentication-token-webhook-version': 'v1', 'authentication-token-webhook-cache-ttl': '1m30s' }).authentication?.webhook, { reviewVersion: 'v1', ttlMs: 90_000 })
  t.same(serverOptions({ 'enable-admission-plugins': 'AlwaysPullImages', 'disable-admission-plugins': 'PodSecurity,Priority' }).admission, { enable: ['AlwaysPullImages'], disable: ['PodSecurity', 'Priority'] })
  t.match(serverOptions({ 'audit-policy-file': file('policy', 'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]'), 'audit-log-path': '-' }).audit, { policy: { rules: [{ level: 'Metadata' }] }, log: { path: '-' } })
  t.match(serverOptions({ 'audit-policy-file': path.join(dir, 'policy'), 'audit-log-path': '-', 'audit-log-maxsize': '5', 'audit-log-mode': 'batch', 'audit-log-format': 'legacy', 'audit-webhook-config-file': kubeconfig, 'audit-webhook-batch-max-wait': '1.5s', 'audit-webhook-truncate-enabled': 'true' }).audit, {
    log: { maxSizeMB: 5, mode: 'batch', format: 'legacy' },
    webhook: { remote: { url: 'https://h/a' }, batch: { maxBatchWaitMs: 1500 }, truncate: { maxEventSize: 102400, maxBatchSize: 10485760 } },
  })
  const audited = { 'audit-policy-file': path.join(dir, 'policy'), 'audit-webhook-config-file': kubeconfig, 'audit-log-path': '-' }
  for (const [said, log, webhook] of [
    [{}, undefined, undefined],
    [{ 'audit-webhook-batch-throttle-enable': 'false' }, undefined, { throttle: undefined }],
    [{ 'audit-webhook-batch-throttle-qps': '0.5' }, undefined, { throttle: { qps: 0.5, burst: 15 } }],
    [{ 'audit-log-batch-throttle-qps': '3' }, { throttle: undefined }, undefined],
    [{ 'audit-log-batch-throttle-enable': 'true', 'audit-log-batch-throttle-qps': '3', 'audit-log-batch-throttle-burst': '4' }, { throttle: { qps: 3, burst: 4 } }, undefined],
  ] as const) {
    const { audit } = serverOptions({ ...audited, ...said })
    t.same([audit?.log?.batch, audit?.webhook?.batch], [log, webhook], JSON.stringify(said))
  }
  t.same(serverOptions({ 'authorization-mode': 'ABAC', 'authorization-policy-file': file('abac', '{"user":"jane"}\n') }).authorization, { modes: ['ABAC'], policies: [{ user: 'jane', readonly: false, apiGroup: '*', namespace: '*', resource: '*', nonResourcePath: '*' }] })
  t.match(serverOptions({ 'requestheader-client-ca-file': path.join(dir, 'ca.pem'), 'requestheader-allowed-names': 'proxy' }).authentication?.frontProxy, { ca: 'PEM', allowedNames: ['proxy'], usernameHeaders: ['X-Remote-User'] })
})

t.test('what they may not say', async (t) => {
  for (const [said, message] of [
    [{ 'anonymous-auth': 'no' }, '--anonymous-auth: "no" is not true or false'],
    [{ 'oidc-issuer-url': 'https://i' }, 'oidc-issuer-url and oidc-client-id must be specified together when any oidc-* flags are set'],
    [{ 'token-auth-file': file('bad', 'lonely') }, '--token-auth-file: line 1 must have at least 3 columns (token, user name, user uid)'],
    [{ 'authentication-config': file('authn', '') }, `--authentication-config: failed to load authentication configuration from file "${path.join(dir, 'authn')}": empty config data`],
    [{ 'authentication-config': file('anonymous', 'apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\nanonymous: {enabled: true}\n'), 'anonymous-auth': 'true' }, 'anonymous: Forbidden: --anonymous-auth flag cannot be set when anonymous field is configured in authentication configuration file'],
    [{ 'authentication-config': path.join(dir, 'authn'), 'oidc-issuer-url': 'https://i' }, 'authentication-config file and oidc-* flags are mutually exclusive'],
    [{ 'authorization-config': file('authz', ''), 'authorization-mode': 'RBAC' }, '--authorization-config can not be specified when --authorization-mode or --authorization-webhook-* flags are defined'],
    [{ 'authorization-config': path.join(dir, 'authz'), 'authorization-webhook-version': 'v1' }, '--authorization-config can not be specified when --authorization-mode or --authorization-webhook-* flags are defined'],
    [{ 'authentication-token-webhook-config-file': path.join(dir, 'hook'), 'authentication-token-webhook-version': 'v2' }, '--authentication-token-webhook-version: unsupported version "v2", supported versions are "v1", "v1beta1"'],
    [{ 'authorization-config': path.join(dir, 'authz') }, '--authorization-config: authorizers: Required value: at least one authorization mode must be defined'],
    [{ 'audit-log-path': '-' }, '--audit-log-path: there is no --audit-policy-file that says what is written'],
    [{ 'audit-log-path': '-', 'audit-log-format': 'x' }, 'invalid audit log format x, allowed formats are "legacy,json"'],
    [{ 'audit-log-path': '-', 'audit-log-mode': 'x' }, 'invalid audit log mode x, allowed modes are "batch,blocking,blocking-strict"'],
    [{ 'audit-log-path': '-', 'audit-log-maxage': '-1' }, "--audit-log-maxage -1 can't be a negative number"],
    [{ 'audit-log-path': '-', 'audit-log-batch-buffer-size': '0' }, 'invalid audit batch log buffer size 0, must be a positive number'],
    [{ 'audit-log-path': '-', 'audit-log-batch-throttle-enable': 'true' }, 'invalid audit batch log throttle QPS 0, must be a positive number'],
    [{ 'authorization-mode': 'ABAC', 'authorization-policy-file': file('abac-bad', '\n{"user":1}') }, `--authorization-policy-file: error reading policy file ${path.join(dir, 'abac-bad')}, line 2: {"user":1}: json: cannot unmarshal number into Go struct field Policy.user of type string`],
    [{ 'audit-log-path': '-', 'audit-log-truncate-max-batch-size': '1' }, 'invalid audit truncate log max batch size 1, must be greater than max event size (102400)'],
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
