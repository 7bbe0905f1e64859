/** authorization.k8s.io/v1 SelfSubjectAccessReview. Models k8s.io/kubernetes/pkg/registry/authorization/selfsubjectaccessreview. */
import { defineKind } from '../../../src/registry/kind.ts'
import { askAuthorizer, refuseInvalid, validateMetadata, validateResourceAttributes, validateSpec } from './_review.ts'
import type { SelfSubjectAccessReview } from '../../../schemas/types.ts'

export default defineKind<SelfSubjectAccessReview>({
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'SelfSubjectAccessReview',
  plural: 'selfsubjectaccessreviews',
  namespaced: false,
  verbs: ['create'],
  async review(review, ctx) {
    const { spec, metadata } = review
    refuseInvalid([...validateSpec(spec), ...validateResourceAttributes(spec.resourceAttributes), ...validateMetadata(metadata, [])])
    return { ...review, status: await askAuthorizer(spec, ctx.user, ctx) }
  },
})
