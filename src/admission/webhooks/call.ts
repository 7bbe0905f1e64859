/** One call of one webhook: the question, the answer and what it leaves in the request. Models callHook of the webhook dispatchers. */
import type { AdmissionResponse } from '../../../schemas/types.ts'
import type { AdmissionAttributes } from '../chain.ts'
import type { WebhookClient } from './client.ts'
import { CallingError, denied, dryRunUnsupported } from './errors.ts'
import type { Invocation } from './match.ts'
import { makeReview, readAnswer, reviewVersion, verifyAnswer } from './review.ts'

const DEFAULT_TIMEOUT_SECONDS = 10

/** What an allowing webhook said. @throws CallingError when it cannot be asked, StatusError when it says no */
export async function callWebhook(client: WebhookClient, invocation: Invocation, attributes: AdmissionAttributes, { isMutating }: { isMutating: boolean }): Promise<AdmissionResponse> {
  const { name, webhook } = invocation.hook
  const { ctx } = attributes
  if (ctx.dryRun && webhook.sideEffects === undefined) throw new CallingError(name, 'Webhook SideEffects is nil')
  if (ctx.dryRun && webhook.sideEffects !== 'None' && webhook.sideEffects !== 'NoneOnDryRun') throw dryRunUnsupported(name)
  const version = reviewVersion(invocation)
  if (!version) throw new CallingError(name, 'could not create admission objects: webhook does not accept known AdmissionReview versions (v1, v1beta1)')
  const uid = ctx.random.uuid()
  const review = makeReview(invocation, attributes, { uid, version })
  const timeoutSeconds = webhook.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS
  const answer = await because(name, 'failed to call webhook', async () => readAnswer(await client.post(webhook.clientConfig ?? {}, review, { timeoutSeconds, ctx }), version))
  const response = await because(name, 'received invalid webhook response', () => verifyAnswer(answer, { uid, version, isMutating }))
  for (const [key, value] of Object.entries(response.auditAnnotations ?? {})) ctx.annotateAudit(`${name}/${key}`, value)
  for (const warning of response.warnings ?? []) ctx.warn(warning)
  if (!response.allowed) throw denied(name, response.status ?? { metadata: {} })
  return response
}

async function because<T>(webhook: string, what: string, act: () => T | Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    throw new CallingError(webhook, `${what}: ${error instanceof Error ? error.message : String(error)}`, error)
  }
}
