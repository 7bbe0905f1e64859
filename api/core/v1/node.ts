/** v1 Node. Models k8s.io/kubernetes/pkg/registry/core/node and SetDefaults_NodeStatus. */
import { warningsForCIDR } from '../../../src/apimachinery/validation-ip.ts'
import { defineKind, type Column } from '../../../src/registry/kind.ts'
import type { Node } from '../../../schemas/types.ts'
import { ageColumn, nameColumn } from '../../_columns.ts'
import { validateNode, validateNodeChange, validateNodeUpdate } from './_node-validation.ts'
import { roundUpResources } from './_resource-names.ts'

const ROLE_PREFIX = 'node-role.kubernetes.io/'
const ROLE_LABEL = 'kubernetes.io/role'

/** podCIDR is the first of podCIDRs; where the two differ the single one counts. */
function settlePodCIDRs({ spec }: Node): void {
  const { podCIDR, podCIDRs } = spec
  if (podCIDR && podCIDRs?.[0] !== podCIDR) spec.podCIDRs = [podCIDR]
  const first = spec.podCIDRs?.[0]
  if (first) spec.podCIDR = first
}

function statusText({ spec, status }: Node): string {
  const ready = status?.conditions?.findLast((c) => c.type === 'Ready')
  const text = !ready ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady'
  return spec.unschedulable ? `${text},SchedulingDisabled` : text
}

function rolesText({ metadata }: Node): string {
  const roles = Object.entries(metadata.labels ?? {}).map(([key, value]) =>
    key.startsWith(ROLE_PREFIX) ? key.slice(ROLE_PREFIX.length) : key === ROLE_LABEL ? value : '',
  )
  return [...new Set(roles.filter(Boolean))].sort().join(',') || '<none>'
}

const addressText = (type: string) => (node: Node) => node.status?.addresses?.find((a) => a.type === type)?.address ?? '<none>'
const infoOf = (node: Node) => node.status?.nodeInfo ?? {}

function kernelText(node: Node): string {
  const { kernelVersion, architecture } = infoOf(node)
  return `${kernelVersion || '<unknown>'}${architecture ? ` (${architecture})` : ''}`
}

const columns: Column<Node>[] = [
  nameColumn,
  { name: 'Status', value: statusText },
  { name: 'Roles', value: rolesText },
  ageColumn,
  { name: 'Version', value: (node) => infoOf(node).kubeletVersion ?? '' },
  { name: 'Internal-IP', priority: 1, value: addressText('InternalIP') },
  { name: 'External-IP', priority: 1, value: addressText('ExternalIP') },
  { name: 'OS-Image', priority: 1, value: (node) => infoOf(node).osImage || '<unknown>' },
  { name: 'Kernel-Version', priority: 1, value: kernelText },
  { name: 'Container-Runtime', priority: 1, value: (node) => infoOf(node).containerRuntimeVersion || '<unknown>' },
]

function warnings({ spec }: Node): string[] {
  const texts: string[] = []
  if (spec.configSource) texts.push('spec.configSource: the feature is removed')
  if (spec.externalID) texts.push('spec.externalID: this field is deprecated, and is unused by Kubernetes')
  spec.podCIDRs?.forEach((cidr, i) => texts.push(...warningsForCIDR(`spec.podCIDRs[${i}]`, cidr)))
  return texts
}

export default defineKind<Node>({
  group: '',
  version: 'v1',
  kind: 'Node',
  plural: 'nodes',
  shortNames: ['no'],
  namespaced: false,
  repeatsMetadataUpdate: 'last',
  storagePrefix: 'registry/minions',
  keepsStatusOnCreate: true,
  subresources: {
    status: {
      prepareForUpdate(node, old) {
        if (!old.status?.config) delete node.status?.config
      },
      validateUpdate: validateNodeChange,
    },
    proxy: {
      responseKind: { group: '', version: 'v1', kind: 'NodeProxyOptions' },
      verbs: ['create', 'delete', 'get', 'patch', 'update'],
      connect: 'proxy',
    },
  },
  columns,
  selectableFields: { 'spec.unschedulable': ({ spec }) => String(spec.unschedulable ?? false) },
  default(node) {
    settlePodCIDRs(node)
    const { status } = node
    if (!status) return
    if (!status.allocatable && status.capacity) status.allocatable = { ...status.capacity }
    roundUpResources(status.capacity)
    roundUpResources(status.allocatable)
  },
  prepareForCreate(node) {
    delete node.spec.configSource
    delete node.status?.config
  },
  prepareForUpdate(node, old) {
    if (!old.spec.configSource) delete node.spec.configSource
  },
  validate: (node) => validateNode(node),
  validateUpdate: validateNodeUpdate,
  warnings: (node) => warnings(node),
})
