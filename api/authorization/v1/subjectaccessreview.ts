/** authorization.k8s.io/v1 SubjectAccessReview. Models k8s.io/kubernetes/pkg/registry/authorization/subjectaccessreview. */
import { defineKind } from '../../../src/registry/kind.ts'
import { askAuthorizer, refuseInvalid, userOf, validateMetadata, validateResourceAttributes, validateSpec, validateSubject } from './_review.ts'
import type { SubjectAccessReview } from '../../../schemas/types.ts'

export default defineKind<SubjectAccessReview>({
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'SubjectAccessReview',
  plural: 'subjectaccessreviews',
  namespaced: false,
  verbs: ['create'],
  async review(review, ctx) {
    const { spec, metadata } = review
    refuseInvalid([...validateSpec(spec), ...validateSubject(spec), ...validateResourceAttributes(spec.resourceAttributes), ...validateMetadata(metadata, [])])
    return { ...review, status: await askAuthorizer(spec, userOf(spec), ctx) }
  },
})
