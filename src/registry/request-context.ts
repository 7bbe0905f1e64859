/** What travels with one request through the write path; implements the context that kinds' hooks see. */
import type { Clock, Random } from '../clock.ts'
import type { KubeObject, SystemReader, UserInfo, WriteContext } from './kind.ts'

export type FieldValidation = 'Ignore' | 'Warn' | 'Strict'

/** What a client said itself of the options of a write, for those who ask what it said. */
export interface GivenOptions {
  fieldManager?: string
  fieldValidation?: string
}

/** What an audit log wants to know of a request on its way. */
export interface RequestTrail {
  readonly annotations: Map<string, string>
  requestObject(object: KubeObject): void
  requestPatch(patch: Buffer): void
}

export interface RequestContextFields {
  user: UserInfo
  namespace: string
  dryRun?: boolean
  fieldManager?: string
  fieldValidation?: FieldValidation
  givenOptions?: GivenOptions
  /** Where warnings go; a list of its own unless told. */
  warnings?: string[]
  /** Where it is written down what becomes of the request. */
  trail?: RequestTrail | undefined
}

interface Surroundings {
  clock: Clock
  random: Random
  system: SystemReader
}

/** More than this many are dropped; no answer could carry them. */
const MAX_WARNINGS = 100
const MAX_ANNOTATIONS = 200

export class RequestContext implements WriteContext {
  readonly user: UserInfo
  readonly namespace: string
  readonly dryRun: boolean
  readonly fieldManager: string
  readonly fieldValidation: FieldValidation
  readonly givenOptions: GivenOptions
  readonly clock: Clock
  readonly random: Random
  readonly system: SystemReader
  /** Set by the verbs that write. */
  requestGroup?: string
  /** Distinct texts, in the order they were given. */
  readonly warnings: string[]
  /** What the audit log notes besides the request itself; the first value of a key stays. */
  auditAnnotations?: Map<string, string>
  readonly trail: RequestTrail | undefined

  constructor(fields: RequestContextFields, { clock, random, system }: Surroundings) {
    this.user = fields.user
    this.namespace = fields.namespace
    this.dryRun = fields.dryRun ?? false
    this.fieldManager = fields.fieldManager ?? 'unknown'
    this.fieldValidation = fields.fieldValidation ?? 'Warn'
    this.givenOptions = fields.givenOptions ?? {}
    this.clock = clock
    this.random = random
    this.system = system
    this.warnings = fields.warnings ?? []
    this.trail = fields.trail
    if (fields.trail) this.auditAnnotations = fields.trail.annotations
  }

  warn(text: string): void {
    if (this.warnings.length < MAX_WARNINGS && !this.warnings.includes(text)) this.warnings.push(text)
  }

  annotateAudit(key: string, value: string): void {
    const noted = (this.auditAnnotations ??= new Map<string, string>())
    if (noted.size < MAX_ANNOTATIONS && !noted.has(key)) noted.set(key, value)
  }

  /** The same request, acting in another namespace; warnings are shared. */
  inNamespace(namespace: string): RequestContext {
    return new RequestContext({ ...this, namespace }, this)
  }
}
