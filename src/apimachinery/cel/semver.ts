/** Semantic versions, refused in the words of blang/semver, which Kubernetes uses. Models github.com/blang/semver/v4. */
import { quote } from '../../errors.ts'

export interface Semver {
  major: bigint
  minor: bigint
  patch: bigint
  prerelease: (bigint | string)[]
}
type Failure = { error: string }

const UINT64_MAX = 2n ** 64n - 1n

class SemverFailure extends Error {}
const fail = (message: string): never => {
  throw new SemverFailure(message)
}

function numberPart(text: string, name: string): bigint {
  if (!/^[0-9]*$/.test(text)) fail(`Invalid character(s) found in ${name.toLowerCase()} number ${quote(text)}`)
  if (text.length > 1 && text.startsWith('0')) fail(`${name} number must not contain leading zeroes ${quote(text)}`)
  if (text === '') fail('strconv.ParseUint: parsing "": invalid syntax')
  const value = BigInt(text)
  return value > UINT64_MAX ? fail(`strconv.ParseUint: parsing ${quote(text)}: value out of range`) : value
}

function prereleasePart(text: string): bigint | string {
  if (text === '') fail('Prerelease is empty')
  if (/^[0-9]+$/.test(text)) {
    if (text.length > 1 && text.startsWith('0')) fail(`Numeric PreRelease version must not contain leading zeroes ${quote(text)}`)
    return BigInt(text)
  }
  return /^[0-9A-Za-z-]+$/.test(text) ? text : fail(`Invalid character(s) found in prerelease ${quote(text)}`)
}

function parse(text: string): Semver {
  if (text === '') fail('Version string empty')
  const [majorText = '', minorText, ...rest] = text.split('.')
  if (minorText === undefined || !rest.length) fail('No Major.Minor.Patch elements found')
  const major = numberPart(majorText, 'Major')
  const minor = numberPart(minorText ?? '', 'Minor')
  const [, patchText = '', , pre, , build] = /^([^+-]*)(-([^+]*))?(\+([^]*))?$/.exec(rest.join('.')) ?? []
  const patch = numberPart(patchText, 'Patch')
  const prerelease = pre === undefined ? [] : pre.split('.').map(prereleasePart)
  for (const part of build?.split('.') ?? []) {
    if (part === '') fail('Build meta data is empty')
    if (!/^[0-9A-Za-z-]+$/.test(part)) fail(`Invalid character(s) found in build meta data ${quote(part)}`)
  }
  return { major, minor, patch, prerelease }
}

export function parseSemver(text: string): Semver | Failure {
  try {
    return parse(text)
  } catch (error) {
    if (error instanceof SemverFailure) return { error: error.message }
    throw error
  }
}

/** A leading v, leading zeroes and missing parts are put right. */
export function normalizeSemver(text: string): Semver | Failure {
  const bare = text.replace(/^v/, '')
  const [major = '', minor, ...rest] = bare.split('.')
  const parts = [major, ...(minor === undefined ? [] : [minor]), ...(rest.length ? [rest.join('.')] : [])].map((part) => {
    if (part.length < 2) return part
    const trimmed = part.replace(/^0+/, '')
    return /^[0-9]/.test(trimmed) ? trimmed : `0${trimmed}`
  })
  if (parts.length < 3 && /[+-]/.test(parts.at(-1) ?? '')) return { error: 'short version cannot contain PreRelease/Build meta data' }
  while (parts.length < 3) parts.push('0')
  return parseSemver(parts.join('.'))
}

const order = <T>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0)

function comparePart(a: bigint | string, b: bigint | string): number {
  if (typeof a === typeof b) return order(a, b)
  return typeof a === 'bigint' ? -1 : 1
}

export function compareSemver(a: Semver, b: Semver): number {
  const numbers = order(a.major, b.major) || order(a.minor, b.minor) || order(a.patch, b.patch)
  if (numbers) return numbers
  if (!a.prerelease.length || !b.prerelease.length) return Math.sign(Number(!a.prerelease.length) - Number(!b.prerelease.length))
  for (const [i, part] of a.prerelease.entries()) {
    const other = b.prerelease[i]
    if (other === undefined) return 1
    const result = comparePart(part, other)
    if (result) return result
  }
  return order(a.prerelease.length, b.prerelease.length)
}
