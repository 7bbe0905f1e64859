/**
 * What a request does to a namespace that is not there: nothing, or it makes it. Models
 * k8s.io/kubernetes/plugin/pkg/admission/namespace/{exists,autoprovision}.
 */
import { isStatusError, notFound } from '../errors.ts'
import type { AdmissionAttributes, AdmissionPlugin } from './chain.ts'
import { refuse } from './refuse.ts'

export const namespaceExists: AdmissionPlugin = {
  name: 'NamespaceExists',
  validate(attributes) {
    if (attributes.operation !== 'CONNECT' && isMissing(attributes)) throw notFound({ group: '', resource: 'namespaces' }, attributes.namespace)
  },
}

export const namespaceAutoProvision: AdmissionPlugin = {
  name: 'NamespaceAutoProvision',
  async mutate(attributes) {
    const { operation, namespace, ctx } = attributes
    if (operation !== 'CREATE' || ctx.dryRun || !isMissing(attributes)) return
    try {
      await ctx.system.create('v1/Namespace', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
    } catch (error) {
      if (!isStatusError(error, 'AlreadyExists')) throw refuse(attributes, error instanceof Error ? error.message : String(error))
    }
  },
}

function isMissing({ kind, namespace, ctx }: AdmissionAttributes): boolean {
  return kind.namespaced && namespace !== '' && ctx.system.get('v1/Namespace', '', namespace) === undefined
}
