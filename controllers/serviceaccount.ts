/**
 * Gives every active Namespace its ServiceAccount `default`. Models k8s.io/kubernetes/pkg/controller/serviceaccount.
 */
import type { Namespace, ServiceAccount } from '../schemas/types.ts'
import { defineController, type Key } from '../src/controller/controller.ts'
import { isNamespaceTerminating } from '../src/controller/pod-control.ts'
import { isStatusError } from '../src/errors.ts'
import type { KubeObject } from '../src/registry/kind.ts'

const KIND = 'v1/ServiceAccount'
const NAME = 'default'

export default defineController<Namespace>({
  name: 'serviceaccount',
  user: 'system:serviceaccount:kube-system:service-account-controller',
  for: 'v1/Namespace',
  watches: { [KIND]: namespaceOfDefault },
  concurrency: 1,
  async reconcile(namespace, { client, informers }) {
    const { name = '' } = namespace.metadata
    if (namespace.status?.phase !== 'Active' || informers.lister(KIND).get(name, NAME)) return
    try {
      await client.create<ServiceAccount>({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: NAME, namespace: name } })
    } catch (error) {
      if (!isStatusError(error, 'AlreadyExists') && !isNamespaceTerminating(error)) throw error
    }
  },
})

function namespaceOfDefault(account: KubeObject): readonly Key[] {
  const { name, namespace } = account.metadata
  return name === NAME && namespace ? [namespace] : []
}
