/** Names of certificate signers. Models ValidateSignerName of k8s.io/kubernetes/pkg/apis/core/validation/names.go. */
import { field, quote, type FieldError } from '../src/errors.ts'
import { byteLength, isDNS1123Label, isDNS1123Subdomain } from '../src/apimachinery/validation.ts'

const MAX_DOMAIN = 253
const MAX_SIGNER_NAME = MAX_DOMAIN + 1 + (253 + 63 + 1)

export function validateSignerName(path: string, signerName: string): FieldError[] {
  if (!signerName) return [field.required(path)]
  const [domain = '', rest, ...more] = signerName.split('/')
  if (rest === undefined || more.length) return [field.invalid(path, signerName, "must be a fully qualified domain and path of the form 'example.com/signer-name'")]
  const errors: FieldError[] = []
  if (byteLength(domain) > MAX_DOMAIN) errors.push(field.tooLong(path, MAX_DOMAIN))
  errors.push(...firstWrongLabel(path, domain, isDNS1123Label))
  if (!domain.includes('.')) errors.push(field.invalid(path, domain, 'should be a domain with at least two segments separated by dots'))
  errors.push(...firstWrongLabel(path, rest, isDNS1123Subdomain))
  if (byteLength(signerName) > MAX_SIGNER_NAME) errors.push(field.tooLong(path, MAX_SIGNER_NAME))
  return errors
}

function firstWrongLabel(path: string, text: string, check: (label: string) => string[]): FieldError[] {
  for (const label of text.split('.')) {
    const wrong = check(label)
    if (wrong.length) return wrong.map((message) => field.invalid(path, text, `validating label ${quote(label)}: ${message}`))
  }
  return []
}
