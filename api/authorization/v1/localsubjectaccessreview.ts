/** authorization.k8s.io/v1 LocalSubjectAccessReview. Models k8s.io/kubernetes/pkg/registry/authorization/localsubjectaccessreview. */
import { defineKind } from '../../../src/registry/kind.ts'
import { badRequest, field } from '../../../src/errors.ts'
import { askAuthorizer, internalNonResource, refuseInvalid, userOf, validateMetadata, validateResourceAttributes, validateSpec, validateSubject } from './_review.ts'
import type { LocalSubjectAccessReview } from '../../../schemas/types.ts'

export default defineKind<LocalSubjectAccessReview>({
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'LocalSubjectAccessReview',
  plural: 'localsubjectaccessreviews',
  namespaced: true,
  verbs: ['create'],
  async review(review, ctx) {
    const { spec, metadata } = review
    const { resourceAttributes, nonResourceAttributes } = spec
    const namespace = (metadata.namespace ||= ctx.namespace)
    const errors = [...validateSpec(spec), ...validateSubject(spec), ...validateResourceAttributes(resourceAttributes), ...validateMetadata(metadata, ['namespace'])]
    if (resourceAttributes && (resourceAttributes.namespace ?? '') !== namespace) {
      errors.push(field.invalid('spec.resourceAttributes.namespace', resourceAttributes.namespace ?? '', 'must match metadata.namespace'))
    }
    if (nonResourceAttributes) errors.push(field.invalid('spec.nonResourceAttributes', internalNonResource(nonResourceAttributes), 'disallowed on this kind of request'))
    refuseInvalid(errors)
    if (ctx.namespace !== namespace) throw badRequest(`spec.resourceAttributes.namespace must match namespace: ${ctx.namespace}`)
    return { ...review, status: await askAuthorizer(spec, userOf(spec), ctx) }
  },
})
