/**
 * Webhooks that may change the object, one after the other, and again when others changed it after them. Models
 * k8s.io/apiserver/pkg/admission/plugin/webhook/mutating.
 */
import { cloneJSON, equalJSON } from '../apimachinery/json.ts'
import { applyJSONPatch, decodeJSONPatch, type JSONPatchOperation } from '../apimachinery/json-patch.ts'
import { ParseError } from '../apimachinery/parse-error.ts'
import { parseJSON } from '../apimachinery/parse.ts'
import { expectedFor } from '../apiserver/meta-kinds.ts'
import { internalError, quote } from '../errors.ts'
import type { KubeObject } from '../registry/kind.ts'
import { Reinvocation, type AdmissionAttributes, type AdmissionPlugin } from './chain.ts'
import { isExempt } from './match-resources.ts'
import { replaceVersioned, versioned } from './versioned.ts'
import { callWebhook } from './webhooks/call.ts'
import type { WebhookClient } from './webhooks/client.ts'
import { CallingError } from './webhooks/errors.ts'
import { listHooks, type Hook } from './webhooks/hook.ts'
import type { MatchConditions } from './webhooks/match-conditions.ts'
import { invocationOf, type Invocation } from './webhooks/match.ts'

const NAME = 'MutatingAdmissionWebhook'
const FAILED_OPEN = 'failed-open.mutation.webhook.admission.k8s.io/'
const MUTATION = 'mutation.webhook.admission.k8s.io/'
const PATCH = 'patch.webhook.admission.k8s.io/'

export function mutatingWebhook(client: WebhookClient, conditions: MatchConditions): AdmissionPlugin {
  return {
    name: NAME,
    mutate(attributes) {
      if (isExempt(attributes)) return undefined
      const hooks = listHooks(attributes.ctx.system, 'MutatingWebhookConfiguration')
      return hooks.length === 0 ? undefined : callInOrder(hooks, { client, conditions, attributes })
    },
    close: () => client.close(),
  }
}

/** What is remembered between the two runs of the chain. */
interface Memory {
  output: KubeObject | undefined
  /** Called already and to be called again if others change the object. */
  invoked: Set<string>
  again: Set<string>
}

interface Call {
  client: WebhookClient
  conditions: MatchConditions
  attributes: AdmissionAttributes
}

async function callInOrder(hooks: readonly Hook[], { client, conditions, attributes }: Call): Promise<void> {
  const reinvocation = (attributes.reinvocation ??= new Reinvocation())
  const memory = memoryOf(reinvocation)
  const { isReinvoke } = reinvocation
  if (isReinvoke && !equalJSON(memory.output, attributes.object)) callInvokedAgain(memory)
  try {
    for (const [index, hook] of hooks.entries()) {
      const invocation = await invocationOf(hook, attributes, conditions)
      if (!invocation || (isReinvoke && !memory.again.has(hook.uid))) continue
      const place = `round_${isReinvoke ? 1 : 0}_index_${index}`
      if (await mutateBy(invocation, attributes, { client, place })) {
        callInvokedAgain(memory)
        reinvocation.isWanted = true
      }
      if (hook.webhook.reinvocationPolicy === 'IfNeeded') memory.invoked.add(hook.uid)
    }
  } finally {
    memory.output = cloneJSON(attributes.object)
  }
}

function memoryOf({ memory }: Reinvocation): Memory {
  const known = memory.get(NAME) as Memory | undefined
  const found = known ?? { output: undefined, invoked: new Set(), again: new Set() }
  if (!known) memory.set(NAME, found)
  return found
}

function callInvokedAgain(memory: Memory): void {
  for (const uid of memory.invoked) memory.again.add(uid)
  memory.invoked.clear()
}

/** Whether the object changed. @throws StatusError when the webhook says no, or cannot be asked and must be */
async function mutateBy(invocation: Invocation, attributes: AdmissionAttributes, { client, place }: { client: WebhookClient; place: string }): Promise<boolean> {
  const { name: webhook, configuration, webhook: settings } = invocation.hook
  const { ctx } = attributes
  let mutated = false
  try {
    const { patch, patchType } = await callWebhook(client, invocation, attributes, { isMutating: true })
    const operations = patch ? readPatch(webhook, patch, patchType) : []
    if (operations.length === 0) return false
    mutated = await applyPatch(invocation, attributes, operations)
    ctx.annotateAudit(PATCH + place, JSON.stringify({ configuration, webhook, patch: operations, patchType }))
    return mutated
  } catch (error) {
    if (!(error instanceof CallingError)) throw error
    if (settings.failurePolicy !== 'Ignore') throw internalError(error.message, error)
    ctx.annotateAudit(FAILED_OPEN + place, webhook)
    return false
  } finally {
    ctx.annotateAudit(MUTATION + place, JSON.stringify({ configuration, webhook, mutated }))
  }
}

/** @param patch in base64 */
function readPatch(webhook: string, patch: string, type: string | undefined): JSONPatchOperation[] {
  let operations: JSONPatchOperation[]
  try {
    operations = decodeJSONPatch(parseJSON(Buffer.from(patch, 'base64')).value).operations
  } catch (error) {
    if (error instanceof ParseError) throw new CallingError(webhook, `received undecodable patch in webhook response: ${error.message}`, error)
    throw error
  }
  if (operations.length > 0 && type !== 'JSONPatch') throw new CallingError(webhook, `unsupported patch type ${quote(type ?? '')}`)
  return operations
}

/** Changes the object in place, through the version that the webhook saw. */
async function applyPatch({ hook, kind }: Invocation, attributes: AdmissionAttributes, operations: readonly JSONPatchOperation[]): Promise<boolean> {
  const { object, objectKind } = attributes
  if (!object) throw internalError(`admission webhook ${quote(hook.name)} attempted to modify the object, which is not supported for this operation`)
  const { codec } = objectKind ? expectedFor(objectKind) : kind
  const before = versioned(object, attributes, kind)
  let patched: KubeObject
  try {
    patched = codec.decode(applyJSONPatch(before, operations)).object
  } catch (error) {
    if (error instanceof ParseError) throw internalError(error.message, error)
    throw error
  }
  const changed = !equalJSON(before, codec.normalize(patched))
  await replaceVersioned(object, patched, { attributes, kind })
  return changed
}
