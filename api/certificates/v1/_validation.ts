/** Validation of certificate signing requests. Models k8s.io/kubernetes/pkg/apis/certificates/validation/validation.go. */
import { equalJSON } from '../../../src/apimachinery/json.ts'
import { X509Certificate } from 'node:crypto'
import { field, quote, type FieldError } from '../../../src/errors.ts'
import { CertificateRequestError, parseCertificateRequest } from '../../../src/apimachinery/certificate-request.ts'
import { decodePem } from '../../../src/apimachinery/pem.ts'
import { validateSignerName } from '../../_signer-name.ts'
import type { CertificateSigningRequest, CertificateSigningRequestCondition } from '../../../schemas/types.ts'

const LEGACY_SIGNER = 'kubernetes.io/legacy-unknown'
const MIN_EXPIRATION_SECONDS = 600
/** Conditions that can only be True. */
const TRUE_CONDITIONS = ['Approved', 'Denied', 'Failed']
const USAGES = [
  ...['any', 'cert sign', 'client auth', 'code signing', 'content commitment', 'crl sign', 'data encipherment', 'decipher only', 'digital signature', 'email protection'],
  ...['encipher only', 'ipsec end system', 'ipsec tunnel', 'ipsec user', 'key agreement', 'key encipherment', 'microsoft sgc', 'netscape sgc', 'ocsp signing', 's/mime'],
  ...['server auth', 'signing', 'timestamping'],
]

/** What only some ways of writing may do. */
export interface Permissions {
  setsApproval?: boolean
  setsCertificate?: boolean
}

type Conditions = readonly CertificateSigningRequestCondition[]

const conditionsOf = (csr: CertificateSigningRequest | undefined): Conditions => csr?.status?.conditions ?? []
const ofType = (csr: CertificateSigningRequest, type: string): Conditions => conditionsOf(csr).filter((c) => c.type === type)
const hasDuplicates = (values: readonly (string | undefined)[]): boolean => new Set(values).size < values.length

/** @param old what the stored object already does wrong is tolerated */
export function validateRequest(csr: CertificateSigningRequest, old?: CertificateSigningRequest): FieldError[] {
  const errors: FieldError[] = []
  const { request = '', usages = [], signerName = '', expirationSeconds } = csr.spec
  const wrong = whyNotRequest(request)
  if (wrong) errors.push(field.invalid('spec.request', csr.spec.request ?? null, wrong))
  if (usages.length === 0) errors.push(field.required('spec.usages'))
  if (old?.spec.usages?.every((u) => USAGES.includes(u)) ?? true) {
    usages.forEach((usage, i) => {
      if (!USAGES.includes(usage)) errors.push(field.notSupported(`spec.usages[${i}]`, usage, USAGES))
    })
  }
  if (!hasDuplicates(old?.spec.usages ?? [])) {
    usages.forEach((usage, i) => {
      if (usages.indexOf(usage) < i) errors.push(field.duplicate(`spec.usages[${i}]`, usage))
    })
  }
  if (signerName === LEGACY_SIGNER && old?.spec.signerName !== LEGACY_SIGNER) errors.push(field.invalid('spec.signerName', signerName, 'the legacy signerName is not allowed via this API version'))
  else errors.push(...validateSignerName('spec.signerName', signerName))
  if (expirationSeconds !== undefined && expirationSeconds < MIN_EXPIRATION_SECONDS) {
    errors.push(field.invalid('spec.expirationSeconds', expirationSeconds, 'may not specify a duration less than 600 seconds (10 minutes)'))
  }
  errors.push(...validateConditions(conditionsOf(csr), old && conditionsOf(old)))
  const certificate = csr.status?.certificate ?? ''
  const oldCertificate = old?.status?.certificate ?? ''
  if (!old || (certificate !== oldCertificate && !whyNotCertificate(oldCertificate))) {
    const why = whyNotCertificate(certificate)
    if (why) errors.push(field.invalid('status.certificate', '<certificate data>', why))
  }
  return errors
}

export function validateRequestUpdate(csr: CertificateSigningRequest, old: CertificateSigningRequest, permissions: Permissions = {}): FieldError[] {
  const errors = validateRequest(csr, old)
  const path = 'status.conditions'
  for (const type of TRUE_CONDITIONS) {
    if (ofType(csr, type).length < ofType(old, type).length) errors.push(field.forbidden(path, `updates may not remove a condition of type ${quote(type)}`))
  }
  for (const type of permissions.setsApproval ? [] : ['Approved', 'Denied']) {
    const now = ofType(csr, type)
    const was = ofType(old, type)
    if (now.length > was.length) errors.push(field.forbidden(path, `updates may not add a condition of type ${quote(type)}`))
    else if (now.length === was.length && !equalJSON(now, was)) errors.push(field.forbidden(path, `updates may not modify a condition of type ${quote(type)}`))
  }
  const certificate = csr.status?.certificate ?? ''
  const oldCertificate = old.status?.certificate ?? ''
  if (certificate === oldCertificate) return errors
  if (!permissions.setsCertificate) errors.push(field.forbidden('status.certificate', 'updates may not set certificate content'))
  else if (oldCertificate) errors.push(field.forbidden('status.certificate', 'updates may not modify existing certificate content'))
  return errors
}

function validateConditions(conditions: Conditions, old: Conditions = []): FieldError[] {
  const errors: FieldError[] = []
  const path = 'status.conditions'
  const types = (list: Conditions): string[] => list.map((c) => c.type ?? '')
  const allowsBoth = types(old).includes('Approved') && types(old).includes('Denied')
  const allowsEmptyType = types(old).includes('')
  const allowsDuplicates = hasDuplicates(types(old))
  conditions.forEach(({ type = '', status = '' }, i) => {
    const before = types(conditions).slice(0, i)
    if (!type && !allowsEmptyType) errors.push(field.required(`${path}[${i}].type`))
    const statuses = TRUE_CONDITIONS.includes(type) ? ['True'] : ['False', 'True', 'Unknown']
    if (!status) errors.push(field.required(`${path}[${i}].status`))
    else if (!statuses.includes(status)) errors.push(field.notSupported(`${path}[${i}].status`, status, statuses))
    const opposite = type === 'Approved' ? 'Denied' : type === 'Denied' ? 'Approved' : undefined
    if (!allowsBoth && opposite && before.includes(opposite)) errors.push(field.invalid(path, type, 'Approved and Denied conditions are mutually exclusive'))
    if (!allowsDuplicates && before.includes(type)) errors.push(field.duplicate(`${path}[${i}].type`, type))
  })
  return errors
}

const fromBase64 = (base64: string): string => Buffer.from(base64, 'base64').toString('latin1')

function whyNotRequest(base64: string): string | undefined {
  try {
    return parseCertificateRequest(fromBase64(base64)).isSignatureValid() ? undefined : 'x509: certificate signature verification failed'
  } catch (error) {
    if (error instanceof CertificateRequestError) return error.message
    throw error
  }
}

function whyNotCertificate(base64: string): string | undefined {
  if (!base64) return undefined
  const blocks = decodePem(fromBase64(base64))
  for (const block of blocks) {
    if (block.type !== 'CERTIFICATE') return `only CERTIFICATE PEM blocks are allowed, found ${quote(block.type)}`
    if (Object.keys(block.headers).length) return 'no PEM block headers are permitted'
    if (block.bytes.length === 0) return 'found CERTIFICATE PEM block containing 0 certificates'
    if (!isCertificate(block.bytes)) return 'x509: malformed certificate'
  }
  return blocks.length === 0 ? 'must contain at least one CERTIFICATE PEM block' : undefined
}

function isCertificate(der: Buffer): boolean {
  try {
    return Boolean(new X509Certificate(der).raw)
  } catch {
    return false
  }
}
