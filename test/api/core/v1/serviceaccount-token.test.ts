import t from 'tap'
import { serviceAccountToken } from '../../../../api/core/v1/_serviceaccount-token.ts'
import type { ServiceAccountTokens } from '../../../../src/registry/kind.ts'
import type { TokenRequest } from '../../../../schemas/types.ts'
import { startApi } from '../../../helpers/in-process-api.ts'

type Claims = Parameters<ServiceAccountTokens['sign']>[0]
const namespace = 'ns'

/** Requests for tokens of the account `a`, whose claims are what the token says. */
async function requests(t: Parameters<typeof startApi>[0]) {
  const { api, create } = await startApi(t, { serviceAccountTokens: { defaultAudiences: ['api'], sign: async (claims) => ({ token: JSON.stringify(claims), id: 'id' }) } })
  const account = await create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'a', namespace } })
  const container = { name: 'c', image: 'i' }
  const pod = await create({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace }, spec: { serviceAccountName: 'a', nodeName: 'n', containers: [container] } })
  await create({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'other', namespace }, spec: { serviceAccountName: 'b', containers: [container] } })
  const secret = await create({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', namespace } })
  const node = await create({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' } })
  const ctx = api.context({ user: { name: 'u', groups: [] }, namespace, dryRun: false, fieldManager: 'test', fieldValidation: 'Ignore' })
  const ask = async (spec: TokenRequest['spec'] = {}, metadata = {}): Promise<TokenRequest> =>
    (await serviceAccountToken.create({ name: 'a', body: { metadata, spec } as TokenRequest, ctx })) as TokenRequest
  const claims = async (spec: TokenRequest['spec']): Promise<Claims> => JSON.parse((await ask(spec)).status?.token ?? '')
  return { ask, claims, uids: { account: account.metadata.uid, pod: pod.metadata.uid, secret: secret.metadata.uid, node: node.metadata.uid } }
}

t.test('a token of an account', async (t) => {
  const { ask, uids } = await requests(t)
  const { metadata, spec, status } = await ask()
  t.same(metadata, { name: 'a', namespace, uid: uids.account, creationTimestamp: '2026-01-01T00:00:00Z' })
  t.same(spec, { audiences: ['api'], expirationSeconds: 3600 })
  t.equal(status?.expirationTimestamp, '2026-01-01T01:00:00Z')
  t.same(JSON.parse(status?.token ?? ''), { serviceAccount: { namespace, name: 'a', uid: uids.account }, audiences: ['api'], expirationSeconds: 3600, warnAfterSeconds: 0 })
})

t.test('what it is bound to', async (t) => {
  const { claims, uids } = await requests(t)
  const bound = (kind: string, name: string) => claims({ boundObjectRef: { apiVersion: 'v1', kind, name } })
  t.match(await bound('Pod', 'p'), { pod: { name: 'p', uid: uids.pod }, node: { name: 'n', uid: uids.node }, secret: undefined })
  t.match(await bound('Secret', 's'), { secret: { name: 's', uid: uids.secret }, pod: undefined })
  t.match(await bound('Node', 'n'), { node: { name: 'n', uid: uids.node }, pod: undefined })
})

t.test('what kubelets ask for lives longer', async (t) => {
  const { ask, claims } = await requests(t)
  const boundObjectRef = { apiVersion: 'v1', kind: 'Pod', name: 'p' }
  const year = 365 * 24 * 3600
  t.match(await claims({ boundObjectRef, expirationSeconds: 3607 }), { expirationSeconds: year, warnAfterSeconds: 3607 })
  t.equal((await ask({ boundObjectRef, expirationSeconds: 3607 })).spec?.expirationSeconds, 3607, 'without saying so')
  t.match(await claims({ boundObjectRef, expirationSeconds: 3608 }), { expirationSeconds: 3608, warnAfterSeconds: 0 })
  t.match(await claims({ boundObjectRef, expirationSeconds: 3607, audiences: ['elsewhere'] }), { expirationSeconds: 3607, warnAfterSeconds: 0 })
  t.match(await claims({ expirationSeconds: 3607 }), { expirationSeconds: 3607, warnAfterSeconds: 0 })
})

t.test('what is refused', async (t) => {
  const { ask, uids } = await requests(t)
  const to = (kind: string, name: string, more = {}) => ({ boundObjectRef: { apiVersion: 'v1', kind, name, ...more } })
  for (const [spec, message, metadata] of [
    [{ expirationSeconds: 599 }, 'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 10 minutes'],
    [{ expirationSeconds: 2 ** 32 + 1 }, 'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 4294967297: may not specify a duration larger than 2^32 seconds'],
    [to('Pod', 'none'), 'pods "none" not found'],
    [to('Pod', ''), 'Name parameter required.'],
    [to('ConfigMap', 'c'), 'cannot bind token to object of type /v1, Kind=ConfigMap'],
    [to('Pod', 'other'), 'cannot bind token for serviceaccount "a" to pod running with different serviceaccount name.'],
    [to('Secret', 's', { uid: 'x' }), 'Operation cannot be fulfilled on Secret "s": the UID in the bound object reference (x) does not match the UID in record. The object might have been deleted and then recreated'],
    [{}, 'TokenRequest.authentication.k8s.io "a" is invalid: metadata.name: Invalid value: "b": must match the service account name if specified', { name: 'b' }],
    [{}, `Operation cannot be fulfilled on TokenRequest.authentication.k8s.io "a": the UID in the token request (x) does not match the UID of the service account (${uids.account})`, { uid: 'x' }],
  ] as const) {
    await t.rejects(ask(spec, metadata), { message })
  }
})
