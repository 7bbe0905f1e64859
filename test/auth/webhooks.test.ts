/** Others who are asked, which are real servers here: whose a token is, and whether a request is allowed. */
import t, { type Test } from 'tap'
import { WebhookAuthorizer, webhookTokens } from '../../src/auth/webhooks.ts'
import { FakeClock } from '../../src/clock.ts'
import { startJsonServer } from '../helpers/json-server.ts'
import { patiently } from '../helpers/patiently.ts'

async function start(t: Test, answer: (spec: Record<string, unknown>) => object | undefined) {
  const clock = new FakeClock(0)
  const server = await startJsonServer(t, (_path, body) => {
    const status = answer((body as { spec: Record<string, unknown> }).spec)
    return status && { ...(body as object), status }
  })
  return { clock, server, remote: { url: `${server.url}/ask`, ca: server.ca } }
}

t.test('tokens', async (t) => {
  const { clock, server, remote } = await start(t, ({ token }) => {
    if (token === 'good') return { authenticated: true, user: { username: 'jane', uid: '7', groups: ['dev'], extra: { scope: ['a'] } }, audiences: ['api'] }
    return token === 'bad' ? { authenticated: false, error: 'never heard of' } : undefined
  })
  const ask = webhookTokens({ remote, clock })
  t.same(await ask('good', ['api', 'other']), { user: { name: 'jane', uid: '7', groups: ['dev'], extra: { scope: ['a'] } }, audiences: ['api'] })
  t.same(await ask('good', ['elsewhere']), {}, 'not for this audience')
  t.same(await ask('bad', ['api']), { error: 'never heard of' })
  t.match(await patiently(clock, ask('broken', ['api'])), { error: /^Post "https:\/\/127\.0\.0\.1:\d+\/ask": / })
  const before = server.asked.length
  await ask('good', ['api', 'other'])
  t.equal(server.asked.length, before, 'an answer is believed for a while')
  await clock.step(120_001)
  await ask('good', ['api', 'other'])
  t.equal(server.asked.length, before + 1)
  t.match(server.asked[0]?.body, { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: 'good', audiences: ['api', 'other'] } })
})

t.test('requests', async (t) => {
  const { clock, server, remote } = await start(t, ({ user }) => {
    if (user === 'jane') return { allowed: true, reason: 'she may' }
    if (user === 'mallory') return { allowed: false, denied: true, reason: 'never' }
    return user === 'nobody' ? { allowed: false } : undefined
  })
  const authorizer = new WebhookAuthorizer({ remote }, clock)
  const ask = (name: string) =>
    authorizer.authorize({ user: { name, groups: ['g'] }, verb: 'get', apiGroup: 'apps', apiVersion: 'v1', namespace: 'ns', resource: 'deployments', subresource: '', name: 'web' })
  t.same(await ask('jane'), { decision: 'Allow', reason: 'she may' })
  t.same(await ask('mallory'), { decision: 'Deny', reason: 'never' })
  t.same(await ask('nobody'), { decision: 'NoOpinion', reason: '' })
  t.match(await patiently(clock, ask('broken')), { decision: 'NoOpinion', error: /^Post / }, 'who cannot be asked has no opinion')
  t.match(server.asked[0]?.body, { spec: { user: 'jane', groups: ['g'], resourceAttributes: { verb: 'get', group: 'apps', version: 'v1', namespace: 'ns', resource: 'deployments', name: 'web' } } })
  await authorizer.authorize({ user: { name: 'jane', groups: [] }, verb: 'get', path: '/metrics' })
  t.match(server.asked.at(-1)?.body, { spec: { nonResourceAttributes: { path: '/metrics', verb: 'get' } } })
  const before = server.asked.length
  await ask('jane')
  t.equal(server.asked.length, before)
  await clock.step(300_001)
  await ask('jane')
  t.equal(server.asked.length, before + 1, 'roles outside change, too')
})
