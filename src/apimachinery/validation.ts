/**
 * What names and small strings may look like; each function returns upstream's messages, none when the value is valid.
 * Models k8s.io/apimachinery/pkg/util/validation/validation.go and pkg/api/validate/content. IPs are in validation-ip.ts.
 */
import { field, type FieldError } from '../errors.ts'

/** Length in UTF-8 bytes, as Go's len() counts. */
export function byteLength(text: string): number {
  return Buffer.byteLength(text)
}

/** Limits of util/validation count "characters", those of api/validate/content "bytes"; both mean bytes. */
export const maxLenError = (length: number): string => `must be no more than ${length} characters`
export const maxBytesError = (length: number): string => `must be no more than ${length} bytes`
export const emptyError = (): string => 'must be non-empty'
export const inclusiveRangeError = (low: number, high: number): string => `must be between ${low} and ${high}, inclusive`

export function regexError(message: string, regex: string, ...examples: string[]): string {
  if (examples.length === 0) return `${message} (regex used for validation is '${regex}')`
  return `${message} (e.g. ${examples.map((e) => `'${e}', `).join(' or ')}regex used for validation is '${regex}')`
}

const DNS1123_LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
const DNS1123_SUBDOMAIN = `${DNS1123_LABEL}(\\.${DNS1123_LABEL})*`
const DNS1123_LABEL_UNDERSCORE = '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?'
const DNS1123_SUBDOMAIN_UNDERSCORE = `${DNS1123_LABEL_UNDERSCORE}(\\.${DNS1123_LABEL_UNDERSCORE})*`
const DNS1035_LABEL = '[a-z]([-a-z0-9]*[a-z0-9])?'
const WILDCARD_SUBDOMAIN = `\\*\\.${DNS1123_SUBDOMAIN}`
const LABEL_KEY = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'
const LABEL_VALUE = `(${LABEL_KEY})?`
const C_IDENTIFIER = '[A-Za-z_][A-Za-z0-9_]*'
const PERCENT = '[0-9]+%'
const HTTP_HEADER_NAME = '[-A-Za-z0-9]+'
const HTTP_PATH = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+"
const ENV_VAR_NAME = '[-._a-zA-Z][-._a-zA-Z0-9]*'
const CONFIG_MAP_KEY = '[-._a-zA-Z0-9]+'
const CONDITION_REASON = '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?'

const whole = (regex: string): RegExp => new RegExp(`^${regex}$`)
const dns1123Label = whole(DNS1123_LABEL)
const dns1123Subdomain = whole(DNS1123_SUBDOMAIN)
const dns1123SubdomainUnderscore = whole(DNS1123_SUBDOMAIN_UNDERSCORE)
const dns1035Label = whole(DNS1035_LABEL)
const wildcardSubdomain = whole(WILDCARD_SUBDOMAIN)
const labelKey = whole(LABEL_KEY)
const labelValue = whole(LABEL_VALUE)
const cIdentifier = whole(C_IDENTIFIER)
const percent = whole(PERCENT)
const httpHeaderName = whole(HTTP_HEADER_NAME)
const httpPath = whole(HTTP_PATH)
const envVarName = whole(ENV_VAR_NAME)
const configMapKey = whole(CONFIG_MAP_KEY)
const conditionReason = whole(CONDITION_REASON)

const SUBDOMAIN_MESSAGE = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character"
const NAME_PART_MESSAGE = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"

/** Past these lengths a regular expression is not run on the value: the answer is no, and some backtrack. */
const MAX_REGEX_INPUT = 100_000
const matches = (regex: RegExp, value: string): boolean => value.length <= MAX_REGEX_INPUT && regex.test(value)

export function isDNS1123Label(value: string): string[] {
  const errors: string[] = []
  if (byteLength(value) > 63) errors.push(maxLenError(63))
  if (!matches(dns1123Label, value)) {
    if (matches(dns1123Subdomain, value)) errors.push('must not contain dots')
    else errors.push(regexError("a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character", DNS1123_LABEL, 'my-name', '123-abc'))
  }
  return errors
}

function subdomain(value: string, tooLong: (length: number) => string): string[] {
  const errors: string[] = []
  if (byteLength(value) > 253) errors.push(tooLong(253))
  if (!matches(dns1123Subdomain, value)) errors.push(regexError(SUBDOMAIN_MESSAGE, DNS1123_SUBDOMAIN, 'example.com'))
  return errors
}

export function isDNS1123Subdomain(value: string): string[] {
  return subdomain(value, maxLenError)
}

/** The declarative validator's k8s-long-name: as isDNS1123Subdomain, counting "bytes". */
export function isLongName(value: string): string[] {
  return subdomain(value, maxBytesError)
}

/** The declarative validator's k8s-long-name-caseless. */
export function isDNS1123SubdomainCaseless(value: string): string[] {
  const errors: string[] = []
  if (byteLength(value) > 253) errors.push(maxBytesError(253))
  if (!matches(dns1123Subdomain, value.toLowerCase())) {
    errors.push(regexError("an RFC 1123 subdomain must consist of alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character", DNS1123_SUBDOMAIN, 'Example.com'))
  }
  return errors
}

/** The declarative validator's k8s-short-name: as isDNS1123Label, counting "bytes". */
export function isShortName(value: string): string[] {
  return isDNS1123Label(value).map((m) => (m === maxLenError(63) ? maxBytesError(63) : m))
}

export function isDNS1123SubdomainWithUnderscore(value: string): string[] {
  const errors: string[] = []
  if (byteLength(value) > 253) errors.push(maxLenError(253))
  if (!matches(dns1123SubdomainUnderscore, value)) {
    errors.push(regexError("a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character", DNS1123_SUBDOMAIN_UNDERSCORE, 'example.com'))
  }
  return errors
}

export function isDNS1035Label(value: string): string[] {
  const errors: string[] = []
  if (byteLength(value) > 63) errors.push(maxLenError(63))
  if (!matches(dns1035Label, value)) {
    errors.push(regexError("a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character", DNS1035_LABEL, 'my-name', 'abc-123'))
  }
  return errors
}

export function isWildcardDNS1123Subdomain(value: string): string[] {
  const errors: string[] = []
  if (byteLength(value) > 253) errors.push(maxLenError(253))
  if (!matches(wildcardSubdomain, value)) {
    errors.push(regexError("a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character", WILDCARD_SUBDOMAIN, '*.example.com'))
  }
  return errors
}

const labelKeyHint = (): string => regexError(NAME_PART_MESSAGE, LABEL_KEY, 'MyName', 'my.name', '123-abc')

/** A label key, an annotation key, a resource name, a finalizer: `name` or `prefix/name`. */
export function isQualifiedName(value: string): string[] {
  const parts = value.split('/')
  if (parts.length > 2) return [`a valid label key ${labelKeyHint()} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`]
  const errors: string[] = []
  const [first = '', second] = parts
  if (second !== undefined) {
    if (first === '') errors.push(`prefix part ${emptyError()}`)
    else for (const m of isLongName(first)) errors.push(`prefix part ${m}`)
  }
  const name = second ?? first
  if (name === '') errors.push(`name part ${emptyError()}`)
  else if (byteLength(name) > 63) errors.push(`name part ${maxBytesError(63)}`)
  if (!matches(labelKey, name)) errors.push(`name part ${labelKeyHint()}`)
  return errors
}

export function isValidLabelValue(value: string): string[] {
  const errors: string[] = []
  if (byteLength(value) > 63) errors.push(maxBytesError(63))
  if (!matches(labelValue, value)) {
    errors.push(regexError("a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character", LABEL_VALUE, 'MyValue', 'my_value', '12345'))
  }
  return errors
}

export function isCIdentifier(value: string): string[] {
  if (matches(cIdentifier, value)) return []
  return [regexError("a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'", C_IDENTIFIER, 'my_name', 'MY_NAME', 'MyName')]
}

export function isInRange(value: number, low: number, high: number): string[] {
  return value >= low && value <= high ? [] : [inclusiveRangeError(low, high)]
}

export function isValidPortNum(port: number): string[] {
  return isInRange(port, 1, 65535)
}

export function isValidUserID(id: number): string[] {
  return isInRange(id, 0, 2 ** 31 - 1)
}

export function isValidGroupID(id: number): string[] {
  return isInRange(id, 0, 2 ** 31 - 1)
}

export function isValidPortName(port: string): string[] {
  const errors: string[] = []
  if (byteLength(port) > 15) errors.push(maxLenError(15))
  if (!/^[-a-z0-9]+$/.test(port)) errors.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)')
  if (!/[a-z]/.test(port)) errors.push('must contain at least one letter (a-z)')
  if (port.includes('--')) errors.push('must not contain consecutive hyphens')
  if (port.startsWith('-') || port.endsWith('-')) errors.push('must not begin or end with a hyphen')
  return errors
}

export function isValidPercent(value: string): string[] {
  return matches(percent, value) ? [] : [regexError("a valid percent string must be a numeric string followed by an ending '%'", PERCENT, '1%', '93%')]
}

export function isHTTPHeaderName(value: string): string[] {
  return matches(httpHeaderName, value) ? [] : [regexError("a valid HTTP header must consist of alphanumeric characters or '-'", HTTP_HEADER_NAME, 'X-Header-Name')]
}

function hasChDirPrefix(value: string): string[] {
  if (value === '.') return ["must not be '.'"]
  if (value === '..') return ["must not be '..'"]
  return value.startsWith('..') ? ["must not start with '..'"] : []
}

export function isEnvVarName(value: string): string[] {
  const errors: string[] = []
  if (!matches(envVarName, value)) {
    errors.push(regexError("a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not start with a digit", ENV_VAR_NAME, 'my.env-name', 'MY_ENV.NAME', 'MyEnvName1'))
  }
  return errors.concat(hasChDirPrefix(value))
}

export function isRelaxedEnvVarName(value: string): string[] {
  if (value === '') return [`environment variable name ${emptyError()}`]
  return /^[\x20-\x3c\x3e-\x7e]*$/.test(value) ? [] : ["a valid environment variable name must consist only of printable ASCII characters other than '='"]
}

export function isConfigMapKey(value: string): string[] {
  const errors: string[] = []
  if (byteLength(value) > 253) errors.push(maxLenError(253))
  if (!matches(configMapKey, value)) errors.push(regexError("a valid config key must consist of alphanumeric characters, '-', '_' or '.'", CONFIG_MAP_KEY, 'key.name', 'KEY_NAME', 'key-name'))
  return errors.concat(hasChDirPrefix(value))
}

export function isValidConditionReason(value: string): string[] {
  if (matches(conditionReason, value)) return []
  return [
    regexError(
      "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_'",
      CONDITION_REASON,
      'my_name',
      'MY_NAME',
      'MyName',
      'ReasonA,ReasonB',
      'ReasonA:ReasonB',
    ),
  ]
}

export function isDecimalInteger(value: string): string[] {
  if (value === '') return [emptyError()]
  return /^(0|-?[1-9][0-9]*)$/.test(value) ? [] : ['must be a valid decimal integer in canonical form']
}

/** A name that goes into a URL path. */
export function isPathSegmentName(name: string): string[] {
  if (name === '.' || name === '..') return [`may not be '${name}'`]
  return isPathSegmentPrefix(name)
}

export function isPathSegmentPrefix(name: string): string[] {
  return ['/', '%'].filter((c) => name.includes(c)).map((c) => `may not contain '${c}'`)
}

export function isFullyQualifiedName(path: string, name: string): FieldError[] {
  if (name === '') return [field.required(path)]
  const messages = isDNS1123Subdomain(name)
  if (messages.length) return [field.invalid(path, name, messages.join(','))]
  return name.split('.').length < 3 ? [field.invalid(path, name, 'should be a domain with at least three segments separated by dots')] : []
}

export function isFullyQualifiedDomainName(path: string, name: string): FieldError[] {
  if (name === '') return [field.required(path)]
  const domain = name.endsWith('.') ? name.slice(0, -1) : name
  const messages = isDNS1123Subdomain(domain)
  if (messages.length) return [field.invalid(path, domain, messages.join(','))]
  const labels = domain.split('.')
  if (labels.length < 2) return [field.invalid(path, domain, 'should be a domain with at least two segments separated by dots')]
  for (const label of labels) {
    const wrong = isDNS1123Label(label)
    if (wrong.length) return [field.invalid(path, label, wrong.join(','))]
  }
  return []
}

export function isDomainPrefixedPath(path: string, value: string): FieldError[] {
  if (value === '') return [field.required(path)]
  const slash = value.indexOf('/')
  if (slash <= 0 || slash === value.length - 1) return [field.invalid(path, value, 'must be a domain-prefixed path (such as "acme.io/foo")')]
  const host = value.slice(0, slash)
  const rest = value.slice(slash + 1)
  const errors = isDNS1123Subdomain(host).map((m) => field.invalid(path, host, m))
  if (!matches(httpPath, rest)) errors.push(field.invalid(path, rest, regexError('Invalid path', HTTP_PATH)))
  return errors
}

export function isDomainPrefixedKey(path: string, key: string): FieldError[] {
  if (key === '') return [field.required(path)]
  const errors = isQualifiedName(key).map((m) => field.invalid(path, key, m))
  if (errors.length) return errors
  return key.includes('/') ? [] : [field.invalid(path, key, 'must be a domain-prefixed key (such as "acme.io/foo")')]
}
