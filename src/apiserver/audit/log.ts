/** Audit events as lines in a file or on standard output. Models k8s.io/apiserver/plugin/pkg/audit/log. */
import { goJSON, quote } from '../../errors.ts'
import { RotatedFile, type RotationOptions } from './rotated-file.ts'
import type { AuditEvent, AuditSink } from './sink.ts'
import type { Clock } from '../../clock.ts'

export const FORMATS = ['legacy', 'json'] as const
export type AuditFormat = (typeof FORMATS)[number]

export interface AuditLogOptions extends Partial<RotationOptions> {
  /** `-` is standard output. */
  path: string
  /** json unless told. */
  format?: AuditFormat
}

/** As kube-apiserver's flags have it. */
const ROTATION: RotationOptions = { maxSizeMB: 100, maxAgeDays: 366, maxBackups: 100, compress: false }

/** What was written is with the system when `write` returns. @throws the system's error when the file cannot be opened */
export function openAuditLog({ path, format = 'json', ...rotation }: AuditLogOptions, clock: Clock): AuditSink {
  const file = path === '-' ? undefined : new RotatedFile(path, { ...ROTATION, ...rotation }, clock)
  const line = format === 'json' ? goJSON : legacyLine
  return {
    write(events) {
      for (const event of events) {
        const text = `${line(event)}\n`
        if (file) file.write(text)
        else process.stdout.write(text)
      }
    },
    close: () => file?.close(),
  }
}

interface Shown {
  [member: string]: unknown
  user?: { username?: string; groups?: string[] }
  impersonatedUser?: { username?: string; groups?: string[] }
  objectRef?: { namespace?: string }
  responseStatus?: { code?: number }
  sourceIPs?: string[]
}

function legacyLine(event: AuditEvent): string {
  const { user, impersonatedUser: as, objectRef, responseStatus, sourceIPs, auditID, stage, verb, userAgent = '', requestURI, requestReceivedTimestamp } = event as Shown
  const list = (items: readonly string[]) => items.map(quote).join(',')
  const members = {
    id: auditID,
    stage,
    ip: sourceIPs?.[0] ?? '<unknown>',
    method: verb,
    user: user?.username || '<none>',
    groups: user?.username && user.groups?.length ? list(user.groups) : '<none>',
    as: as ? (as.username ?? '') : '<self>',
    asgroups: as?.groups ? list(as.groups) : '<lookup>',
    'user-agent': userAgent,
    namespace: objectRef?.namespace || '<none>',
    uri: requestURI,
  }
  const shown = Object.entries(members).map(([name, value]) => `${name}=${quote(String(value))}`)
  return `${shortTime(String(requestReceivedTimestamp))} AUDIT: ${shown.join(' ')} response="${responseStatus ? responseStatus.code : '<deferred>'}"`
}

/** As Go's RFC3339Nano has it: without zeros at the end. */
const shortTime = (text: string): string => text.replace(/\.?0*Z$/, 'Z')
