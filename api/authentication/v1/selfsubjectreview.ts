/** authentication.k8s.io/v1 SelfSubjectReview. Models k8s.io/kubernetes/pkg/registry/authentication/selfsubjectreview. */
import { defineKind } from '../../../src/registry/kind.ts'
import { formatTime } from '../../../src/clock.ts'
import { userInfoOf } from './_user-info.ts'
import type { SelfSubjectReview } from '../../../schemas/types.ts'

export default defineKind<SelfSubjectReview>({
  group: 'authentication.k8s.io',
  version: 'v1',
  kind: 'SelfSubjectReview',
  plural: 'selfsubjectreviews',
  namespaced: false,
  verbs: ['create'],
  review: (_review, ctx) => Promise.resolve({ metadata: { creationTimestamp: formatTime(ctx.clock.now()) }, status: { userInfo: userInfoOf(ctx.user) } }),
})
