/** Which pod security levels a namespace asks for by its labels. Models k8s.io/pod-security-admission/api. */
import { field, type FieldError } from '../../errors.ts'

export type Level = 'privileged' | 'baseline' | 'restricted'

export interface LevelVersion {
  readonly level: Level
  /** The minor version of Kubernetes whose rules count; Infinity for the latest. */
  readonly minor: number
}

export interface Policy {
  enforce: LevelVersion
  audit: LevelVersion
  warn: LevelVersion
}

type Mode = keyof Policy
type Labels = Readonly<Record<string, string>>

export const PREFIX = 'pod-security.kubernetes.io/'
export const LEVELS: readonly Level[] = ['privileged', 'baseline', 'restricted']
const VERSION = /^v1\.([0-9]|[1-9][0-9]*)$/
const MAX_MINOR = 2n ** 63n - 1n
const OPEN: LevelVersion = { level: 'privileged', minor: Infinity }
export const OPEN_POLICY: Policy = { enforce: OPEN, audit: OPEN, warn: OPEN }

export function formatLevel({ level, minor }: LevelVersion): string {
  return `${level}:${minor === Infinity ? 'latest' : `v1.${minor}`}`
}

export function isPrivileged({ enforce, audit, warn }: Policy): boolean {
  return enforce.level === 'privileged' && audit.level === 'privileged' && warn.level === 'privileged'
}

/** More than zero when `a` is the stricter. */
export function compareLevels(a: Level, b: Level): number {
  return LEVELS.indexOf(a) - LEVELS.indexOf(b)
}

export const isSameLevel = (a: LevelVersion, b: LevelVersion): boolean => a.level === b.level && a.minor === b.minor

/** Always a policy: wrong labels enforce the strictest, and audit and warn of nothing. @param fallback what holds where there are no labels */
export function policyFor(labels: Labels = {}, fallback: Policy = OPEN_POLICY): { policy: Policy; errors: FieldError[] } {
  const errors: FieldError[] = []
  const level = (mode: Mode, onError: Level): { level: Level; isGiven: boolean; isValid: boolean } => {
    const text = labels[PREFIX + mode]
    if (text === undefined) return { level: fallback[mode].level, isGiven: false, isValid: false }
    const found = LEVELS.find((l) => l === text)
    if (!found) errors.push(invalidLabel(PREFIX + mode, text, `must be one of ${LEVELS.join(', ')}`))
    return { level: found ?? onError, isGiven: true, isValid: found !== undefined }
  }
  const version = (mode: Mode): { minor: number; isGiven: boolean } => {
    const label = `${PREFIX}${mode}-version`
    const text = labels[label]
    if (text === undefined) return { minor: fallback[mode].minor, isGiven: false }
    const minor = parseMinor(text)
    if (minor === undefined) errors.push(invalidLabel(label, text, 'must be "latest" or "v1.x"'))
    return { minor: minor ?? Infinity, isGiven: true }
  }
  const both = (mode: Mode, onError: Level) => {
    const l = level(mode, onError)
    return { level: l, version: version(mode) }
  }
  const enforce = both('enforce', 'restricted')
  const audit = both('audit', 'privileged')
  const warn = both('warn', 'privileged')
  const policy: Policy = {
    enforce: { level: enforce.level.level, minor: enforce.version.minor },
    audit: { level: audit.level.level, minor: audit.version.minor },
    warn: { level: warn.level.level, minor: warn.version.minor },
  }
  // Who enforces a level and says nothing of warnings is warned of what templates will run into.
  if (!warn.level.isGiven && enforce.level.isValid && compareLevels(policy.enforce.level, policy.warn.level) > 0) {
    policy.warn = { level: policy.enforce.level, minor: warn.version.isGiven ? policy.warn.minor : policy.enforce.minor }
  }
  return { policy, errors }
}

export function parseMinor(text: string): number | undefined {
  if (text === 'latest') return Infinity
  const digits = VERSION.exec(text)?.[1]
  return digits === undefined || BigInt(digits) > MAX_MINOR ? undefined : Number(digits)
}

function invalidLabel(label: string, value: string, why: string): FieldError {
  return field.invalid(`metadata.labels[${label}]`, value, why)
}
