/** Puts together what becomes of audit events: where they go, in batches or at once, cut short or whole. Models ApplyTo of k8s.io/apiserver/pkg/server/options/audit.go. */
import type { Logger } from 'pino'
import { openAuditLog, type AuditLogOptions } from '../apiserver/audit/log.ts'
import type { AuditPolicy } from '../apiserver/audit/policy.ts'
import type { Rate } from '../apimachinery/token-bucket.ts'
import { BatchedSink, TruncatingSink, unionSink, type AuditSink, type BatchOptions, type TruncateOptions } from '../apiserver/audit/sink.ts'
import type { Auditor } from '../apiserver/audit/trail.ts'
import { auditWebhook, type AuditWebhookOptions } from '../apiserver/audit/webhook.ts'
import type { Clock } from '../clock.ts'

export const AUDIT_MODES = ['batch', 'blocking', 'blocking-strict'] as const
export type AuditMode = (typeof AUDIT_MODES)[number]

interface Delivery {
  mode?: AuditMode
  batch?: Partial<BatchOptions>
  /** Nothing is cut short unless told. */
  truncate?: TruncateOptions
}

export interface AuditOptions {
  policy: AuditPolicy
  /** Blocking unless told. */
  log?: AuditLogOptions & Delivery
  /** In batches unless told. */
  webhook?: AuditWebhookOptions & Delivery
}

/** How fast a webhook is told unless something else is said. */
export const WEBHOOK_RATE: Rate = { qps: 10, burst: 15 }
const LOG_BATCH: BatchOptions = { bufferSize: 10_000, maxBatchSize: 1, maxBatchWaitMs: 0 }
const WEBHOOK_BATCH: BatchOptions = { bufferSize: 10_000, maxBatchSize: 400, maxBatchWaitMs: 30_000, throttle: WEBHOOK_RATE }

/** @throws the system's error when the log cannot be opened */
export function openAudit({ policy, log: file, webhook }: AuditOptions, { clock, log }: { clock: Clock; log: Logger }): Auditor {
  const wrap = (sink: AuditSink, { batch, truncate }: Delivery, defaults: BatchOptions | undefined) => {
    const batched = defaults ? new BatchedSink(sink, { ...defaults, ...batch }, clock) : sink
    return truncate ? new TruncatingSink(batched, truncate) : batched
  }
  const sinks = [
    ...(file ? [wrap(openAuditLog(file, clock), file, file.mode === 'batch' ? LOG_BATCH : undefined)] : []),
    ...(webhook ? [wrap(auditWebhook(webhook, clock), webhook, (webhook.mode ?? 'batch') === 'batch' ? WEBHOOK_BATCH : undefined)] : []),
  ]
  return {
    policy,
    sink: unionSink(sinks),
    isStrict: file?.mode === 'blocking-strict' || webhook?.mode === 'blocking-strict',
    onLost: (error) => log.error({ err: error }, 'an audit event was lost'),
  }
}
