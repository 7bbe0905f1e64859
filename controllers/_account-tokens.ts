/** Secrets that hold a token of a ServiceAccount. Models k8s.io/apiserver/pkg/authentication/serviceaccount. */
import type { Secret, ServiceAccount } from '../schemas/types.ts'
import type { ControllerContext } from '../src/controller/controller.ts'

export const SECRET = 'v1/Secret'
export const SERVICE_ACCOUNT = 'v1/ServiceAccount'
export const ACCOUNT_NAME = 'kubernetes.io/service-account.name'
export const ACCOUNT_UID = 'kubernetes.io/service-account.uid'

export function isAccountToken(secret: Secret): boolean {
  return secret.type === 'kubernetes.io/service-account-token'
}

/** The account that a token is of; undefined when it is gone, or another of its name is there now. */
export function accountOf(secret: Secret, { informers }: ControllerContext): ServiceAccount | undefined {
  const { namespace = '', annotations } = secret.metadata
  const name = annotations?.[ACCOUNT_NAME]
  const account = name ? informers.lister<ServiceAccount>(SERVICE_ACCOUNT).get(namespace, name) : undefined
  const uid = annotations?.[ACCOUNT_UID]
  return uid && uid !== account?.metadata.uid ? undefined : account
}
