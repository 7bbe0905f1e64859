import t from 'tap'
import * as validation from '../../src/apimachinery/validation.ts'
import { isValidCIDR, isValidCIDRForLegacyField, isValidInterfaceAddress, isValidIP, isValidIPForLegacyField, warningsForCIDR, warningsForIP } from '../../src/apimachinery/validation-ip.ts'
import type { FieldError } from '../../src/errors.ts'

const text = (errors: FieldError[]) => errors.map((e) => `${e.field}: ${e.body}`)

t.test('valid texts give no messages, others upstream’s', (t) => {
  const table: [keyof typeof validation, string, ...string[]][] = [
    ['isDNS1123Label', 'a-1'],
    ['isDNS1123Label', 'a.b', 'must not contain dots'],
    ['isDNS1123Label', 'A', "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"],
    ['isDNS1123Label', 'a'.repeat(64), 'must be no more than 63 characters'],
    ['isDNS1123Subdomain', 'a.b-c.1'],
    ['isDNS1123Subdomain', 'a'.repeat(254), 'must be no more than 253 characters'],
    ['isDNS1123Subdomain', 'a..b', "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"],
    ['isDNS1035Label', '1a', "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"],
    ['isWildcardDNS1123Subdomain', '*.a.b'],
    ['isQualifiedName', 'example.com/My_Name.1'],
    ['isQualifiedName', '/a', 'prefix part must be non-empty'],
    ['isQualifiedName', 'a/', 'name part must be non-empty', "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"],
    ['isQualifiedName', 'a'.repeat(64), 'name part must be no more than 63 bytes'],
    ['isQualifiedName', 'a/b/c', "a valid label key must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"],
    ['isValidLabelValue', ''],
    ['isValidLabelValue', 'é'.repeat(32), 'must be no more than 63 bytes', "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"],
    ['isCIdentifier', '_a1'],
    ['isValidPortName', 'http-1'],
    ['isValidPortName', '-1--', 'must contain at least one letter (a-z)', 'must not contain consecutive hyphens', 'must not begin or end with a hyphen'],
    ['isValidPortName', 'a'.repeat(16), 'must be no more than 15 characters'],
    ['isValidPercent', '10%'],
    ['isHTTPHeaderName', 'X-A'],
    ['isEnvVarName', 'a.B_c'],
    ['isEnvVarName', '..a', "must not start with '..'"],
    ['isRelaxedEnvVarName', '1 a'],
    ['isRelaxedEnvVarName', 'a=b', "a valid environment variable name must consist only of printable ASCII characters other than '='"],
    ['isConfigMapKey', 'a.b'],
    ['isConfigMapKey', '..', "must not be '..'"],
    ['isDecimalInteger', '-0', 'must be a valid decimal integer in canonical form'],
    ['isPathSegmentName', 'a%/', "may not contain '/'", "may not contain '%'"],
    ['isPathSegmentName', '.', "may not be '.'"],
  ]
  for (const [name, value, ...messages] of table) {
    const check = validation[name] as (value: string) => string[]
    t.same(check(value), messages, `${name}(${JSON.stringify(value.slice(0, 20))})`)
  }
  t.same(validation.isValidPortNum(0), ['must be between 1 and 65535, inclusive'])
  t.same(validation.isValidUserID(-1), ['must be between 0 and 2147483647, inclusive'])
  t.end()
})

t.test('domain names and paths', (t) => {
  t.same(text(validation.isFullyQualifiedName('f', 'a.b')), ['f: Invalid value: "a.b": should be a domain with at least three segments separated by dots'])
  t.same(text(validation.isFullyQualifiedName('f', '')), ['f: Required value'])
  t.same(text(validation.isFullyQualifiedDomainName('f', 'a.b.')), [])
  t.same(text(validation.isDomainPrefixedPath('f', 'a.b/c/d')), [])
  t.same(text(validation.isDomainPrefixedPath('f', '/c')), ['f: Invalid value: "/c": must be a domain-prefixed path (such as "acme.io/foo")'])
  t.same(text(validation.isDomainPrefixedKey('f', 'a')), ['f: Invalid value: "a": must be a domain-prefixed key (such as "acme.io/foo")'])
  t.end()
})

t.test('IP addresses', (t) => {
  const bad = (value: string, detail: string) => [`f: Invalid value: "${value}": ${detail}`]
  const table: [string, string[], string[]][] = [
    ['10.0.0.1', [], []],
    ['2001:db8::1', [], []],
    ['10.0.0.01', bad('10.0.0.01', 'must not have leading 0s'), ['f: non-standard IP address "10.0.0.01" is invalid: use "10.0.0.1"']],
    ['::ffff:1.2.3.4', bad('::ffff:1.2.3.4', 'must not be an IPv4-mapped IPv6 address'), ['f: non-standard IP address "::ffff:1.2.3.4" is invalid: use "1.2.3.4"']],
    ['2001:DB8:0::1', bad('2001:DB8:0::1', 'must be in canonical form ("2001:db8::1")'), ['f: IPv6 address "2001:DB8:0::1" should be in RFC 5952 canonical format ("2001:db8::1")']],
    ['1.2.3', bad('1.2.3', 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'), []],
    ['1:2::3::4', bad('1:2::3::4', 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'), []],
  ]
  for (const [value, errors, warnings] of table) {
    t.same(text(isValidIP('f', value)), errors, value)
    t.same(warningsForIP('f', value), warnings, value)
  }
  t.same(isValidIPForLegacyField('f', '10.0.0.01'), [])
  t.equal(isValidIPForLegacyField('f', '10.0.0.01', { strict: true }).length, 1)
  t.same(isValidIPForLegacyField('f', 'x', { oldValues: ['x'] }), [])
  t.end()
})

t.test('CIDRs', (t) => {
  const bad = (value: string, detail: string) => [`f: Invalid value: "${value}": ${detail}`]
  const table: [string, string[], string[]][] = [
    ['10.0.0.0/8', [], []],
    ['10.0.0.1/8', bad('10.0.0.1/8', 'must not have bits set beyond the prefix length'), ['f: CIDR value "10.0.0.1/8" is ambiguous in this context (should be "10.0.0.0/8" or "10.0.0.1/32"?)']],
    ['10.0.0.0/08', bad('10.0.0.0/08', 'must not have leading 0s in IP or prefix length'), ['f: non-standard CIDR value "10.0.0.0/08" is invalid: use "10.0.0.0/8"']],
    ['2001:DB8::/64', bad('2001:DB8::/64', 'must be in canonical form ("2001:db8::/64")'), ['f: IPv6 CIDR value "2001:DB8::/64" should be in RFC 5952 canonical format ("2001:db8::/64")']],
    ['10.0.0.0/33', bad('10.0.0.0/33', 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'), []],
  ]
  for (const [value, errors, warnings] of table) {
    t.same(text(isValidCIDR('f', value)), errors, value)
    t.same(warningsForCIDR('f', value), warnings, value)
  }
  t.same(isValidCIDRForLegacyField('f', '10.0.0.1/8'), [])
  t.same(text(isValidInterfaceAddress('f', '10.0.0.1/08')), bad('10.0.0.1/08', 'must be in canonical form ("10.0.0.1/8")'))
  t.end()
})
