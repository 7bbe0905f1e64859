/** authentication.k8s.io/v1 TokenReview. Models k8s.io/kubernetes/pkg/registry/authentication/tokenreview. */
import { defineKind } from '../../../src/registry/kind.ts'
import { badRequest, internalError } from '../../../src/errors.ts'
import { userInfoOf } from './_user-info.ts'
import type { TokenReview, TokenReviewStatus } from '../../../schemas/types.ts'
import type { WriteContext } from '../../../src/registry/kind.ts'

async function reviewToken(review: TokenReview, ctx: WriteContext): Promise<TokenReview> {
  const { token, audiences = [] } = review.spec
  if (!token) throw badRequest('token is required for TokenReview in authentication')
  const { authenticator } = ctx.system
  if (!authenticator) return review
  const wanted = audiences.length ? audiences : authenticator.audiences
  const verdict = await authenticator.authenticateToken(token, wanted)
  for (const [key, value] of Object.entries(verdict.annotations ?? {})) ctx.annotateAudit(key, value)
  if (verdict.warning) ctx.warn(verdict.warning)
  const status: TokenReviewStatus = { user: {} }
  if ('user' in verdict) {
    if (wanted.length && !verdict.audiences?.some((a) => wanted.includes(a))) throw internalError('error validating audiences')
    Object.assign(status, { authenticated: true, user: userInfoOf(verdict.user) }, verdict.audiences ? { audiences: [...verdict.audiences] } : {})
  } else status.error = verdict.error ?? 'invalid bearer token'
  return { ...review, status }
}

export default defineKind<TokenReview>({
  group: 'authentication.k8s.io',
  version: 'v1',
  kind: 'TokenReview',
  plural: 'tokenreviews',
  namespaced: false,
  verbs: ['create'],
  review: reviewToken,
})
