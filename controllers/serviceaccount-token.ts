/**
 * Fills Secrets of type service-account-token, and deletes those whose ServiceAccount is gone.
 * Models tokens_controller.go of k8s.io/kubernetes/pkg/controller/serviceaccount.
 */
import type { Secret, ServiceAccount } from '../schemas/types.ts'
import { defineController, keyOf, type ControllerContext, type Key } from '../src/controller/controller.ts'
import { refOf } from '../src/controller/owners.ts'
import { perCluster } from '../src/controller/state.ts'
import { isStatusError } from '../src/errors.ts'
import type { KubeObject } from '../src/registry/kind.ts'
import { ACCOUNT_NAME, ACCOUNT_UID, SECRET, SERVICE_ACCOUNT, accountOf, isAccountToken } from './_account-tokens.ts'

const BY_ACCOUNT = 'service-account'

/** Tokens that were deleted and may be named by their account yet. */
const gone = perCluster(() => new Map<Key, Secret>())

export default defineController<Secret>({
  name: 'serviceaccount-token',
  // It makes the tokens by which the other controllers have accounts of their own.
  user: 'system:kube-controller-manager',
  manager: 'kube-controller-manager',
  for: SECRET,
  watches: { [SERVICE_ACCOUNT]: secretsOfAccount },
  setup(ctx) {
    ctx.informers.for<Secret>(SECRET).addIndex(BY_ACCOUNT, (secret) => (isAccountToken(secret) ? [accountKey(secret)] : []))
    ctx.informers.for<Secret>(SECRET).subscribe({ delete: (secret) => void (isAccountToken(secret) && gone(ctx).set(keyOf(secret), secret)) })
  },
  wakes: isAccountToken,
  reconcile,
  async deleted(key, ctx) {
    const secret = gone(ctx).get(key)
    if (secret) await removeReference(secret, ctx)
    gone(ctx).delete(key)
  },
})

function accountKey(secret: Secret): Key {
  return keyOf({ metadata: { namespace: secret.metadata.namespace, name: secret.metadata.annotations?.[ACCOUNT_NAME] } })
}

function secretsOfAccount(account: KubeObject, ctx: ControllerContext, old?: KubeObject): readonly Key[] {
  return old ? [] : ctx.informers.lister<Secret>(SECRET).byIndex(BY_ACCOUNT, keyOf(account)).map(keyOf)
}

/** What a token's Secret lacks; a namespace or a token that is there is left as it is. */
export function missingData(secret: Secret, rootCA: string): { ca: boolean; namespace: boolean; token: boolean } {
  const has = (key: string) => (secret.data?.[key] ?? '') !== ''
  return { ca: rootCA !== '' && secret.data?.['ca.crt'] !== encode(rootCA), namespace: !has('namespace'), token: !has('token') }
}

async function reconcile(secret: Secret, ctx: ControllerContext): Promise<void> {
  const { client, settings, signLegacyToken } = ctx
  if (!isAccountToken(secret)) return
  const { namespace = '', name = '' } = secret.metadata
  const account = accountOf(secret, ctx)
  if (!account) return remove(secret, ctx)
  const missing = missingData(secret, settings.rootCA)
  if (!missing.ca && !missing.namespace && !missing.token) return
  const owner = { namespace, name: account.metadata.name ?? '', uid: account.metadata.uid ?? '' }
  const data = {
    ...secret.data,
    ...(missing.ca ? { 'ca.crt': encode(settings.rootCA) } : {}),
    ...(missing.namespace ? { namespace: encode(namespace) } : {}),
    ...(missing.token && signLegacyToken ? { token: encode(await signLegacyToken(owner, name)) } : {}),
  }
  const annotations = { ...secret.metadata.annotations, [ACCOUNT_NAME]: owner.name, [ACCOUNT_UID]: owner.uid }
  try {
    await client.update<Secret>({ ...secret, metadata: { ...secret.metadata, annotations }, data })
  } catch (error) {
    if (!isStatusError(error, 'NotFound') && !isStatusError(error, 'Conflict')) throw error
  }
}

const encode = (text: string) => Buffer.from(text).toString('base64')

async function remove(secret: Secret, { client }: ControllerContext): Promise<void> {
  try {
    await client.delete(SECRET, refOf(secret), { preconditions: { uid: secret.metadata.uid } })
  } catch (error) {
    if (!isStatusError(error, 'NotFound') && !isStatusError(error, 'Conflict')) throw error
  }
}

/** An account does not name a Secret that is gone. */
async function removeReference(secret: Secret, ctx: ControllerContext): Promise<void> {
  const account = accountOf(secret, ctx)
  if (!account?.secrets?.some((s) => s.name === secret.metadata.name)) return
  try {
    await ctx.client.change<ServiceAccount>(SERVICE_ACCOUNT, refOf(account), (copy) => {
      copy.secrets = copy.secrets?.filter((s) => s.name !== secret.metadata.name)
    })
  } catch (error) {
    if (!isStatusError(error, 'NotFound')) throw error
  }
}
