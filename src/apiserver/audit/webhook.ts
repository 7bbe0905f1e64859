/** Audit events sent to somebody else, many at once. Models k8s.io/apiserver/plugin/pkg/audit/webhook. */
import { ask, RemoteRefusal, type RemoteOptions } from '../../auth/remote.ts'
import type { Clock } from '../../clock.ts'
import type { AuditSink } from './sink.ts'

export interface AuditWebhookOptions {
  remote: RemoteOptions
  /** Ten seconds unless told. */
  initialBackoffMs?: number
}

const ATTEMPTS = 5
const FACTOR = 1.5
const INITIAL_BACKOFF_MS = 10_000

/** Whatever goes wrong, they are sent again, until there is no time for that. */
export function auditWebhook({ remote, initialBackoffMs = INITIAL_BACKOFF_MS }: AuditWebhookOptions, clock: Clock): AuditSink {
  const closing = new AbortController()
  return {
    async write(items) {
      const list = { kind: 'EventList', apiVersion: 'audit.k8s.io/v1', metadata: {}, items: items.map(({ kind: _kind, apiVersion: _version, ...event }) => event) }
      for (let attempt = 1, delayMs = initialBackoffMs; ; attempt++, delayMs *= FACTOR) {
        try {
          const { status } = await ask(remote, list)
          if (status >= 200 && status <= 299) return
          throw new RemoteRefusal(status)
        } catch (error) {
          if (attempt === ATTEMPTS || closing.signal.aborted) throw error
          await clock.sleep(delayMs, closing.signal)
        }
      }
    },
    hurry: () => closing.abort(new Error('the server is shutting down')),
    close: () => closing.abort(new Error('the server is shutting down')),
  }
}
