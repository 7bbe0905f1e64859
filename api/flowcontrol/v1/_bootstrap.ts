/**
 * The flow schemas and priority levels that every server has; those named exempt and catch-all cannot be changed.
 * Models k8s.io/apiserver/pkg/apis/flowcontrol/bootstrap/default.go.
 */
import type { FlowcontrolV1Subject, FlowSchemaSpec, PolicyRulesWithSubjects, PriorityLevelConfigurationSpec, ResourcePolicyRule } from '../../../schemas/types.ts'

const groups = (...names: string[]): FlowcontrolV1Subject[] => names.map((name) => ({ kind: 'Group', group: { name } }))
const users = (...names: string[]): FlowcontrolV1Subject[] => names.map((name) => ({ kind: 'User', user: { name } }))
const kubeSystemAccounts: FlowcontrolV1Subject = { kind: 'ServiceAccount', serviceAccount: { namespace: 'kube-system', name: '*' } }
const everyone = groups('system:unauthenticated', 'system:authenticated')

const inNamespaces = (verbs: string[], apiGroups: string[], resources: string[]): ResourcePolicyRule => ({ verbs, apiGroups, resources, namespaces: ['*'] })
const everywhere = (verbs: string[], apiGroups: string[], resources: string[]): ResourcePolicyRule => ({ verbs, apiGroups, resources, clusterScope: true, namespaces: ['*'] })
const anything = (subjects: FlowcontrolV1Subject[]): PolicyRulesWithSubjects => ({
  subjects,
  resourceRules: [everywhere(['*'], ['*'], ['*'])],
  nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
})

interface Flow {
  level: string
  precedence: number
  by?: 'ByUser' | 'ByNamespace'
  rule: PolicyRulesWithSubjects
}

const flow = ({ level, precedence, by, rule }: Flow): FlowSchemaSpec => ({
  priorityLevelConfiguration: { name: level },
  matchingPrecedence: precedence,
  ...(by ? { distinguisherMethod: { type: by } } : {}),
  rules: [rule],
})

export const MANDATORY_FLOW_SCHEMAS: Readonly<Record<string, FlowSchemaSpec>> = {
  exempt: flow({ level: 'exempt', precedence: 1, rule: anything(groups('system:masters')) }),
  'catch-all': flow({ level: 'catch-all', precedence: 10000, by: 'ByUser', rule: anything(everyone) }),
}

export const SUGGESTED_FLOW_SCHEMAS: Readonly<Record<string, FlowSchemaSpec>> = {
  'system-nodes': flow({ level: 'system', precedence: 500, by: 'ByUser', rule: anything(groups('system:nodes')) }),
  'system-node-high': flow({
    level: 'node-high',
    precedence: 400,
    by: 'ByUser',
    rule: { subjects: groups('system:nodes'), resourceRules: [everywhere(['*'], [''], ['nodes', 'nodes/status']), inNamespaces(['*'], ['coordination.k8s.io'], ['leases'])] },
  }),
  probes: flow({ level: 'exempt', precedence: 2, rule: { subjects: everyone, nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/healthz', '/readyz', '/livez'] }] } }),
  'system-leader-election': flow({
    level: 'leader-election',
    precedence: 100,
    by: 'ByUser',
    rule: {
      subjects: [...users('system:kube-controller-manager', 'system:kube-scheduler'), kubeSystemAccounts],
      resourceRules: [inNamespaces(['get', 'create', 'update'], ['coordination.k8s.io'], ['leases'])],
    },
  }),
  'kube-controller-manager': flow({ level: 'workload-high', precedence: 800, by: 'ByNamespace', rule: anything(users('system:kube-controller-manager')) }),
  'kube-scheduler': flow({ level: 'workload-high', precedence: 800, by: 'ByNamespace', rule: anything(users('system:kube-scheduler')) }),
  'kube-system-service-accounts': flow({ level: 'workload-high', precedence: 900, by: 'ByNamespace', rule: anything([kubeSystemAccounts]) }),
  'service-accounts': flow({ level: 'workload-low', precedence: 9000, by: 'ByUser', rule: anything(groups('system:serviceaccounts')) }),
  'global-default': flow({ level: 'global-default', precedence: 9900, by: 'ByUser', rule: anything(everyone) }),
}

interface Level {
  shares: number
  lendablePercent: number
  queues: number
  handSize: number
}

const queued = ({ shares, lendablePercent, queues, handSize }: Level): PriorityLevelConfigurationSpec => ({
  type: 'Limited',
  limited: {
    nominalConcurrencyShares: shares,
    limitResponse: { type: 'Queue', queuing: { queues, handSize, queueLengthLimit: 50 } },
    lendablePercent,
  },
})

export const MANDATORY_PRIORITY_LEVELS: Readonly<Record<string, PriorityLevelConfigurationSpec>> = {
  'catch-all': { type: 'Limited', limited: { nominalConcurrencyShares: 5, limitResponse: { type: 'Reject' }, lendablePercent: 0 } },
  exempt: { type: 'Exempt', exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 } },
}

export const SUGGESTED_PRIORITY_LEVELS: Readonly<Record<string, PriorityLevelConfigurationSpec>> = {
  system: queued({ shares: 30, lendablePercent: 33, queues: 64, handSize: 6 }),
  'node-high': queued({ shares: 40, lendablePercent: 25, queues: 64, handSize: 6 }),
  'leader-election': queued({ shares: 10, lendablePercent: 0, queues: 16, handSize: 4 }),
  'workload-high': queued({ shares: 40, lendablePercent: 50, queues: 128, handSize: 6 }),
  'workload-low': queued({ shares: 100, lendablePercent: 90, queues: 128, handSize: 6 }),
  'global-default': queued({ shares: 20, lendablePercent: 50, queues: 128, handSize: 6 }),
}
