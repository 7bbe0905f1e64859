/**
 * Who sets owner references must be allowed to delete the object, and to hold up the owner's deletion where they say so.
 * Models k8s.io/kubernetes/plugin/pkg/admission/gc.
 */
import type { OwnerReference } from '../../schemas/types.ts'
import { equalJSON } from '../apimachinery/json.ts'
import { quote } from '../errors.ts'
import type { Authorizer, ResourceAttributes, Verdict } from '../registry/authorization.ts'
import type { AdmissionAttributes, AdmissionPlugin } from './chain.ts'
import { refuse } from './refuse.ts'
import { isFor } from './subject.ts'

const NONE: readonly OwnerReference[] = []

export const ownerReferencesPermissionEnforcement: AdmissionPlugin = {
  name: 'OwnerReferencesPermissionEnforcement',
  validate(attributes) {
    const { operation, object, oldObject, ctx } = attributes
    const { authorizer } = ctx.system
    // Old kubelets spoil what they do not know of a pod's status; the kind keeps its owners itself.
    if (!authorizer || !object || (operation !== 'CREATE' && operation !== 'UPDATE') || isFor(attributes, 'pods', '', 'status')) return
    const owners = object.metadata?.ownerReferences ?? NONE
    const old = oldObject?.metadata.ownerReferences ?? NONE
    if (owners.length === old.length && owners.every((ref, i) => equalJSON(ref, old[i]))) return
    return check(authorizer, attributes, { owners, old })
  },
}

async function check(authorizer: Authorizer, attributes: AdmissionAttributes, { owners, old }: { owners: readonly OwnerReference[]; old: readonly OwnerReference[] }): Promise<void> {
  const { operation, kind, ctx, namespace, name, subresource } = attributes
  const { user } = ctx
  if (operation !== 'CREATE') {
    const verdict = await authorizer.authorize({ user, verb: 'delete', namespace, apiGroup: kind.group, apiVersion: kind.version, resource: kind.plural, subresource, name })
    if (verdict.decision !== 'Allow') throw refuse(attributes, `cannot set an ownerRef on a resource you can't delete: ${explain(verdict)}`)
  }
  const blocking = owners.filter((ref) => ref.blockOwnerDeletion && !old.some((o) => o.uid === ref.uid && o.blockOwnerDeletion))
  if (blocking.length === 0) return
  const finalize = (about: Pick<ResourceAttributes, 'namespace' | 'apiGroup' | 'apiVersion' | 'resource' | 'name'>) => authorizer.authorize({ user, verb: 'update', subresource: 'finalizers', ...about })
  const anything = await finalize({ namespace: '', apiGroup: '*', apiVersion: '*', resource: '*', name: '*' })
  if (anything.decision === 'Allow') return
  for (const ref of blocking) {
    const verdict = await finalize(ownerOf(ref, attributes))
    if (verdict.decision !== 'Allow') throw refuse(attributes, `cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: ${explain(verdict)}`)
  }
}

function ownerOf({ apiVersion = '', kind = '', name = '' }: OwnerReference, attributes: AdmissionAttributes) {
  const { ctx, namespace } = attributes
  const owner = ctx.system.kinds?.().find((k) => k.apiVersion === apiVersion && k.kind === kind)
  if (!owner) {
    const why = `no matches for kind ${quote(kind)} in version ${quote(apiVersion)}`
    throw refuse(attributes, `cannot set blockOwnerDeletion in this case because cannot find RESTMapping for APIVersion ${apiVersion} Kind ${kind}: ${why}`)
  }
  return { namespace: owner.namespaced ? namespace : '', apiGroup: owner.group, apiVersion: owner.version, resource: owner.plural, name }
}

/** As Go prints a reason and an error. */
function explain({ reason, error }: Verdict): string {
  return `${reason}, ${error ?? '<nil>'}`
}
