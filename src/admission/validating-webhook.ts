/** Webhooks that may refuse; all that match are asked at once. Models k8s.io/apiserver/pkg/admission/plugin/webhook/validating. */
import { internalError } from '../errors.ts'
import type { AdmissionAttributes, AdmissionPlugin } from './chain.ts'
import { isExempt } from './match-resources.ts'
import { callWebhook } from './webhooks/call.ts'
import type { WebhookClient } from './webhooks/client.ts'
import { CallingError } from './webhooks/errors.ts'
import { listHooks, type Hook } from './webhooks/hook.ts'
import type { MatchConditions } from './webhooks/match-conditions.ts'
import { invocationOf, type Invocation } from './webhooks/match.ts'

const FAILED_OPEN = 'failed-open.validating.webhook.admission.k8s.io/'

export function validatingWebhook(client: WebhookClient, conditions: MatchConditions): AdmissionPlugin {
  return {
    name: 'ValidatingAdmissionWebhook',
    validate(attributes) {
      if (isExempt(attributes)) return undefined
      const hooks = listHooks(attributes.ctx.system, 'ValidatingWebhookConfiguration')
      return hooks.length === 0 ? undefined : callAll(hooks, { client, conditions, attributes })
    },
    close: () => client.close(),
  }
}

interface Call {
  client: WebhookClient
  conditions: MatchConditions
  attributes: AdmissionAttributes
}

async function callAll(hooks: readonly Hook[], { client, conditions, attributes }: Call): Promise<void> {
  const invocations: Invocation[] = []
  for (const hook of hooks) {
    const invocation = await invocationOf(hook, attributes, conditions)
    if (invocation) invocations.push(invocation)
  }
  // The first refusal in time is the one that is answered, but all are awaited.
  const refusals: unknown[] = []
  const ask = async (invocation: Invocation, index: number) => {
    try {
      await callWebhook(client, invocation, attributes, { isMutating: false })
    } catch (error) {
      const { name, webhook } = invocation.hook
      if (!(error instanceof CallingError)) refusals.push(error)
      else if (webhook.failurePolicy === 'Ignore') attributes.ctx.annotateAudit(`${FAILED_OPEN}round_0_index_${index}`, name)
      else refusals.push(internalError(error.message, error))
    }
  }
  await Promise.all(invocations.map(ask))
  if (refusals.length > 0) throw refusals[0]
}
