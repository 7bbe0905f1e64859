/**
 * Nothing is created in a namespace that is not there or is going away. Models
 * k8s.io/apiserver/pkg/admission/plugin/namespace/lifecycle. That the first namespaces stay is the Namespace kind's own rule.
 */
import { notFound, StatusError } from '../errors.ts'
import type { KubeObject } from '../registry/kind.ts'
import type { AdmissionPlugin } from './chain.ts'
import { refuse } from './refuse.ts'

interface NamespaceState extends KubeObject {
  status?: { phase?: string }
}

/** Reviews that ask about a namespace that need not be there. */
const EXEMPT = new Set(['localsubjectaccessreviews.authorization.k8s.io'])

export const namespaceLifecycle: AdmissionPlugin = {
  name: 'NamespaceLifecycle',
  mutate(attributes) {
    const { operation, kind, namespace, ctx } = attributes
    if ((operation !== 'CREATE' && operation !== 'UPDATE') || !kind.namespaced || !namespace) return
    const { group, resource } = kind.groupResource
    if (EXEMPT.has(`${resource}.${group}`)) return
    const found = ctx.system.get<NamespaceState>('v1/Namespace', '', namespace)
    if (!found) throw notFound({ group: '', resource: 'namespaces' }, namespace)
    if (operation === 'UPDATE' || (!found.metadata.deletionTimestamp && found.status?.phase !== 'Terminating')) return
    const error = refuse(attributes, `unable to create new content in namespace ${namespace} because it is being terminated`)
    const cause = { reason: 'NamespaceTerminating', message: `namespace ${namespace} is being terminated`, field: 'metadata.namespace' }
    throw new StatusError({ code: error.code, reason: 'Forbidden', message: error.message, details: { ...error.details, causes: [cause] } })
  },
}
