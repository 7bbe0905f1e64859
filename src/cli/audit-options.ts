/** What kube-apiserver's flags say about auditing. Models k8s.io/apiserver/pkg/server/options/audit.go. */
import { FORMATS, type AuditFormat } from '../apiserver/audit/log.ts'
import { parseAuditPolicy } from '../apiserver/audit/policy.ts'
import type { BatchOptions, TruncateOptions } from '../apiserver/audit/sink.ts'
import { AUDIT_MODES, WEBHOOK_RATE, type AuditMode, type AuditOptions } from '../cluster/auditing.ts'
import { quote } from '../errors.ts'
import { UserError } from './command.ts'
import { bool, explained, milliseconds, type Files, type Said } from './server-files.ts'

/** What both places to write to have. */
interface Delivery {
  mode?: AuditMode
  batch?: Partial<BatchOptions>
  truncate?: TruncateOptions
}

const MAX_BATCH_SIZE = 10 * 1024 * 1024
const MAX_EVENT_SIZE = 100 * 1024

/** @throws UserError that names the flag */
export function auditOf(said: Said, read: Files): AuditOptions | undefined {
  const policy = read.text('audit-policy-file')
  const log = logOf(said)
  const webhook = webhookOf(said, read)
  if (policy === undefined) {
    if (!log && !webhook) return undefined
    throw new UserError(`--${log ? 'audit-log-path' : 'audit-webhook-config-file'}: there is no --audit-policy-file that says what is written`)
  }
  if (!log && !webhook) throw new UserError('--audit-policy-file: there is no --audit-log-path or --audit-webhook-config-file that says where to')
  return { policy: explained('audit-policy-file', () => parseAuditPolicy(policy)), ...(log ? { log } : {}), ...(webhook ? { webhook } : {}) }
}

function logOf(said: Said): AuditOptions['log'] {
  const path = said['audit-log-path']
  if (path === undefined) return undefined
  const format = said['audit-log-format']
  if (format !== undefined && !FORMATS.some((known) => known === format)) throw new UserError(`invalid audit log format ${format}, allowed formats are "${FORMATS.join(',')}"`)
  const numbers = { maxAgeDays: natural(said, 'audit-log-maxage'), maxBackups: natural(said, 'audit-log-maxbackup'), maxSizeMB: natural(said, 'audit-log-maxsize') }
  const compress = bool(said, 'audit-log-compress')
  return { path, ...defined(numbers), ...(compress === undefined ? {} : { compress }), ...(format === undefined ? {} : { format: format as AuditFormat }), ...deliveryOf(said, 'log') }
}

function webhookOf(said: Said, read: Files): AuditOptions['webhook'] {
  const remote = read.remote('audit-webhook-config-file')
  if (!remote) return undefined
  const initialBackoffMs = milliseconds(said, 'audit-webhook-initial-backoff')
  return { remote, ...(initialBackoffMs === undefined ? {} : { initialBackoffMs }), ...deliveryOf(said, 'webhook') }
}

function deliveryOf(said: Said, plugin: 'log' | 'webhook'): Delivery {
  const mode = said[`audit-${plugin}-mode`]
  if (mode !== undefined && !AUDIT_MODES.some((known) => known === mode)) throw new UserError(`invalid audit ${plugin} mode ${mode}, allowed modes are "${AUDIT_MODES.join(',')}"`)
  const batch = {
    bufferSize: positive(said, `audit-${plugin}-batch-buffer-size`, `invalid audit batch ${plugin} buffer size`),
    maxBatchSize: positive(said, `audit-${plugin}-batch-max-size`, `invalid audit batch ${plugin} max batch size`),
    maxBatchWaitMs: milliseconds(said, `audit-${plugin}-batch-max-wait`),
  }
  const throttle = throttleOf(said, plugin)
  const truncate = truncateOf(said, plugin)
  return { ...(mode === undefined ? {} : { mode: mode as AuditMode }), ...(throttle || Object.values(batch).some((value) => value !== undefined) ? { batch: { ...defined(batch), ...throttle } } : {}), ...(truncate ? { truncate } : {}) }
}

/** What is said of the pace; nothing for what is usual. */
function throttleOf(said: Said, plugin: 'log' | 'webhook'): Pick<BatchOptions, 'throttle'> | undefined {
  const usual = plugin === 'webhook' ? WEBHOOK_RATE : undefined
  const flag = `audit-${plugin}-batch-throttle`
  const isOn = bool(said, `${flag}-enable`)
  const isSaid = isOn !== undefined || said[`${flag}-qps`] !== undefined || said[`${flag}-burst`] !== undefined
  if (!isSaid) return undefined
  if (!(isOn ?? usual !== undefined)) return { throttle: undefined }
  return { throttle: { qps: pace(said[`${flag}-qps`], usual?.qps, `invalid audit batch ${plugin} throttle QPS`), burst: pace(said[`${flag}-burst`], usual?.burst, `invalid audit batch ${plugin} throttle burst`) } }
}

function pace(text: string | undefined, usual = 0, what: string): number {
  const value = text === undefined ? usual : Number(text)
  if (!(value > 0)) throw new UserError(`${what} ${text ?? usual}, must be a positive number`)
  return value
}

function truncateOf(said: Said, plugin: string): TruncateOptions | undefined {
  const maxEventSize = positive(said, `audit-${plugin}-truncate-max-event-size`, `invalid audit truncate ${plugin} max event size`) ?? MAX_EVENT_SIZE
  const maxBatchSize = natural(said, `audit-${plugin}-truncate-max-batch-size`) ?? MAX_BATCH_SIZE
  if (maxBatchSize < maxEventSize) throw new UserError(`invalid audit truncate ${plugin} max batch size ${maxBatchSize}, must be greater than max event size (${maxEventSize})`)
  return bool(said, `audit-${plugin}-truncate-enabled`) ? { maxEventSize, maxBatchSize } : undefined
}

function integer(said: Said, flag: string): number | undefined {
  const text = said[flag]
  if (text !== undefined && !/^-?\d{1,15}$/.test(text)) throw new UserError(`--${flag}: ${quote(text)} is not a number`)
  return text === undefined ? undefined : Number(text)
}

function natural(said: Said, flag: string): number | undefined {
  const value = integer(said, flag)
  if (value !== undefined && value < 0) throw new UserError(`--${flag} ${value} can't be a negative number`)
  return value
}

function positive(said: Said, flag: string, what: string): number | undefined {
  const value = integer(said, flag)
  if (value !== undefined && value <= 0) throw new UserError(`${what} ${value}, must be a positive number`)
  return value
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

const defined = <T extends object>(values: T): Defined<T> => Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Defined<T>
