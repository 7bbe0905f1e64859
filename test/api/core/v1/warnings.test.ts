import t from 'tap'
import configured from 'folder:api'
import type { KindDefinition, KubeObject } from '../../../../src/registry/kind.ts'
import { startApi } from '../../../helpers/in-process-api.ts'

type Draft = { metadata?: KubeObject['metadata'] } & Record<string, unknown>
const kinds = configured as KindDefinition[]
const metadata = { name: 'a', namespace: 'ns' }
const RECYCLE = 'spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.'
const BETA = { annotations: { 'volume.beta.kubernetes.io/storage-class': 'c' } }
const ZEROS = (path: string): string => `${path}: non-standard IP address "010.0.0.1" is invalid: use "10.0.0.1"`

t.test('what clients are warned of', async (t) => {
  const { api } = await startApi(t)
  const ctx = api.context({ user: { name: '', groups: [] }, namespace: 'ns', dryRun: false, fieldManager: '', fieldValidation: 'Ignore' })
  const warnings = (kind: string, object: Draft, old?: Draft): readonly string[] => {
    const { warnings } = kinds.find((k) => `${k.group ? `${k.group}/` : ''}${k.version}/${k.kind}` === kind) ?? {}
    const whole = (draft: Draft): KubeObject => ({ ...draft, metadata: { ...metadata, ...draft.metadata } })
    return warnings?.(whole(object), old && whole(old), ctx) ?? []
  }
  const headless = { type: 'ClusterIP', clusterIP: 'None', loadBalancerIP: '1.1.1.1', externalIPs: ['1.1.1.1'], sessionAffinity: 'ClientIP' }
  for (const [kind, object, ...texts] of [
    ['v1/Service', { spec: { type: 'ClusterIP', sessionAffinity: 'None' } }],
    ['v1/Service', { spec: headless }, 'spec.loadBalancerIP is ignored for headless services', 'spec.externalIPs is ignored for headless services', 'spec.SessionAffinity is ignored for headless services'],
    ['v1/Service', { spec: { type: 'ClusterIP', externalIPs: ['010.0.0.1'] } }, ZEROS('spec.externalIPs[0]'), 'spec.externalIPs is deprecated and may no longer be implemented in some clusters'],
    ['v1/Service', { spec: { type: 'ExternalName', externalName: 'x', externalIPs: ['1.1.1.1'] } }, 'spec.externalIPs is ignored when spec.type is "ExternalName"'],
    ['v1/Service', { spec: { type: 'ClusterIP', externalName: 'x' } }, 'spec.externalName is ignored when spec.type is not "ExternalName"'],
    ['v1/Service', { spec: { type: 'ClusterIP', trafficDistribution: 'PreferClose' } }, 'spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"'],
    ['v1/Service', { metadata: { annotations: { 'service.kubernetes.io/topology-aware-hints': 'auto' } }, spec: {} }, 'annotation service.kubernetes.io/topology-aware-hints is deprecated, please use service.kubernetes.io/topology-mode instead'],
    ['v1/Endpoints', { subsets: [{ addresses: [{ ip: '010.0.0.1' }] }] }, ZEROS('subsets[0].addresses[0].ip')],
    ['v1/Endpoints', { metadata: { labels: { 'endpoints.kubernetes.io/managed-by': 'endpoint-controller' } }, subsets: [{ addresses: [{ ip: '010.0.0.1' }] }] }],
    ['discovery.k8s.io/v1/EndpointSlice', { addressType: 'FQDN' }, 'spec.addressType: FQDN endpoints are deprecated'],
    ['v1/Node', { spec: { externalID: 'e' } }, 'spec.externalID: this field is deprecated, and is unused by Kubernetes'],
    ['v1/PersistentVolume', { spec: { persistentVolumeReclaimPolicy: 'Recycle', rbd: {} } }, RECYCLE, 'spec.rbd: deprecated in v1.28, non-functional in v1.31+'],
    ['v1/PersistentVolume', { metadata: BETA, spec: {} }, 'metadata.annotations[volume.beta.kubernetes.io/storage-class]: deprecated since v1.8; use "storageClassName" attribute instead'],
    ['v1/PersistentVolumeClaim', { metadata: BETA, spec: {} }, 'metadata.annotations[volume.beta.kubernetes.io/storage-class]: deprecated since v1.8; use "storageClassName" attribute instead'],
    ['v1/ResourceQuota', { spec: { hard: { cpu: '2', 'limits.cpu': '1', 'requests.memory': '1Gi', 'limits.memory': '2Gi' } } }, 'ResourceQuota cpu (2) should be less than limits.cpu (1)'],
    ['networking.k8s.io/v1/Ingress', { metadata: { annotations: { 'kubernetes.io/ingress.class': 'c' } }, spec: {} }, 'annotation "kubernetes.io/ingress.class" is deprecated, please use \'spec.ingressClassName\' instead'],
    ['networking.k8s.io/v1/NetworkPolicy', { spec: { ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.1/8' } }] }] } }, 'spec.ingress[0].from[0].ipBlock.cidr: CIDR value "10.0.0.1/8" is ambiguous in this context (should be "10.0.0.0/8" or "10.0.0.1/32"?)'],
    ['storage.k8s.io/v1/CSIDriver', { spec: { tokenRequests: [{ audience: 'a' }] } }, 'spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible logging of tokens in volume attributes'],
    ['storage.k8s.io/v1/StorageClass', { allowedTopologies: [{ matchLabelExpressions: [{ key: 'failure-domain.beta.kubernetes.io/zone' }] }] }, 'allowedTopologies[0].matchLabelExpressions[0].key: deprecated since v1.17; use "topology.kubernetes.io/zone" instead'],
  ] as const) {
    t.same(warnings(kind, object as Draft), texts, `${kind} ${JSON.stringify(object)}`)
  }
  const driver = { spec: { tokenRequests: [{ audience: 'a' }] } }
  t.same(warnings('storage.k8s.io/v1/CSIDriver', driver, driver), [], 'not of what was so before')
})
