/** Where the conditions of webhooks are evaluated; they are CEL, which plugs in here. */
import type { AdmissionAttributes } from '../chain.ts'
import type { Invocation } from './match.ts'

/** Whether all conditions of the webhook hold; `error` where that cannot be told, which refuses the request. */
export type MatchConditions = (invocation: Invocation, attributes: AdmissionAttributes) => { matches: boolean; error?: string } | Promise<{ matches: boolean; error?: string }>
