/**
 * Makes the objects that every cluster has, at each start: what is there already stays as it is, but for default roles, which
 * get what they lack. Models the post-start hooks of k8s.io/kubernetes/pkg/controlplane and pkg/registry/rbac/rest.
 */
import { equalJSON } from '../apimachinery/json.ts'
import { bootstrapRoles, type BootstrapRole } from '../auth/bootstrap-roles.ts'
import { planRole } from '../auth/reconcile-roles.ts'
import { isStatusError } from '../errors.ts'
import { bootstrapObjects, type BootstrapOptions } from '../registry/bootstrap-objects.ts'
import type { KubeObject } from '../registry/kind.ts'
import type { Client, ObjectRef } from './client.ts'

/** @param client of a user who may do anything */
export async function ensureBootstrapObjects(client: Client, options: BootstrapOptions): Promise<void> {
  const objects = bootstrapObjects(options)
  const namespaces = objects.filter((object) => object.kind === 'Namespace')
  await Promise.all(namespaces.map((object) => ensureObject(client, object)))
  // the rest at once, so that they share their syncs to disk
  await Promise.all([
    ...objects.filter((object) => object.kind !== 'Namespace').map((object) => ensureObject(client, object)),
    ...bootstrapRoles().map((role) => ensureRole(client, role)),
  ])
}

/** Creates the object with its status, unless one of its name is there. */
export async function ensureObject(client: Client, object: KubeObject & { status?: unknown }): Promise<void> {
  // asked first: a create takes a Service's address before it finds the name taken
  if (await getIfPresent(client, object)) return
  try {
    const created = await client.create(object)
    if (object.status && !equalJSON(created.status, object.status)) await client.updateStatus({ ...created, status: object.status })
  } catch (error) {
    if (!isStatusError(error, 'AlreadyExists')) throw error
  }
}

async function ensureRole(client: Client, role: BootstrapRole): Promise<void> {
  const plan = planRole(await getIfPresent(client, role), role)
  if (plan?.action === 'update') await client.update(plan.object)
  else if (plan) {
    if (plan.action === 'recreate') await client.delete(kindOf(role), refOf(role))
    await client.create(plan.object)
  }
}

const kindOf = ({ apiVersion = '', kind = '' }: KubeObject): string => `${apiVersion}/${kind}`
const refOf = ({ metadata: { namespace = '', name = '' } }: KubeObject): ObjectRef => ({ namespace, name })

async function getIfPresent(client: Client, object: KubeObject): Promise<KubeObject | undefined> {
  try {
    return await client.get(kindOf(object), refOf(object))
  } catch (error) {
    if (isStatusError(error, 'NotFound')) return undefined
    throw error
  }
}
