/** Small pieces of validation that many kinds share. Models ValidateDNS1123Label and others of k8s.io/kubernetes/pkg/apis/core/validation. */
import { field, type FieldError } from '../src/errors.ts'
import { isDNS1123Label, isDNS1123Subdomain, isQualifiedName, isValidPortName, isValidPortNum } from '../src/apimachinery/validation.ts'

/** An Invalid error per message. */
export function invalids(path: string, value: unknown, messages: readonly string[]): FieldError[] {
  return messages.map((message) => field.invalid(path, value, message))
}

export const validateLabelName = (path: string, value: string): FieldError[] => invalids(path, value, isDNS1123Label(value))
export const validateSubdomain = (path: string, value: string): FieldError[] => invalids(path, value, isDNS1123Subdomain(value))
export const validateQualifiedName = (path: string, value: string): FieldError[] => invalids(path, value, isQualifiedName(value))

/** A port as IntOrString; a missing one is 0, as Go's zero value. */
export function validatePortNumOrName(path: string, port: number | string = 0): FieldError[] {
  return invalids(path, port, typeof port === 'number' ? isValidPortNum(port) : isValidPortName(port))
}

/** Required when empty, NotSupported when not among `supported`. */
export function validateChoice(path: string, value: string | undefined, supported: readonly string[]): FieldError[] {
  if (!value) return [field.required(path)]
  return supported.includes(value) ? [] : [field.notSupported(path, value, supported)]
}

export const PROTOCOLS = ['SCTP', 'TCP', 'UDP'] as const
