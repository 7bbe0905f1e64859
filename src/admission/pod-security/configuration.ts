/** What pod security takes for granted where namespaces say nothing, and who is exempt. Models k8s.io/pod-security-admission/admission/api. */
import { isDNS1123Label, isDNS1123Subdomain } from '../../apimachinery/validation.ts'
import { field, type FieldError } from '../../errors.ts'
import { formatLevel, isPrivileged, isSameLevel, LEVELS, parseMinor, PREFIX, type Level, type LevelVersion, type Policy } from './policy.ts'

const MODES = ['enforce', 'audit', 'warn'] as const
type Mode = (typeof MODES)[number]

export interface PodSecurityConfig {
  defaults?: Readonly<Partial<Record<Mode | `${Mode}-version`, string>>>
  exemptions?: {
    usernames?: readonly string[]
    namespaces?: readonly string[]
    runtimeClasses?: readonly string[]
  }
}

/** @throws Error in upstream's words */
export function defaultPolicy({ defaults = {} }: PodSecurityConfig): Policy {
  const errors: string[] = []
  const level = (mode: Mode): LevelVersion => {
    const text = defaults[mode] || 'privileged'
    const minor = parseMinor(defaults[`${mode}-version`] || 'latest')
    if (!LEVELS.some((known) => known === text)) errors.push(`${mode}: must be one of ${LEVELS.join(', ')}`)
    if (minor === undefined) errors.push(`${mode}-version: must be "latest" or "v1.x"`)
    return { level: text as Level, minor: minor ?? Infinity }
  }
  const policy = { enforce: level('enforce'), audit: level('audit'), warn: level('warn') }
  if (errors.length > 0) throw new Error(`PodSecurity configuration error: ${errors.length === 1 ? errors[0] : `[${errors.join(', ')}]`}`)
  return policy
}

export function exemptionErrors(config: PodSecurityConfig): FieldError[] {
  defaultPolicy(config)
  const { usernames = [], namespaces = [], runtimeClasses = [] } = config.exemptions ?? {}
  const check = (list: string, names: readonly string[], why: (name: string) => readonly string[]) =>
    names.flatMap((name, i) => {
      const problems = why(name)
      if (problems.length > 0) return [field.invalid(`exemptions.${list}[${i}]`, name, problems.join(', '))]
      return names.indexOf(name) < i ? [field.duplicate(`exemptions.${list}[${i}]`, name)] : []
    })
  return [
    ...check('namespaces', namespaces, isDNS1123Label),
    ...check('runtimeClasses', runtimeClasses, isDNS1123Subdomain),
    ...check('usernames', usernames, (name) => (name === '' ? ['username must not be empty'] : [])),
  ]
}

/** What whoever labels an exempt namespace should know; nothing where the labels say what holds anyway. */
export function exemptWarning(namespace: string, policy: Policy, { labels = {}, fallback }: { labels: Readonly<Record<string, string>> | undefined; fallback: Policy }): string | undefined {
  if (isPrivileged(policy) || MODES.every((mode) => isSameLevel(policy[mode], fallback[mode]))) return undefined
  const said = MODES.filter((mode) => policy[mode].level !== 'privileged' && (labels[PREFIX + mode] !== undefined || labels[`${PREFIX}${mode}-version`] !== undefined))
  return `namespace "${namespace}" is exempt from Pod Security, and the policy (${said.map((mode) => `${mode}=${formatLevel(policy[mode])}`).join(', ')}) will be ignored`
}
