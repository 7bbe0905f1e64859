import t from 'tap'
import type { TokenAuthenticator } from '../../../../src/registry/authorization.ts'
import type { KubeObject } from '../../../../src/registry/kind.ts'
import { startApi, userNamed } from '../../../helpers/in-process-api.ts'

const authenticator: TokenAuthenticator = {
  audiences: ['api'],
  authenticateToken: (token, audiences) =>
    Promise.resolve(token === 'good' ? { user: { name: 'jane', uid: 'u1', groups: ['devs', 'system:authenticated'], extra: { a: ['b'] } }, audiences: audiences.filter((a) => a === 'api' || a === 'vault') } : token === 'old' ? { error: 'too old' } : {}),
}

t.test('tokens', async (t) => {
  const { api } = await startApi(t, { authenticator })
  const { definition } = api.scheme.require('authentication.k8s.io/v1/TokenReview')
  const ctx = api.context({ user: userNamed('x'), namespace: '', dryRun: false, fieldManager: 'test', fieldValidation: 'Ignore' })
  const review = async (spec: object) => ((await definition.review?.({ metadata: {}, spec } as KubeObject, ctx)) as KubeObject & { status?: object }).status
  const user = { username: 'jane', uid: 'u1', groups: ['devs', 'system:authenticated'], extra: { a: ['b'] } }
  t.same(await review({ token: 'good' }), { authenticated: true, user, audiences: ['api'] })
  t.same(await review({ token: 'good', audiences: ['vault', 'other'] }), { authenticated: true, user, audiences: ['vault'] })
  await t.rejects(review({ token: 'good', audiences: ['other'] }), { code: 500, message: 'Internal error occurred: error validating audiences' })
  t.same(await review({ token: 'old' }), { user: {}, error: 'too old' })
  t.same(await review({ token: 'bad' }), { user: {}, error: 'invalid bearer token' })
  await t.rejects(review({}), { code: 400, message: 'token is required for TokenReview in authentication' })
})

t.test('who am I', async (t) => {
  const { api } = await startApi(t)
  const { definition } = api.scheme.require('authentication.k8s.io/v1/SelfSubjectReview')
  const ctx = api.context({ user: { ...userNamed('jane', 'devs'), extra: { 'x.io/a': ['b'] } }, namespace: '', dryRun: false, fieldManager: 'test', fieldValidation: 'Ignore' })
  t.same(await definition.review?.({ metadata: {} }, ctx), {
    metadata: { creationTimestamp: '2026-01-01T00:00:00Z' },
    status: { userInfo: { username: 'jane', groups: ['devs', 'system:authenticated'], extra: { 'x.io/a': ['b'] } } },
  })
})
