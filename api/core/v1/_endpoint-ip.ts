/** Which addresses an endpoint or an external IP may not have. Models ValidateEndpointIP of k8s.io/kubernetes/pkg/apis/core/validation. */
import { isIPv4, parseIP, type IPAddress } from '../../../src/apimachinery/ip-address.ts'
import { field, type FieldError } from '../../../src/errors.ts'

const at = (ip: IPAddress, i: number): number => ip[i] ?? 0
const isZero = (bytes: IPAddress): boolean => bytes.every((b) => b === 0)

const isUnspecified = (ip: IPAddress): boolean => (isIPv4(ip) ? isZero(ip.subarray(12)) : isZero(ip))
const isLoopback = (ip: IPAddress): boolean => (isIPv4(ip) ? at(ip, 12) === 127 : isZero(ip.subarray(0, 15)) && at(ip, 15) === 1)
const isLinkLocal = (ip: IPAddress): boolean => (isIPv4(ip) ? at(ip, 12) === 169 && at(ip, 13) === 254 : at(ip, 0) === 0xfe && (at(ip, 1) & 0xc0) === 0x80)
const isLinkLocalMulticast = (ip: IPAddress): boolean =>
  isIPv4(ip) ? at(ip, 12) === 224 && at(ip, 13) === 0 && at(ip, 14) === 0 : at(ip, 0) === 0xff && (at(ip, 1) & 0x0f) === 0x02

export function validateEndpointIP(text: string, path: string): FieldError[] {
  const ip = parseIP(text)
  if (!ip) return [field.invalid(path, text, 'must be a valid IP address')]
  const errors: FieldError[] = []
  if (isUnspecified(ip)) errors.push(field.invalid(path, text, `may not be unspecified (${text})`))
  if (isLoopback(ip)) errors.push(field.invalid(path, text, 'may not be in the loopback range (127.0.0.0/8, ::1/128)'))
  if (isLinkLocal(ip)) errors.push(field.invalid(path, text, 'may not be in the link-local range (169.254.0.0/16, fe80::/10)'))
  if (isLinkLocalMulticast(ip)) errors.push(field.invalid(path, text, 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)'))
  return errors
}
