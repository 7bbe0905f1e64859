/**
 * Puts the cluster's CA into every Namespace, in the ConfigMap that pods mount with their tokens.
 * Models k8s.io/kubernetes/pkg/controller/certificates/rootcacertpublisher.
 */
import type { ConfigMap, Namespace } from '../schemas/types.ts'
import { defineController, type Key } from '../src/controller/controller.ts'
import { semanticEqual } from '../src/controller/equal.ts'
import { isNamespaceTerminating } from '../src/controller/pod-control.ts'
import { isStatusError } from '../src/errors.ts'
import type { KubeObject } from '../src/registry/kind.ts'

const KIND = 'v1/ConfigMap'
const NAME = 'kube-root-ca.crt'
const DESCRIPTION = 'kubernetes.io/description'
const TEXT =
  'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.'

export default defineController<Namespace>({
  name: 'root-ca-certificate-publisher',
  user: 'system:serviceaccount:kube-system:root-ca-cert-publisher',
  for: 'v1/Namespace',
  watches: { [KIND]: namespaceOfBundle },
  concurrency: 1,
  async reconcile(namespace, { client, informers, settings }) {
    const { name = '' } = namespace.metadata
    const data = { 'ca.crt': settings.rootCA }
    const current = informers.lister<ConfigMap>(KIND).get(name, NAME)
    if (current) {
      const { annotations } = current.metadata
      if (semanticEqual(current.data, data) && annotations?.[DESCRIPTION]) return
      await client.update<ConfigMap>({ ...current, metadata: { ...current.metadata, annotations: { ...annotations, [DESCRIPTION]: TEXT } }, data })
      return
    }
    try {
      await client.create<ConfigMap>({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: NAME, namespace: name, annotations: { [DESCRIPTION]: TEXT } }, data })
    } catch (error) {
      if (!isStatusError(error, 'NotFound') && !isNamespaceTerminating(error)) throw error
    }
  },
})

function namespaceOfBundle(map: KubeObject): readonly Key[] {
  const { name, namespace } = map.metadata
  return name === NAME && namespace ? [namespace] : []
}
