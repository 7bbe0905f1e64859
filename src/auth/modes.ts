/**
 * The authorizers that a list of modes names, asked in its order. Models k8s.io/kubernetes/pkg/kubeapiserver/authorizer
 * (modes, config.go).
 */
import type { Clock } from '../clock.ts'
import type { Authorizer } from '../registry/authorization.ts'
import type { ObjectFeeds } from './rbac.ts'
import { RbacAuthorizer } from './rbac.ts'
import { NodeAuthorizer } from './node-authorizer.ts'
import type { IndexedFeeds } from './node-references.ts'
import { WebhookAuthorizer, type WebhookOptions } from './webhooks.ts'
import { alwaysAllow, alwaysDeny, privilegedGroup, unionAuthorizer } from './union.ts'

/** As kubeadm sets it. */
export const DEFAULT_MODES: readonly string[] = ['Node', 'RBAC']
const MODES = ['AlwaysAllow', 'AlwaysDeny', 'Node', 'RBAC', 'Webhook']

export interface AuthorizationOptions {
  /** Node and RBAC unless told. */
  modes?: readonly string[]
  /** Who answers for the mode Webhook. */
  webhook?: Omit<WebhookOptions, 'clock'>
}

export interface Authorization {
  authorizer: Authorizer
  close(): void
}

/** @throws Error in upstream's words for modes that are not known, come twice or lack their settings */
export function authorizationOf({ modes = DEFAULT_MODES, webhook }: AuthorizationOptions, { feeds, clock }: { feeds: ObjectFeeds & IndexedFeeds; clock: Clock }): Authorization {
  checkModes(modes, webhook)
  const rbac = modes.includes('RBAC') ? new RbacAuthorizer(feeds) : undefined
  const byMode: Readonly<Record<string, () => Authorizer | undefined>> = {
    AlwaysAllow: () => alwaysAllow,
    AlwaysDeny: () => alwaysDeny,
    Node: () => new NodeAuthorizer(feeds),
    RBAC: () => rbac,
    Webhook: () => webhook && new WebhookAuthorizer({ ...webhook, clock }),
  }
  return {
    authorizer: unionAuthorizer([privilegedGroup, ...modes.flatMap((mode) => byMode[mode]?.() ?? [])]),
    close() {
      rbac?.close()
    },
  }
}

function checkModes(modes: readonly string[], webhook: AuthorizationOptions['webhook']): void {
  if (modes.length === 0) throw new Error('at least one authorization-mode must be passed')
  const unknown = modes.find((mode) => !MODES.includes(mode))
  if (unknown !== undefined) throw new Error(`authorization-mode ${JSON.stringify(unknown)} is not a valid mode`)
  const twice = modes.find((mode, i) => modes.indexOf(mode) !== i)
  if (twice !== undefined) throw new Error(`authorization-mode ${JSON.stringify(modes)} has mode specified more than once`)
  if (modes.includes('Webhook') && !webhook) throw new Error("authorization-mode Webhook's authorization config file must be passed")
  if (webhook && !modes.includes('Webhook')) throw new Error('cannot specify --authorization-webhook-config-file without mode Webhook')
}
