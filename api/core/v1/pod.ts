/**
 * Pods: names, columns, field selectors, subresources and the rules of creating, changing and deleting one.
 * Models k8s.io/kubernetes/pkg/registry/core/pod/strategy.go and storage/storage.go; the details are in the _pod files here.
 */
import { LEAF } from '../../../src/apimachinery/field-set.ts'
import type { Pod } from '../../../schemas/types.ts'
import { defineKind, type GroupVersionKind } from '../../../src/registry/kind.ts'
import { bindPod } from './_pod-binding.ts'
import { podColumns, podRowConditions } from './_pod-columns.ts'
import { defaultPod } from './_pod-defaults.ts'
import { checkLog, checkPodProxy, checkPortForward, checkStream } from './_pod-connect.ts'
import { evictPod } from './_pod-eviction.ts'
import { preparePodForCreate, preparePodForEphemeralContainers, preparePodForResize, preparePodForStatusUpdate, preparePodForUpdate, podGracePeriod, podSpecChanged } from './_pod-strategy.ts'
import { validatePodEphemeralContainersUpdate } from './_pod-ephemeral-validation.ts'
import { validatePodResize } from './_pod-resize-validation.ts'
import { validatePodStatusUpdate } from './_pod-status-validation.ts'
import { validatePodUpdate } from './_pod-update-validation.ts'
import { validatePodCreate } from './_pod-validation.ts'
import { podWarnings } from './_pod-warnings.ts'

const core = (kind: string): GroupVersionKind => ({ group: '', version: 'v1', kind })
const PROXY_VERBS = ['create', 'delete', 'get', 'patch', 'update'] as const

export default defineKind<Pod>({
  group: '', version: 'v1', kind: 'Pod', plural: 'pods', shortNames: ['po'], categories: ['all'],
  namespaced: true,
  returnsDeletedObject: true,
  columns: podColumns,
  rowConditions: podRowConditions,
  selectableFields: {
    'spec.nodeName': (pod) => pod.spec?.nodeName ?? '',
    'spec.host': (pod) => pod.spec?.nodeName ?? '',
    'spec.restartPolicy': (pod) => pod.spec?.restartPolicy ?? '',
    'spec.schedulerName': (pod) => pod.spec?.schedulerName ?? '',
    'spec.serviceAccountName': (pod) => pod.spec?.serviceAccountName ?? '',
    'spec.hostNetwork': (pod) => String(pod.spec?.hostNetwork ?? false),
    'status.phase': (pod) => pod.status?.phase ?? '',
    'status.podIP': (pod) => pod.status?.podIPs?.[0]?.ip ?? '',
    'status.podIPs': () => '',
    'status.nominatedNodeName': (pod) => pod.status?.nominatedNodeName ?? '',
  },
  default: defaultPod,
  keepsStatusOnCreate: true,
  generation: podSpecChanged,
  prepareForCreate: preparePodForCreate,
  prepareForUpdate: preparePodForUpdate,
  validate: validatePodCreate,
  validateUpdate: validatePodUpdate,
  warnings: podWarnings,
  gracefulDelete: podGracePeriod,
  resetFields: { status: { 'f:spec': LEAF, 'f:metadata': { 'f:deletionTimestamp': LEAF, 'f:ownerReferences': LEAF } } },
  subresources: {
    status: { prepareForUpdate: preparePodForStatusUpdate, validateUpdate: validatePodStatusUpdate },
    ephemeralcontainers: { prepareForUpdate: preparePodForEphemeralContainers, validateUpdate: validatePodEphemeralContainersUpdate, noTable: true },
    resize: { prepareForUpdate: preparePodForResize, validateUpdate: validatePodResize, noTable: true },
    binding: { responseKind: core('Binding'), verbs: ['create'], create: bindPod },
    eviction: { responseKind: { group: 'policy', version: 'v1', kind: 'Eviction' }, verbs: ['create'], accepts: ['policy/v1beta1'], create: evictPod },
    exec: { responseKind: core('PodExecOptions'), verbs: ['create', 'get'], connect: 'exec', check: checkStream },
    attach: { responseKind: core('PodAttachOptions'), verbs: ['create', 'get'], connect: 'attach', check: checkStream },
    portforward: { responseKind: core('PodPortForwardOptions'), verbs: ['create', 'get'], connect: 'portforward', check: checkPortForward },
    proxy: { responseKind: core('PodProxyOptions'), verbs: PROXY_VERBS, connect: 'proxy', check: checkPodProxy },
    log: { responseKind: core('Pod'), verbs: ['get'], connect: 'log', check: checkLog },
  },
})
