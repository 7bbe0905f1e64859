/** The rules of the ClusterRoles that a fresh cluster has, but for the controllers' own. Models bootstrappolicy/policy.go. */
import { EVENTS, on, onPaths, READ, READ_UPDATE, READ_WRITE, WRITE } from './bootstrap-rules.ts'
import type { PolicyRule } from '../../schemas/types.ts'

const CERTIFICATES = 'certificates.k8s.io'
const REVIEWS = [on('create', 'authentication.k8s.io', 'tokenreviews'), on('create', 'authorization.k8s.io', 'subjectaccessreviews')]
const HEALTH = '/livez /readyz /healthz'

const VIEW: readonly PolicyRule[] = [
  on(
    READ,
    'core',
    'pods replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status endpoints persistentvolumeclaims persistentvolumeclaims/status configmaps',
  ),
  on(READ, 'core', 'limitranges resourcequotas bindings pods/status resourcequotas/status namespaces/status replicationcontrollers/status pods/log'),
  on(READ, 'core', 'namespaces'),
  on(READ, 'core events.k8s.io', 'events'),
  on(READ, 'discovery.k8s.io', 'endpointslices'),
  on(
    READ,
    'apps',
    'controllerrevisions statefulsets statefulsets/status statefulsets/scale daemonsets daemonsets/status deployments deployments/status deployments/scale replicasets replicasets/status replicasets/scale',
  ),
  on(READ, 'autoscaling', 'horizontalpodautoscalers horizontalpodautoscalers/status'),
  on(READ, 'batch', 'jobs cronjobs cronjobs/status jobs/status'),
  on(
    READ,
    'extensions',
    'daemonsets daemonsets/status deployments deployments/scale deployments/status ingresses ingresses/status replicasets replicasets/scale replicasets/status replicationcontrollers/scale networkpolicies',
  ),
  on(READ, 'policy', 'poddisruptionbudgets poddisruptionbudgets/status'),
  on(READ, 'networking.k8s.io', 'networkpolicies ingresses ingresses/status'),
  on(READ, 'resource.k8s.io', 'resourceclaims resourceclaims/status resourceclaimtemplates'),
]

const EDIT: readonly PolicyRule[] = [
  on(READ, 'core', 'pods/attach pods/proxy pods/exec pods/portforward secrets services/proxy'),
  on('impersonate', 'core', 'serviceaccounts'),
  on(WRITE, 'core', 'pods pods/attach pods/proxy pods/exec pods/portforward'),
  on('create', 'core', 'pods/eviction'),
  on(WRITE, 'core', 'replicationcontrollers replicationcontrollers/scale serviceaccounts services services/proxy persistentvolumeclaims configmaps secrets'),
  on('create', 'core', 'serviceaccounts/token'),
  on(WRITE, 'core events.k8s.io', 'events'),
  on(WRITE, 'apps', 'statefulsets statefulsets/scale daemonsets deployments deployments/scale deployments/rollback replicasets replicasets/scale'),
  on(WRITE, 'autoscaling', 'horizontalpodautoscalers'),
  on(WRITE, 'batch', 'jobs cronjobs'),
  on(WRITE, 'extensions', 'daemonsets deployments deployments/scale deployments/rollback ingresses replicasets replicasets/scale replicationcontrollers/scale networkpolicies'),
  on(WRITE, 'policy', 'poddisruptionbudgets'),
  on(WRITE, 'networking.k8s.io', 'networkpolicies ingresses'),
  on(READ_WRITE, 'coordination.k8s.io', 'leases'),
  on(WRITE, 'resource.k8s.io', 'resourceclaims resourceclaimtemplates'),
]

export const NODE_RULES: readonly PolicyRule[] = [
  on('create', 'authentication.k8s.io', 'tokenreviews'),
  on('create', 'authorization.k8s.io', 'subjectaccessreviews localsubjectaccessreviews'),
  on(READ, 'core', 'services'),
  on(`create ${READ}`, 'core', 'nodes'),
  on('update patch', 'core', 'nodes/status'),
  on('update patch', 'core', 'nodes'),
  EVENTS,
  on(READ, 'core', 'pods'),
  on('create delete', 'core', 'pods'),
  on('update patch', 'core', 'pods/status'),
  on('create', 'core', 'pods/eviction'),
  on(READ, 'core', 'secrets configmaps'),
  on('get', 'core', 'persistentvolumeclaims persistentvolumes'),
  on('get', 'core', 'endpoints'),
  on(`create ${READ}`, CERTIFICATES, 'certificatesigningrequests'),
  on('get create update patch delete', 'coordination.k8s.io', 'leases'),
  on('get', 'storage.k8s.io', 'volumeattachments'),
  on('create', 'core', 'serviceaccounts/token'),
  on('get update patch', 'core', 'persistentvolumeclaims/status'),
  on(READ, 'storage.k8s.io', 'csidrivers'),
  on('get create update patch delete', 'storage.k8s.io', 'csinodes'),
  on(READ, 'node.k8s.io', 'runtimeclasses'),
  on('get', 'resource.k8s.io', 'resourceclaims'),
  on('deletecollection', 'resource.k8s.io', 'resourceslices'),
  on('get', 'core', 'serviceaccounts'),
]

const CONTROLLER_MANAGER: readonly PolicyRule[] = [
  EVENTS,
  on('create', 'coordination.k8s.io', 'leases'),
  on('get update', 'coordination.k8s.io', 'leases', 'kube-controller-manager'),
  on('create', 'core', 'secrets serviceaccounts'),
  on('delete', 'core', 'secrets'),
  on('get', 'core', 'namespaces secrets serviceaccounts configmaps'),
  on('update', 'core', 'secrets serviceaccounts'),
  ...REVIEWS,
  on('list watch', '*', '*'),
  on('create', 'core', 'serviceaccounts/token'),
]

const SCHEDULER: readonly PolicyRule[] = [
  EVENTS,
  on('create', 'coordination.k8s.io', 'leases'),
  on('get update list watch', 'coordination.k8s.io', 'leases', 'kube-scheduler'),
  on(READ_WRITE, 'coordination.k8s.io', 'leasecandidates'),
  on(READ, 'core', 'nodes'),
  on(`${READ} delete`, 'core', 'pods'),
  on('create', 'core', 'pods/binding bindings'),
  on('patch update', 'core', 'pods/status'),
  on(READ, 'core', 'services replicationcontrollers'),
  on(READ, 'apps extensions', 'replicasets'),
  on(READ, 'apps', 'statefulsets'),
  on(READ, 'policy', 'poddisruptionbudgets'),
  on(READ, 'core', 'persistentvolumeclaims persistentvolumes'),
  ...REVIEWS,
  on(READ, 'storage.k8s.io', 'csinodes'),
  on(READ, 'storage.k8s.io', 'volumeattachments'),
  on(READ, 'core', 'namespaces'),
  on(READ, 'storage.k8s.io', 'csidrivers'),
  on(READ, 'storage.k8s.io', 'csistoragecapacities'),
  on(READ, 'resource.k8s.io', 'deviceclasses'),
  on(READ_UPDATE, 'resource.k8s.io', 'resourceclaims'),
  on(READ_UPDATE, 'resource.k8s.io', 'resourceclaims/status'),
  on('update', 'core', 'pods/finalizers'),
  on(READ, 'resource.k8s.io', 'resourceslices'),
  on('create delete', 'resource.k8s.io', 'resourceclaims'),
  on('update patch', 'resource.k8s.io', 'resourceclaims/binding'),
]

const approves = (signer: string): PolicyRule[] => [on('approve', CERTIFICATES, 'signers', `kubernetes.io/${signer}`)]

/** By name. */
export const CLUSTER_ROLES: Readonly<Record<string, readonly PolicyRule[]>> = {
  'cluster-admin': [on('*', '*', '*'), onPaths('*', '*')],
  'system:discovery': [onPaths('get', `${HEALTH} /version /version/ /openapi /openapi/* /api /api/* /apis /apis/*`)],
  'system:monitoring': [onPaths('get', `/metrics /metrics/slis ${HEALTH} /livez/* /readyz/* /healthz/* /flagz /statusz`), on('get', 'core', 'nodes/metrics')],
  'system:basic-user': [on('create', 'authorization.k8s.io', 'selfsubjectaccessreviews selfsubjectrulesreviews'), on('create', 'authentication.k8s.io', 'selfsubjectreviews')],
  'system:public-info-viewer': [onPaths('get', `${HEALTH} /version /version/`)],
  'system:aggregate-to-admin': [on('create', 'authorization.k8s.io', 'localsubjectaccessreviews'), on(READ_WRITE, 'rbac.authorization.k8s.io', 'roles rolebindings')],
  'system:aggregate-to-edit': EDIT,
  'system:aggregate-to-view': VIEW,
  'system:heapster': [on(READ, 'core', 'events pods nodes namespaces'), on(READ, 'extensions', 'deployments')],
  'system:node': NODE_RULES,
  'system:node-problem-detector': [on('get', 'core', 'nodes'), on('patch', 'core', 'nodes/status'), EVENTS],
  'system:node-bootstrapper': [on(`create ${READ}`, CERTIFICATES, 'certificatesigningrequests')],
  'system:auth-delegator': REVIEWS,
  'system:kube-aggregator': [on(READ, 'core', 'services endpoints')],
  'system:kube-controller-manager': CONTROLLER_MANAGER,
  'system:kube-dns': [on('list watch', 'core', 'endpoints services')],
  'system:persistent-volume-provisioner': [
    on(`${READ} create delete`, 'core', 'persistentvolumes'),
    on(`${READ} update`, 'core', 'persistentvolumeclaims'),
    on(READ, 'storage.k8s.io', 'storageclasses'),
    on('watch', 'core', 'events'),
    EVENTS,
  ],
  'system:certificates.k8s.io:certificatesigningrequests:nodeclient': [on('create', CERTIFICATES, 'certificatesigningrequests/nodeclient')],
  'system:certificates.k8s.io:certificatesigningrequests:selfnodeclient': [on('create', CERTIFICATES, 'certificatesigningrequests/selfnodeclient')],
  'system:volume-scheduler': [on(READ_UPDATE, 'core', 'persistentvolumes'), on(READ, 'storage.k8s.io', 'storageclasses'), on(READ_UPDATE, 'core', 'persistentvolumeclaims')],
  'system:certificates.k8s.io:legacy-unknown-approver': approves('legacy-unknown'),
  'system:certificates.k8s.io:kubelet-serving-approver': approves('kubelet-serving'),
  'system:certificates.k8s.io:kube-apiserver-client-approver': approves('kube-apiserver-client'),
  'system:certificates.k8s.io:kube-apiserver-client-kubelet-approver': approves('kube-apiserver-client-kubelet'),
  'system:service-account-issuer-discovery': [onPaths('get', '/.well-known/openid-configuration /.well-known/openid-configuration/ /openid/v1/jwks /openid/v1/jwks/')],
  'system:kubelet-api-admin': [
    on(READ, 'core', 'nodes'),
    on('proxy', 'core', 'nodes'),
    on('*', 'core', 'nodes/proxy nodes/metrics nodes/stats nodes/log'),
    on('*', 'core', 'nodes/pods nodes/healthz nodes/configz'),
  ],
  'system:node-proxier': [
    on('list watch', 'core', 'services endpoints'),
    on(READ, 'core', 'nodes'),
    EVENTS,
    on('list watch', 'networking.k8s.io', 'servicecidrs'),
    on('list watch', 'discovery.k8s.io', 'endpointslices'),
  ],
  'system:kube-scheduler': SCHEDULER,
}
