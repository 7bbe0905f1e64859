/** The audit events of one request, stage by stage. Models k8s.io/apiserver/pkg/{audit,endpoints/filters/audit.go,endpoints/filters/authn_audit.go}. */
import { formatMicroTime, type Clock, type Random } from '../../clock.ts'
import { isRecord } from '../../apimachinery/json.ts'
import { isResourceAttributes, type AuthorizationAttributes, type Verdict } from '../../registry/authorization.ts'
import type { KubeObject, UserInfo } from '../../registry/kind.ts'
import { decodeProtobuf } from '../protobuf.ts'
import type { RequestTrail } from '../../registry/request-context.ts'
import { isLongRunning } from '../request-info.ts'
import type { ApiResponse } from '../request.ts'
import type { RawRequest } from '../server.ts'
import type { AuditEvent, AuditSink } from './sink.ts'
import { auditConfigOf, LEVELS, type AuditConfig, type AuditPolicy, type Level, type Stage } from './policy.ts'

const MAX_USER_AGENT = 1024
const MAX_ID = 64

export interface Auditor {
  policy: AuditPolicy
  sink: AuditSink
  /** A request whose beginning cannot be written down is refused. */
  isStrict: boolean
  /** Told when an event could not be written. */
  onLost(error: unknown): void
}

interface User {
  username?: string
  uid?: string
  groups?: readonly string[]
  extra?: UserInfo['extra']
}

export class AuditTrail implements RequestTrail {
  readonly id: string
  /** What admission and others note; the first value of a key stays. */
  readonly annotations = new Map<string, string>()
  readonly #auditor: Auditor
  readonly #clock: Clock
  readonly #raw: RawRequest
  readonly #receivedMs: number
  #config: AuditConfig = { level: 'None', omitStages: [], omitManagedFields: false }
  #isLongRunning = false
  /** Members of the events, in upstream's order once they are written. */
  readonly #event: Record<string, unknown> = {}
  #objectRef: Record<string, string> | undefined
  /** Whether what is being written is lost. */
  #writing: boolean | Promise<boolean> = false

  constructor(auditor: Auditor, raw: RawRequest, { clock, random }: { clock: Clock; random: Random }) {
    this.#auditor = auditor
    this.#clock = clock
    this.#raw = raw
    this.#receivedMs = clock.now()
    const { 'audit-id': given } = raw.headers
    this.id = typeof given === 'string' && given !== '' ? given.slice(0, MAX_ID) : random.uuid()
  }

  /** The request is understood: its policy decides what is written from now on. False where it may not go on, for it must be written and cannot. */
  received(attributes: AuthorizationAttributes): boolean | Promise<boolean> {
    this.#describe(attributes)
    this.#event.user = userOf(attributes.user)
    this.#emit('RequestReceived')
    const mayGoOn = (isLost: boolean) => !(isLost && this.#auditor.isStrict)
    const writing = this.#writing
    return writing instanceof Promise ? writing.then(mayGoOn) : mayGoOn(writing)
  }

  /** When all is written that must be before an answer. */
  settled(): void | Promise<void> {
    if (this.#writing instanceof Promise) return this.#writing.then(() => undefined)
  }

  /** Something nobody foresaw ended the request. */
  panicked(error: unknown): void {
    const message = `APIServer panic'd: ${error instanceof Error ? error.message : String(error)}`
    this.#respond(500, { status: 'Failure', message, reason: 'InternalError' })
    this.#emit('Panic')
  }

  /** Nobody knows whose the request is. */
  unauthenticated(attributes: AuthorizationAttributes, status: object): void {
    this.#describe(attributes)
    this.#event.user = {}
    this.#respond(401, status)
    if (this.#atLeast('RequestResponse')) this.#event.responseObject = status
    this.#emit('ResponseStarted')
    this.#config = { ...this.#config, level: 'None' }
  }

  /** @param constraint what narrow right to act as the user was used, if one was */
  impersonated(user: UserInfo, constraint: string | undefined): void {
    this.#event.impersonatedUser = userOf(user)
    if (constraint) this.#event.authenticationMetadata = { impersonationConstraint: constraint }
  }

  authorized({ decision, reason, error }: Verdict): void {
    if (decision !== 'Allow' && error) return void this.annotations.set('authorization.k8s.io/reason', 'internal error')
    this.annotations.set('authorization.k8s.io/decision', decision === 'Allow' ? 'allow' : 'forbid')
    this.annotations.set('authorization.k8s.io/reason', reason)
  }

  /** What was sent, understood. */
  requestObject(object: KubeObject): void {
    if (!this.#atLeast('Metadata')) return
    const { namespace, name, uid, resourceVersion } = object.metadata ?? {}
    for (const [key, value] of Object.entries({ namespace, name, uid, resourceVersion })) if (value && this.#objectRef && !this.#objectRef[key]) this.#objectRef[key] = value
    // What becomes of it is not what was sent.
    if (this.#atLeast('Request')) this.#event.requestObject = structuredClone(this.#shown(object))
  }

  requestPatch(patch: Buffer): void {
    if (this.#atLeast('Request')) this.#event.requestObject = parsed(patch)
  }

  /** @param status what was answered in place of an object, if anything was refused */
  responded(response: ApiResponse, status: object | undefined): void {
    if (!this.#atLeast('Metadata')) return
    this.#respond(response.status, status ?? successStatus(response))
    if (this.#atLeast('RequestResponse') && response.body && !response.stream) this.#event.responseObject = this.#shown(objectIn(Buffer.concat(response.body), String(response.headers['content-type'])))
    if (!this.#isLongRunning) return this.#emit('ResponseComplete')
    this.#emit('ResponseStarted')
    const { signal } = this.#raw
    if (signal.aborted) this.#emit('ResponseComplete')
    else signal.addEventListener('abort', () => this.#emit('ResponseComplete'), { once: true })
  }

  #describe(attributes: AuthorizationAttributes): void {
    this.#config = auditConfigOf(this.#auditor.policy, attributes)
    this.#event.verb = attributes.verb
    if (!isResourceAttributes(attributes)) return
    const { resource, namespace, name, apiGroup, apiVersion, subresource, verb } = attributes
    this.#objectRef = Object.fromEntries(Object.entries({ resource, namespace, name, apiGroup, apiVersion, subresource }).filter(([, value]) => value !== ''))
    this.#isLongRunning = isLongRunning({ verb, subresource })
  }

  #atLeast(level: Level): boolean {
    return LEVELS.indexOf(this.#config.level) >= LEVELS.indexOf(level)
  }

  #respond(code: number, status: object | undefined): void {
    const { status: outcome, message, reason, details } = (status ?? {}) as Record<string, unknown>
    this.#event.responseStatus = { metadata: {}, ...(outcome ? { status: outcome, message, reason, details } : {}), code }
  }

  #shown(value: unknown): unknown {
    return this.#config.omitManagedFields ? withoutManagedFields(value) : value
  }

  #write(event: AuditEvent): void {
    const before = this.#writing
    const lose = (error: unknown): boolean => {
      this.#auditor.onLost(error)
      return true
    }
    try {
      const pending = this.#auditor.sink.write([event])
      if (pending) this.#writing = pending.then(() => before, lose)
    } catch (error) {
      this.#writing = lose(error)
    }
  }

  #emit(stage: Stage): void {
    const { level, omitStages } = this.#config
    if (level === 'None' || omitStages.includes(stage)) return
    const { headers, socket, url } = this.#raw
    const agent = String(headers['user-agent'] ?? '')
    const { verb, user, impersonatedUser, authenticationMetadata, responseStatus, requestObject, responseObject } = this.#event
    this.#write({
      ...{ kind: 'Event', apiVersion: 'audit.k8s.io/v1', level, auditID: this.id, stage, requestURI: url, verb, user, impersonatedUser, authenticationMetadata },
      sourceIPs: sourceIPs(headers, socket.remoteAddress),
      ...(agent ? { userAgent: agent.length > MAX_USER_AGENT ? `${agent.slice(0, MAX_USER_AGENT)}...TRUNCATED` : agent } : {}),
      ...{ objectRef: this.#objectRef && inOrder(this.#objectRef), responseStatus, requestObject, responseObject },
      requestReceivedTimestamp: formatMicroTime(this.#receivedMs),
      stageTimestamp: formatMicroTime(this.#clock.now()),
      ...(this.annotations.size > 0 ? { annotations: Object.fromEntries([...this.annotations].sort(([a], [b]) => (a < b ? -1 : 1))) } : {}),
    })
  }
}

const REFERENCE = ['resource', 'namespace', 'name', 'uid', 'apiGroup', 'apiVersion', 'resourceVersion', 'subresource']

/** Members that became known late stand where upstream's encoder puts them. */
function inOrder(reference: Readonly<Record<string, string>>): object {
  return Object.fromEntries(REFERENCE.flatMap((key) => (reference[key] === undefined ? [] : [[key, reference[key]]])))
}

function userOf({ name, uid, groups, extra }: UserInfo): User {
  return { ...(name ? { username: name } : {}), ...(uid ? { uid } : {}), ...(groups.length > 0 ? { groups } : {}), ...(extra ? { extra } : {}) }
}

/** Those the request says it came through, and who sent it here. */
function sourceIPs(headers: RawRequest['headers'], remote = ''): string[] {
  const through = [headers['x-forwarded-for'], headers['x-real-ip']].flatMap((value) => (typeof value === 'string' ? value.split(',') : [])).map((ip) => ip.trim()).filter((ip) => ip !== '')
  return [...new Set([...through, remote.replace(/^::ffff:/, '')])].filter((ip) => ip !== '')
}

const MAX_STATUS_BYTES = 4096

/** What a delete answers, say. */
function successStatus({ body, headers, stream }: ApiResponse): object | undefined {
  const [whole, ...more] = body ?? []
  if (stream || !whole || more.length > 0 || whole.length > MAX_STATUS_BYTES || !whole.includes('Status')) return undefined
  const value = parsed(whole, String(headers['content-type'])) as { kind?: string; apiVersion?: string } | undefined
  return value?.kind === 'Status' && value.apiVersion === 'v1' ? value : undefined
}

/** The object in the bytes, or nothing for what is none. */
function parsed(bytes: Buffer, contentType = 'application/json'): unknown {
  try {
    if (contentType.startsWith('application/vnd.kubernetes.protobuf')) return decodeProtobuf(bytes, { kind: '', apiVersion: '' })
    return JSON.parse(bytes.toString())
  } catch {
    return undefined
  }
}

/** Documents that are no objects are not written down. */
function objectIn(bytes: Buffer, contentType: string): unknown {
  const value = parsed(bytes, contentType)
  return isRecord(value) && typeof value.kind === 'string' ? value : undefined
}

function withoutManagedFields(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  const { metadata, items, ...rest } = value as { metadata?: Record<string, unknown>; items?: unknown[] }
  return {
    ...rest,
    ...(metadata ? { metadata: Object.fromEntries(Object.entries(metadata).filter(([key]) => key !== 'managedFields')) } : {}),
    ...(Array.isArray(items) ? { items: items.map(withoutManagedFields) } : {}),
  }
}
