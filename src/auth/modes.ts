/**
 * The authorizers that a list of modes or a configuration names, asked in its order. Models
 * k8s.io/kubernetes/pkg/kubeapiserver/authorizer (modes, config.go, reload.go).
 */
import type { Clock } from '../clock.ts'
import { ParseError } from '../apimachinery/parse-error.ts'
import { SettingError } from '../errors.ts'
import type { Authorizer } from '../registry/authorization.ts'
import { abacAuthorizer, type AbacPolicy } from './abac.ts'
import { MODES, type ConfiguredAuthorizer } from './authorization-configuration.ts'
import type { ObjectFeeds } from './rbac.ts'
import { RbacAuthorizer } from './rbac.ts'
import { NodeAuthorizer } from './node-authorizer.ts'
import type { IndexedFeeds } from './node-references.ts'
import { WebhookAuthorizer, type AuthorizationWebhook } from './webhooks.ts'
import { alwaysAllow, alwaysDeny, privilegedGroup, unionAuthorizer } from './union.ts'

const ABAC = 'ABAC'
/** As kubeadm sets it. */
export const DEFAULT_MODES: readonly string[] = ['Node', 'RBAC']

export interface AuthorizationOptions {
  /** Node and RBAC unless told. */
  modes?: readonly string[]
  /** Who answers for the mode Webhook. */
  webhook?: AuthorizationWebhook
  /** What the mode ABAC allows. */
  policies?: readonly AbacPolicy[]
  /** In place of modes and the one webhook. */
  authorizers?: readonly ConfiguredAuthorizer[]
  /** Where they stand, for they count anew when that changes. */
  configFile?: { path: string; text: string }
}

export interface Authorization {
  authorizer: Authorizer
  /** @throws ParseError where a kind of authorizer comes or goes that only a start can bring or end */
  replace(authorizers: readonly ConfiguredAuthorizer[]): void
  close(): void
}

interface Parts {
  feeds: ObjectFeeds & IndexedFeeds
  clock: Clock
}

/** @throws SettingError in upstream's words for modes that are not known, come twice or lack their settings */
export function authorizationOf(options: AuthorizationOptions, { feeds, clock }: Parts): Authorization {
  const first = options.authorizers ?? configuredModes(options)
  const has = (type: string) => first.some((authorizer) => authorizer.type === type)
  const { policies } = options
  if (has(ABAC) && !policies) throw new SettingError("authorization-mode ABAC's authorization policy file not passed")
  if (policies && !has(ABAC)) throw new SettingError('cannot specify --authorization-policy-file without mode ABAC')
  const rbac = has('RBAC') ? new RbacAuthorizer(feeds) : undefined
  const lasting: Readonly<Record<string, Authorizer | undefined>> = { AlwaysAllow: alwaysAllow, AlwaysDeny: alwaysDeny, ABAC: policies && abacAuthorizer(policies), Node: has('Node') ? new NodeAuthorizer(feeds) : undefined, RBAC: rbac }
  const union = (authorizers: readonly ConfiguredAuthorizer[]): Authorizer => {
    const made = authorizers.map(({ type, webhook }) => {
      const authorizer = webhook ? new WebhookAuthorizer(webhook, clock) : lasting[type]
      if (!authorizer) throw new ParseError(`authorizer type ${type} is not allowed if it was not enabled at initial server startup`)
      return authorizer
    })
    return unionAuthorizer([privilegedGroup, ...made])
  }
  let current = union(first)
  return {
    authorizer: { authorize: (attributes) => current.authorize(attributes), rulesFor: (user, namespace) => current.rulesFor(user, namespace) },
    replace(authorizers) {
      const gone = first.filter(({ type }) => type !== 'Webhook' && !authorizers.some((authorizer) => authorizer.type === type)).map(({ type }) => type)
      if (gone.length > 0) throw new ParseError(`missing required types: [${gone.sort().join(' ')}]`)
      current = union(authorizers)
    },
    close() {
      rbac?.close()
    },
  }
}

function configuredModes({ modes = DEFAULT_MODES, webhook }: AuthorizationOptions): ConfiguredAuthorizer[] {
  if (modes.length === 0) throw new SettingError('at least one authorization-mode must be passed')
  const unknown = modes.find((mode) => !MODES.includes(mode))
  if (unknown !== undefined) throw new SettingError(`authorization-mode ${JSON.stringify(unknown)} is not a valid mode`)
  const twice = modes.find((mode, i) => modes.indexOf(mode) !== i)
  if (twice !== undefined) throw new SettingError(`authorization-mode ${JSON.stringify(modes)} has mode specified more than once`)
  if (modes.includes('Webhook') && !webhook) throw new SettingError("authorization-mode Webhook's authorization config file not passed")
  if (webhook && !modes.includes('Webhook')) throw new SettingError('cannot specify --authorization-webhook-config-file without mode Webhook')
  return modes.map((type) => ({ type, name: type.toLowerCase(), ...(type === 'Webhook' && webhook ? { webhook } : {}) }))
}
