import t from 'tap'
import { bootstrapTokens } from '../../src/auth/bootstrap-tokens.ts'
import { startApi } from '../helpers/in-process-api.ts'

const TOKEN = 'abcdef.0123456789abcdef'
const base = { 'token-id': 'abcdef', 'token-secret': '0123456789abcdef', 'usage-bootstrap-authentication': 'true' }

t.test('whose a bootstrap token is', async (t) => {
  const { api, create, client, clock } = await startApi(t)
  const find = bootstrapTokens({ clock, system: () => api.system })
  const time = (offsetMs: number) => new Date(clock.now() + offsetMs).toISOString()
  const cases: [string, Record<string, string>, string[] | undefined, string?][] = [
    ['all is well', base, ['system:bootstrappers']],
    ['more groups', { ...base, 'auth-extra-groups': 'system:bootstrappers:b,system:bootstrappers:a' }, ['system:bootstrappers', 'system:bootstrappers:a', 'system:bootstrappers:b']],
    ['groups that are none of its own', { ...base, 'auth-extra-groups': 'system:masters' }, undefined],
    ['another secret', { ...base, 'token-secret': 'fedcba9876543210' }, undefined],
    ['another id', { ...base, 'token-id': 'fedcba' }, undefined],
    ['not for this', { ...base, 'usage-bootstrap-authentication': 'false' }, undefined],
    ['not yet expired', { ...base, expiration: time(1000) }, ['system:bootstrappers']],
    ['expired', { ...base, expiration: time(-1000) }, undefined],
    ['a time that is none', { ...base, expiration: 'soon' }, undefined],
    ['of another type', base, undefined, 'Opaque'],
  ]
  for (const [what, stringData, groups, type = 'bootstrap.kubernetes.io/token'] of cases) {
    const data = Object.fromEntries(Object.entries(stringData).map(([key, value]) => [key, Buffer.from(value).toString('base64')]))
    await create({ apiVersion: 'v1', kind: 'Secret', type, metadata: { name: 'bootstrap-token-abcdef', namespace: 'kube-system' }, data })
    t.same(find(TOKEN), groups && { name: 'system:bootstrap:abcdef', groups }, what)
    await client().delete('v1/Secret', { namespace: 'kube-system', name: 'bootstrap-token-abcdef' })
    t.equal(find(TOKEN), undefined, 'and none once its Secret is gone')
  }
  for (const junk of ['', 'abcdef', 'ABCDEF.0123456789abcdef', `${TOKEN}x`]) t.equal(find(junk), undefined, junk)
})
