/** v1 ComponentStatus: computed, never stored. Models k8s.io/kubernetes/pkg/registry/core/componentstatus. */
import { defineKind } from '../../../src/registry/kind.ts'
import type { ComponentStatus } from '../../../schemas/types.ts'
import { nameColumn } from '../../_columns.ts'

/** The parts that a control plane probes; here all live in one process, so that who answers is healthy. */
const COMPONENTS = ['controller-manager', 'scheduler', 'etcd-0']

const healthy = (status: ComponentStatus) => status.conditions?.find((c) => c.type === 'Healthy')

export default defineKind<ComponentStatus>({
  group: '',
  version: 'v1',
  kind: 'ComponentStatus',
  plural: 'componentstatuses',
  shortNames: ['cs'],
  namespaced: false,
  verbs: ['get', 'list'],
  deprecation: 'v1 ComponentStatus is deprecated in v1.19+',
  columns: [
    nameColumn,
    {
      name: 'Status',
      value(status) {
        const condition = healthy(status)
        return !condition ? 'Unknown' : condition.status === 'True' ? 'Healthy' : 'Unhealthy'
      },
    },
    { name: 'Message', value: (status) => healthy(status)?.message ?? '' },
    { name: 'Error', value: (status) => healthy(status)?.error ?? '' },
  ],
  computed: () => COMPONENTS.map((name) => ({ metadata: { name }, conditions: [{ type: 'Healthy', status: 'True', message: 'ok' }] })),
})
