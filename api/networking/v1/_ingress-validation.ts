/** The rules of an Ingress. Models ValidateIngressCreate and ValidateIngressUpdate of k8s.io/kubernetes/pkg/apis/networking/validation. */
import { parseIP } from '../../../src/apimachinery/ip-address.ts'
import { isValidIPForLegacyField } from '../../../src/apimachinery/validation-ip.ts'
import { isDNS1123Label, isDNS1123Subdomain, isPathSegmentName, isValidPortName, isValidPortNum, isWildcardDNS1123Subdomain } from '../../../src/apimachinery/validation.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import type { HTTPIngressPath, Ingress, IngressBackend, IngressRule, IngressSpec, IngressTLS, TypedLocalObjectReference } from '../../../schemas/types.ts'
import { invalids, validateSubdomain } from '../../_field-errors.ts'
import { validateMetadataOf } from '../../_validate-metadata.ts'

export const CLASS_ANNOTATION = 'kubernetes.io/ingress.class'
const FORBIDDEN_SEQUENCES = ['//', '/./', '/../', '%2f', '%2F']
const FORBIDDEN_ENDINGS = ['/..', '/.']
const PATH_TYPES = ['Exact', 'ImplementationSpecific', 'Prefix']
const NOT_AN_IP = 'must be a DNS name, not an IP address'

interface Options {
  allowInvalidSecretName: boolean
  allowInvalidWildcardHostRule: boolean
}

const secretNameErrors = (name: string | undefined): string[] => (name ? isDNS1123Subdomain(name) : [])
const hostErrors = (host: string): string[] => (host.includes('*') ? isWildcardDNS1123Subdomain(host) : isDNS1123Subdomain(host))

export function validateIngressCreate(ingress: Ingress): FieldError[] {
  const errors = validateSpec(ingress.spec, { allowInvalidSecretName: false, allowInvalidWildcardHostRule: false })
  const byAnnotation = ingress.metadata.annotations?.[CLASS_ANNOTATION]
  const { ingressClassName } = ingress.spec
  if (byAnnotation !== undefined && ingressClassName !== undefined && byAnnotation !== ingressClassName) {
    errors.push(field.invalid(`annotations.${CLASS_ANNOTATION}`, byAnnotation, 'must match `ingressClassName` when both are specified'))
  }
  return errors
}

/** What was wrong already when it was stored is let pass. */
export function validateIngressUpdate(ingress: Ingress, old: Ingress): FieldError[] {
  const options = {
    allowInvalidSecretName: (old.spec.tls ?? []).some((tls) => secretNameErrors(tls.secretName).length > 0),
    allowInvalidWildcardHostRule: (old.spec.rules ?? []).some((rule) => rule.host?.includes('*') && validateRuleValue(rule, '').length > 0),
  }
  return [...validateMetadataOf(ingress, 'Namespaced'), ...validateSpec(ingress.spec, options)]
}

export function validateIngressStatus(ingress: Ingress, old: Ingress): FieldError[] {
  const oldValues = (old.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => (ip ? [ip] : []))
  return (ingress.status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }, i) => {
    const path = `status.loadBalancer.ingress[${i}]`
    const errors = ip ? isValidIPForLegacyField(`${path}.ip`, ip, { strict: true, oldValues }) : []
    if (!hostname) return errors
    errors.push(...validateSubdomain(`${path}.hostname`, hostname))
    if (parseIP(hostname)) errors.push(field.invalid(`${path}.hostname`, hostname, NOT_AN_IP))
    return errors
  })
}

function validateSpec(spec: IngressSpec, options: Options): FieldError[] {
  const { rules = [], defaultBackend, tls = [], ingressClassName } = spec
  return [
    ...(rules.length === 0 && !defaultBackend ? [field.invalid('spec', spec.rules ?? null, 'either `defaultBackend` or `rules` must be specified')] : []),
    ...(defaultBackend ? validateBackend(defaultBackend, 'spec.defaultBackend') : []),
    ...rules.flatMap((rule, i) => validateRule(rule, `spec.rules[${i}]`, options)),
    ...tls.flatMap((entry, i) => validateTLS(entry, `spec.tls[${i}]`, options)),
    ...(ingressClassName === undefined ? [] : validateSubdomain('spec.ingressClassName', ingressClassName)),
  ]
}

function validateRule(rule: IngressRule, path: string, options: Options): FieldError[] {
  const { host } = rule
  const errors: FieldError[] = []
  if (host) {
    if (parseIP(host)) errors.push(field.invalid(`${path}.host`, host, NOT_AN_IP))
    errors.push(...invalids(`${path}.host`, host, hostErrors(host)))
  }
  if (host?.includes('*') && options.allowInvalidWildcardHostRule) return errors
  return [...errors, ...validateRuleValue(rule, path)]
}

function validateRuleValue({ http }: IngressRule, path: string): FieldError[] {
  if (!http) return []
  const paths = http.paths ?? []
  const at = `${path}.http.paths`
  return [...(paths.length === 0 ? [field.required(at)] : []), ...paths.flatMap((p, i) => validatePath(p, `${at}[${i}]`))]
}

function validatePath({ path: text = '', pathType, backend = {} }: HTTPIngressPath, path: string): FieldError[] {
  if (typeof pathType !== 'string') return [field.required(`${path}.pathType`, 'pathType must be specified')]
  const errors: FieldError[] = []
  const refuse = (why: string): void => void errors.push(field.invalid(`${path}.path`, text, why))
  const isExactOrPrefix = pathType === 'Exact' || pathType === 'Prefix'
  if (!PATH_TYPES.includes(pathType)) errors.push(field.notSupported(`${path}.pathType`, pathType, PATH_TYPES))
  else if ((isExactOrPrefix || text) && !text.startsWith('/')) refuse('must be an absolute path')
  if (isExactOrPrefix && text) {
    for (const sequence of FORBIDDEN_SEQUENCES) if (text.includes(sequence)) refuse(`must not contain '${sequence}'`)
    for (const ending of FORBIDDEN_ENDINGS) if (text.endsWith(ending)) refuse(`cannot end with '${ending}'`)
  }
  return [...errors, ...validateBackend(backend, `${path}.backend`)]
}

function validateBackend({ resource, service }: IngressBackend, path: string): FieldError[] {
  if (resource && service) return [field.invalid(path, '', 'cannot set both resource and service backends')]
  if (resource) return validateResourceBackend(resource, `${path}.resource`)
  if (!service) return [field.invalid(path, '', 'resource or service backend is required')]
  const { name, port: { name: portName, number } = {} } = service
  const errors = name ? invalids(`${path}.service.name`, name, isDNS1123Label(name)) : [field.required(`${path}.service.name`)]
  if (portName && number) return [...errors, field.invalid(path, '', 'cannot set both port name & port number')]
  if (portName) return [...errors, ...invalids(`${path}.service.port.name`, portName, isValidPortName(portName))]
  if (number) return [...errors, ...invalids(`${path}.service.port.number`, number, isValidPortNum(number))]
  return [...errors, field.required(path, 'port name or number is required')]
}

/** Kind and name of an object elsewhere, as path segments. */
export function validateKindAndName({ apiGroup, kind, name }: TypedLocalObjectReference, path: string): FieldError[] {
  return [
    ...(typeof apiGroup === 'string' ? validateSubdomain(`${path}.apiGroup`, apiGroup) : []),
    ...(kind ? invalids(`${path}.kind`, kind, isPathSegmentName(kind)) : [field.required(`${path}.kind`)]),
    ...(name ? invalids(`${path}.name`, name, isPathSegmentName(name)) : [field.required(`${path}.name`)]),
  ]
}

const validateResourceBackend = validateKindAndName

function validateTLS({ hosts = [], secretName }: IngressTLS, path: string, options: Options): FieldError[] {
  const errors = hosts.flatMap((host, i) => invalids(`${path}.hosts[${i}]`, host, hostErrors(host)))
  return options.allowInvalidSecretName ? errors : [...errors, ...invalids(`${path}.secretName`, secretName, secretNameErrors(secretName))]
}
