/** A pod held against a level of one version. Models registry.go of k8s.io/pod-security-admission/policy. */
import { baselineChecks } from './baseline.ts'
import type { Check, CheckPod, Finding, Subject } from './check.ts'
import type { LevelVersion } from './policy.ts'
import { restrictedChecks } from './restricted.ts'

const byId = (a: Check, b: Check) => (a.id < b.id ? -1 : 1)
/** Baseline first, each by their names: the order in which findings are told. */
const ORDERED = [...[...baselineChecks].sort(byId), ...[...restrictedChecks].sort(byId)]
/** Newer versions have no rules of their own. */
const NEWEST = Math.max(...ORDERED.flatMap(({ versions }) => versions.map(({ since }) => since)))

const known = new Map<string, readonly CheckPod[]>()

export function evaluatePod({ level, minor }: LevelVersion, subject: Subject): Finding[] {
  if (level === 'privileged') return []
  return checksOf(level, Math.min(minor, NEWEST)).flatMap((check) => check(subject) ?? [])
}

function checksOf(level: 'baseline' | 'restricted', minor: number): readonly CheckPod[] {
  const key = `${level}:${minor}`
  let checks = known.get(key)
  if (!checks) known.set(key, (checks = select(level, minor)))
  return checks
}

function select(level: 'baseline' | 'restricted', minor: number): CheckPod[] {
  const active = ORDERED.flatMap((check) => {
    const version = check.versions.findLast(({ since }) => since <= minor)
    return version && (level === 'restricted' || check.level === 'baseline') ? [{ ...check, run: version.check }] : []
  })
  const replaced = new Set(active.map(({ replaces }) => replaces))
  return active.filter(({ id }) => !replaced.has(id)).map(({ run }) => run)
}

/** "host namespaces, privileged" */
export function reasonsText(findings: readonly Finding[]): string {
  return findings.map(({ reason }) => reason).join(', ')
}

/** "host namespaces (hostNetwork=true), privileged (container ...)" */
export function detailsText(findings: readonly Finding[]): string {
  return findings.map(({ reason, detail }) => (detail ? `${reason} (${detail})` : reason)).join(', ')
}
