/** Secrets that are tokens: of service accounts, and for bootstrapping. */
import { CompactSign } from 'jose'
import t from 'tap'
import type { ConfigMap, Pod, Secret, ServiceAccount } from '../../schemas/types.ts'
import bootstrapSigner, { signature, signedData } from '../../controllers/bootstrap-signer.ts'
import legacyCleaner, { plan as cleanerPlan } from '../../controllers/legacy-serviceaccount-token-cleaner.ts'
import tokens, { missingData } from '../../controllers/serviceaccount-token.ts'
import tokenCleaner from '../../controllers/token-cleaner.ts'
import { FakeCluster } from '../helpers/fake-client.ts'
import { ControllerRun } from '../helpers/run-controller.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')
const account = (name: string, secrets: string[] = []): ServiceAccount => ({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace: 'default', uid: `uid-${name}` }, secrets: secrets.map((s) => ({ name: s })) })
const accountToken = (name: string, of: string, metadata: Partial<Secret['metadata']> = {}): Secret => ({
  apiVersion: 'v1',
  kind: 'Secret',
  type: 'kubernetes.io/service-account-token',
  metadata: { name, namespace: 'default', uid: `uid-${name}`, annotations: { 'kubernetes.io/service-account.name': of }, ...metadata },
})
const names = (cluster: FakeCluster) => cluster.all('v1/Secret').map((s) => s.metadata.name)

t.test('tokens of accounts', async (t) => {
  const cluster = new FakeCluster({ settings: { rootCA: 'CA' } })
  const run = new ControllerRun(cluster, tokens, { signLegacyToken: async ({ name, uid }, secret) => `${name} ${uid} ${secret}` })
  cluster.seed(account('robot', ['a', 'other']), accountToken('a', 'robot'), accountToken('lost', 'nobody'), { apiVersion: 'v1', kind: 'Secret', type: 'Opaque', metadata: { name: 'other', namespace: 'default' } } as Secret)
  await run.settle()
  t.same(names(cluster), ['a', 'other'], 'a token without its account goes')
  const { data, metadata } = cluster.read<Secret>('v1/Secret', 'a')
  t.same(data, { 'ca.crt': base64('CA'), namespace: base64('default'), token: base64('robot uid-robot a') })
  t.equal(metadata.annotations?.['kubernetes.io/service-account.uid'], 'uid-robot')
  await cluster.delete('v1/Secret', { namespace: 'default', name: 'a' })
  await cluster.delete('v1/Secret', { namespace: 'default', name: 'other' })
  await run.settle()
  t.same(cluster.read<ServiceAccount>('v1/ServiceAccount', 'robot').secrets, [{ name: 'other' }], 'only tokens are no longer named')
  cluster.seed(accountToken('b', 'robot'))
  await run.settle()
  await cluster.delete('v1/ServiceAccount', { namespace: 'default', name: 'robot' })
  await run.settle()
  t.same(names(cluster), [], 'tokens go with their account')
  t.same(missingData({ metadata: {}, data: { namespace: base64('x'), token: base64('y'), 'ca.crt': base64('old') } }, 'CA'), { ca: true, namespace: false, token: false })
  t.same(run.errors, [])
})

t.test('what becomes of an old token', async (t) => {
  const nowMs = Date.parse('2026-06-15T12:00:00Z')
  const cases: readonly (readonly [string, Record<string, string>, string, string])[] = [
    ['2024-01-01', {}, '2024-01-01T00:00:00Z', 'mark'],
    ['2024-01-01', { 'legacy-token-last-used': '2025-06-14' }, '2024-01-01T00:00:00Z', 'mark'],
    ['2024-01-01', { 'legacy-token-last-used': '2025-06-15' }, '2024-01-01T00:00:00Z', 'keep'],
    ['2024-01-01', { 'legacy-token-last-used': 'someday' }, '2024-01-01T00:00:00Z', 'keep'],
    ['2024-01-01', {}, '2025-06-15T12:00:00Z', 'keep'],
    ['2025-06-15', {}, '2024-01-01T00:00:00Z', 'keep'],
    ['2024-01-01', { 'legacy-token-invalid-since': '2025-06-15' }, '2024-01-01T00:00:00Z', 'keep'],
    ['2024-01-01', { 'legacy-token-invalid-since': '2025-06-14' }, '2024-01-01T00:00:00Z', 'delete'],
    ['2024-01-01', { 'legacy-token-invalid-since': 'x' }, '2024-01-01T00:00:00Z', 'mark'],
  ]
  for (const [since, labels, creationTimestamp, wanted] of cases) {
    const own = Object.fromEntries(Object.entries(labels).map(([key, value]) => [`kubernetes.io/${key}`, value]))
    t.equal(cleanerPlan(accountToken('a', 'x', { labels: own, creationTimestamp }), { since, nowMs }), wanted, JSON.stringify([since, labels, creationTimestamp]))
  }
  const cluster = new FakeCluster()
  const run = new ControllerRun(cluster, legacyCleaner)
  const tracking: ConfigMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'kube-apiserver-legacy-service-account-token-tracking', namespace: 'kube-system' }, data: { since: '2020-01-01' } }
  const user: Pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'default' }, spec: { containers: [{ name: 'c', env: [{ name: 'T', valueFrom: { secretKeyRef: { name: 'used', key: 'token' } } }] }] } }
  cluster.seed(tracking, account('robot', ['auto', 'used']), ...['auto', 'used', 'manual'].map((n) => accountToken(n, 'robot', { creationTimestamp: '2020-01-01T00:00:00Z' })), user)
  await run.settle()
  const marked = () => cluster.all('v1/Secret').flatMap((s) => (s.metadata.labels ? [s.metadata.name] : []))
  t.same(marked(), ['auto'], 'those of accounts that nobody mounts')
  await run.step(367 * 24 * 3600 * 1000)
  t.same(names(cluster), ['used', 'manual'])
})

const bootstrapToken = (id: string, data: Record<string, string> = {}): Secret => ({
  apiVersion: 'v1',
  kind: 'Secret',
  type: 'bootstrap.kubernetes.io/token',
  metadata: { name: `bootstrap-token-${id}`, namespace: 'kube-system' },
  data: Object.fromEntries(Object.entries({ 'token-id': id, 'token-secret': `secret-${id}`, 'usage-bootstrap-signing': 'true', ...data }).map(([key, value]) => [key, base64(value)])),
})

t.test('bootstrap tokens sign the cluster info, and expire', async (t) => {
  const signed = await new CompactSign(Buffer.from('content')).setProtectedHeader({ alg: 'HS256', kid: 'abcdef' }).sign(Buffer.from('0123456789abcdef'))
  t.equal(signature('content', { id: 'abcdef', secret: '0123456789abcdef' }), signed.replace(/\..*\./, '..'))
  t.equal(signedData({}, []), undefined)
  const cluster = new FakeCluster()
  const signer = new ControllerRun(cluster, bootstrapSigner)
  const cleaner = new ControllerRun(cluster, tokenCleaner)
  const info: ConfigMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'cluster-info', namespace: 'kube-public' }, data: { kubeconfig: 'k', 'jws-kubeconfig-gone00': 'x', other: 'y' } }
  const expiration = new Date(cluster.clock.now() + 60_000).toISOString()
  cluster.seed(info, bootstrapToken('aaaaaa'), bootstrapToken('bbbbbb', { expiration }), bootstrapToken('cccccc', { 'usage-bootstrap-signing': 'no' }), bootstrapToken('dddddd', { 'token-id': 'eeeeee' }), bootstrapToken('ffffff', { expiration: 'tomorrow' }))
  const keys = () => Object.keys(cluster.read<ConfigMap>('v1/ConfigMap', 'cluster-info', 'kube-public').data ?? {})
  await signer.settle()
  t.same(keys(), ['kubeconfig', 'other', 'jws-kubeconfig-aaaaaa', 'jws-kubeconfig-bbbbbb'])
  await cleaner.settle()
  t.same(names(cluster), ['aaaaaa', 'bbbbbb', 'cccccc', 'dddddd'].map((id) => `bootstrap-token-${id}`), 'an expiry that cannot be read is over')
  await cleaner.step(60_000)
  await signer.settle()
  t.notOk(names(cluster).includes('bootstrap-token-bbbbbb'))
  t.same(keys(), ['kubeconfig', 'other', 'jws-kubeconfig-aaaaaa'])
  t.same([...signer.errors, ...cleaner.errors], [])
})
