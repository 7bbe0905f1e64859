/** The API with all kinds over a store in memory, without HTTP, controllers and, unless plugins are given, admission: for tests of what is refused and changed. */
import apiKinds from 'folder:api'
import type { Test } from 'tap'
import { AdmissionChain, type AdmissionPlugin } from '../../src/admission/chain.ts'
import { Api } from '../../src/apiserver/api.ts'
import { System } from '../../src/apiserver/system-reader.ts'
import { RbacAuthorizer } from '../../src/auth/rbac.ts'
import { privilegedGroup, unionAuthorizer } from '../../src/auth/union.ts'
import { ApiClient } from '../../src/client/api-client.ts'
import { InformerFactory } from '../../src/client/informer.ts'
import { FakeClock, SeededRandom } from '../../src/clock.ts'
import { StatusError } from '../../src/errors.ts'
import { ServiceAllocators } from '../../src/registry/allocators.ts'
import type { Authorizer, TokenAuthenticator } from '../../src/registry/authorization.ts'
import { codecOf } from '../../src/registry/facts-codec.ts'
import type { KindDefinition, KubeObject, ServiceAccountTokens, SystemReader, UserInfo } from '../../src/registry/kind.ts'
import { objectCodec } from '../../src/registry/object-codec.ts'
import { Scheme } from '../../src/registry/scheme.ts'
import { openStore } from '../../src/storage/open.ts'

export const ADMIN: UserInfo = { name: 'admin', groups: ['system:masters', 'system:authenticated'] }
export const userNamed = (name: string, ...groups: string[]): UserInfo => ({ name, groups: [...groups, 'system:authenticated'] })

type Draft = Omit<KubeObject, 'metadata'> & { metadata?: KubeObject['metadata']; [member: string]: unknown }
type Change = (copy: Draft & KubeObject) => void

export interface TestApi {
  api: Api
  clock: FakeClock
  informers: InformerFactory
  authorizer: Authorizer
  client(user?: UserInfo): ApiClient
  /** Creates it for good and answers what is stored. */
  create(object: Draft, user?: UserInfo): Promise<Draft & KubeObject>
  /** Why it may not be created, a line for each cause; empty when it may. Nothing is kept. */
  refused(object: Draft, user?: UserInfo): Promise<string[]>
  /** The same for a change of an object that is there, or of a subresource of it. */
  refusedUpdate(object: KubeObject, change: Change, options?: { subresource?: string; user?: UserInfo }): Promise<string[]>
  /** Writes the change and answers what is stored. */
  update(object: KubeObject, change: Change, options?: { subresource?: string; user?: UserInfo }): Promise<Draft & KubeObject>
}

export async function startApi(t: Test, { authenticator, serviceAccountTokens, plugins = [] }: { authenticator?: TokenAuthenticator; serviceAccountTokens?: ServiceAccountTokens; plugins?: readonly AdmissionPlugin[] } = {}): Promise<TestApi> {
  const clock = new FakeClock()
  const random = new SeededRandom(1)
  const store = await openStore({ dataDir: undefined, codec: objectCodec({ freeze: true }), clock })
  const scheme = new Scheme(codecOf)
  scheme.add(apiKinds as KindDefinition[])
  const api: Api = new Api({ scheme, store, admission: new AdmissionChain(plugins), clock, random, system: () => system })
  const informers = new InformerFactory(api)
  const rbac = new RbacAuthorizer(informers)
  const authorizer = unionAuthorizer([privilegedGroup, rbac])
  const system: SystemReader = new System(api, { allocators: new ServiceAllocators({ random }), authorizer, authenticator, serviceAccountTokens, allowPrivileged: false })
  t.teardown(async () => {
    api.admission.close()
    rbac.close()
    informers.close()
    await store.close()
  })
  const client = (user = ADMIN): ApiClient => new ApiClient(api, user, { name: 'test' })
  const whole = ({ metadata = {}, ...object }: Draft): Draft & KubeObject => ({ ...object, metadata: { name: 'a', ...metadata } })
  const changed = (object: KubeObject, change: Change): KubeObject => {
    const copy = whole(structuredClone(object) as unknown as Draft)
    change(copy)
    return copy
  }
  return {
    api,
    clock,
    informers,
    authorizer,
    client,
    create: (object, user) => client(user).create(whole(object)),
    refused: (object, user) => causes(client(user).create(whole(object), { dryRun: true })),
    refusedUpdate: (object, change, { subresource = '', user } = {}) => causes(client(user).update(changed(object, change), { dryRun: true, subresource })),
    update: async (object, change, { subresource = '', user } = {}) => whole((await client(user).update(changed(object, change), { subresource })) as unknown as Draft),
  }
}

async function causes(write: Promise<unknown>): Promise<string[]> {
  try {
    await write
    return []
  } catch (error) {
    if (!(error instanceof StatusError)) throw error
    const list = error.details?.causes
    return list ? list.map((cause) => `${cause.field ?? ''}: ${cause.message ?? ''}`) : [error.message]
  }
}
