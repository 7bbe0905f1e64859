/** The plugins that are on by default, in upstream's order (pkg/kubeapiserver/options/plugins.go). */
import type { AdmissionPlugin } from './chain.ts'
import { defaultTolerationSeconds } from './default-toleration-seconds.ts'
import { namespaceLifecycle } from './namespace-lifecycle.ts'
import { priorityAdmission } from './priority.ts'
import { serviceAccountAdmission } from './service-account.ts'
import { defaultStorageClass, storageObjectInUseProtection } from './storage.ts'
import { taintNodesByCondition } from './taint-nodes-by-condition.ts'

export const defaultPlugins: readonly AdmissionPlugin[] = [
  namespaceLifecycle,
  serviceAccountAdmission,
  taintNodesByCondition,
  priorityAdmission,
  defaultTolerationSeconds,
  defaultStorageClass,
  storageObjectInUseProtection,
]
