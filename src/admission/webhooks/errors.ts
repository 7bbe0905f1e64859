/** How webhooks fail. Models k8s.io/apiserver/pkg/util/webhook/error.go and pkg/admission/plugin/webhook/errors. */
import type { Status } from '../../../schemas/types.ts'
import { badRequest, quote, StatusError } from '../../errors.ts'

/** The webhook could not be asked, or what it said is no answer: its failure policy decides. */
export class CallingError extends Error {
  override readonly name = 'CallingError'

  constructor(webhook: string, why: string, cause?: unknown) {
    super(`failed calling webhook ${quote(webhook)}: ${why}`, { cause })
  }
}

/** What the webhook said no with, as it is answered. */
export function denied(webhook: string, { code = 0, reason, message, details }: Status): StatusError {
  const head = `admission webhook ${quote(webhook)} denied the request`
  const text = message || reason ? `${head}: ${message || reason}` : `${head} without explanation`
  return new StatusError({ code: code < 400 ? 400 : code, ...(reason ? { reason } : {}), message: text, ...(details ? { details } : {}) })
}

export function dryRunUnsupported(webhook: string): StatusError {
  return badRequest(`admission webhook ${quote(webhook)} does not support dry run`)
}
