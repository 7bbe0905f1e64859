/** The labels that a node may not set on itself. Models getForbiddenLabels of the NodeRestriction plugin and k8s.io/kubelet/pkg/apis. */

type Labels = Readonly<Record<string, string>>

const RESTRICTED = 'node-restriction.kubernetes.io'
const OWN_NAMESPACES = ['kubelet.kubernetes.io', 'node.kubernetes.io']
const OWN_LABELS = new Set([
  'kubernetes.io/hostname',
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
  'beta.kubernetes.io/instance-type',
  'node.kubernetes.io/instance-type',
  'kubernetes.io/os',
  'kubernetes.io/arch',
  'beta.kubernetes.io/os',
  'beta.kubernetes.io/arch',
])

/** Of the labels that differ those that are not the node's to change, sorted. */
export function forbiddenLabels(labels: Labels = {}, old: Labels = {}): string[] {
  const keys = new Set([...Object.keys(labels), ...Object.keys(old)])
  return [...keys].filter((key) => labels[key] !== old[key] && isForbidden(key)).sort()
}

function isForbidden(key: string): boolean {
  const slash = key.indexOf('/')
  const namespace = slash < 0 ? '' : key.slice(0, slash)
  if (isWithin(namespace, RESTRICTED)) return true
  const isReserved = isWithin(namespace, 'kubernetes.io') || isWithin(namespace, 'k8s.io')
  return isReserved && !OWN_LABELS.has(key) && !OWN_NAMESPACES.some((own) => isWithin(namespace, own))
}

function isWithin(namespace: string, domain: string): boolean {
  return namespace === domain || namespace.endsWith(`.${domain}`)
}
