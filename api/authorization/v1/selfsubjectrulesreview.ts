/** authorization.k8s.io/v1 SelfSubjectRulesReview. Models k8s.io/kubernetes/pkg/registry/authorization/selfsubjectrulesreview. */
import { defineKind } from '../../../src/registry/kind.ts'
import { badRequest } from '../../../src/errors.ts'
import type { RuleList } from '../../../src/registry/authorization.ts'
import type { SelfSubjectRulesReview, SubjectRulesReviewStatus } from '../../../schemas/types.ts'

/** What everybody may do where nothing is enforced. */
const ANYTHING: RuleList = {
  resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }],
  nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
  incomplete: false,
}

const statusOf = ({ resourceRules, nonResourceRules, incomplete, error }: RuleList): SubjectRulesReviewStatus => ({
  resourceRules: resourceRules.map(({ verbs, apiGroups, resources, resourceNames }) => ({
    verbs: [...verbs],
    ...(apiGroups ? { apiGroups: [...apiGroups] } : {}),
    ...(resources ? { resources: [...resources] } : {}),
    ...(resourceNames ? { resourceNames: [...resourceNames] } : {}),
  })),
  nonResourceRules: nonResourceRules.map(({ verbs, nonResourceURLs }) => ({ verbs: [...verbs], ...(nonResourceURLs ? { nonResourceURLs: [...nonResourceURLs] } : {}) })),
  incomplete,
  ...(error ? { evaluationError: error } : {}),
})

export default defineKind<SelfSubjectRulesReview>({
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'SelfSubjectRulesReview',
  plural: 'selfsubjectrulesreviews',
  namespaced: false,
  verbs: ['create'],
  async review(review, ctx) {
    const { namespace } = review.spec
    if (!namespace) throw badRequest('no namespace on request')
    const rules = ctx.system.authorizer ? await ctx.system.authorizer.rulesFor(ctx.user, namespace) : ANYTHING
    return { metadata: {}, spec: {}, status: statusOf(rules) }
  },
})
