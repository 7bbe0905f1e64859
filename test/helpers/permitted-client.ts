/** The client of a controller that runs over a FakeCluster: it may do what the role of its service account allows, and nothing more. */
import { CONTROLLER_ROLES } from '../../src/auth/bootstrap-controller-roles.ts'
import type { Client, ObjectRef } from '../../src/client/client.ts'
import { forbidden } from '../../src/errors.ts'
import type { KubeObject } from '../../src/registry/kind.ts'
import { kindOf } from './fake-client.ts'

const ACCOUNT = 'system:serviceaccount:kube-system:'

/** @param user its user, or the default one for `name` */
export function permittedClient(client: Client, { name, user = `${ACCOUNT}${name}-controller` }: { name: string; user?: string }): Client {
  const rules = user.startsWith(ACCOUNT) ? CONTROLLER_ROLES[user.slice(ACCOUNT.length)] : undefined
  if (!rules) return client
  const demand = (verb: string, kind: string, { name: object = '', subresource }: { name?: string; subresource?: string | undefined }) => {
    const [group, resource] = resourceOf(kind)
    const full = subresource ? `${resource}/${subresource}` : resource
    const isAllowed = rules.some(
      ({ verbs = [], apiGroups = [], resources = [], resourceNames }) => has(verbs, verb) && has(apiGroups, group) && (has(resources, full) || (subresource !== undefined && resources.includes(`*/${subresource}`))) && (!resourceNames || verb === 'create' || resourceNames.includes(object)),
    )
    if (!isAllowed) throw forbidden({ group, resource: full }, object, `User "${user}" cannot ${verb} resource "${full}" in API group "${group}"`)
  }
  const about = (object: KubeObject, subresource?: string) => ({ name: object.metadata.name ?? '', subresource })
  const own: Partial<Client> = {
    async create(object, options) {
      demand('create', kindOf(object), about(object, options?.subresource))
      return client.create(object, options)
    },
    async update(object, options) {
      demand('update', kindOf(object), about(object, options?.subresource))
      return client.update(object, options)
    },
    async updateStatus(object) {
      demand('update', kindOf(object), about(object, 'status'))
      return client.updateStatus(object)
    },
    async patch(kind, ref, patch, options) {
      demand('patch', kind, { name: ref.name, subresource: options?.subresource })
      return client.patch(kind, ref, patch, options)
    },
    async change(kind, ref, change, options) {
      demand('update', kind, { name: ref.name, subresource: options?.subresource })
      return client.change(kind, ref, change, options)
    },
    async delete(kind: string, ref: ObjectRef, options) {
      demand('delete', kind, ref)
      return client.delete(kind, ref, options)
    },
  }
  return new Proxy(client, {
    get(target, member, receiver) {
      const value: unknown = Reflect.get(member in own ? own : target, member, member in own ? own : receiver)
      return typeof value === 'function' && !(member in own) ? value.bind(target) : value
    },
  })
}

const has = (list: readonly string[], word: string): boolean => list.includes(word) || list.includes('*')

function resourceOf(ref: string): [group: string, resource: string] {
  const parts = ref.split('/')
  const kind = (parts.pop() ?? '').toLowerCase()
  const resource = kind.endsWith('s') ? (kind === 'endpoints' ? kind : `${kind}es`) : kind.endsWith('y') ? `${kind.slice(0, -1)}ies` : `${kind}s`
  return [parts.length > 1 ? (parts[0] ?? '') : '', resource]
}
