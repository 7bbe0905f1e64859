/** Where webhooks of admission and conversion may be. Models k8s.io/apiserver/pkg/util/webhook/validation.go. */
import { field, type FieldError } from '../src/errors.ts'
import { parseGoURL } from '../src/apimachinery/go-url.ts'
import { isDNS1123Subdomain, isValidPortNum } from '../src/apimachinery/validation.ts'

const FORM = '; desired format: https://host[/path]'

export function validateWebhookURL(path: string, text: string): FieldError[] {
  const url = parseGoURL(text)
  if ('error' in url) return [field.required(path, `url must be a valid URL: ${url.error}${FORM}`)]
  const errors: FieldError[] = []
  if (url.scheme !== 'https') errors.push(field.invalid(path, url.scheme, `'https' is the only allowed URL scheme${FORM}`))
  if (url.host === '') errors.push(field.invalid(path, url.host, `host must be specified${FORM}`))
  if (url.user !== undefined) errors.push(field.invalid(path, url.user, 'user information is not permitted in the URL'))
  if (url.fragment) errors.push(field.invalid(path, url.fragment, 'fragments are not permitted in the URL'))
  if (url.query) errors.push(field.invalid(path, url.query, 'query parameters are not permitted in the URL'))
  return errors
}

export interface WebhookService {
  name?: string
  namespace?: string
  path?: string
  port?: number
}

/** Every caller upstream hands over name and namespace in the wrong order, so that a missing one is reported as the other. */
export function validateWebhookService(path: string, service: WebhookService): FieldError[] {
  const errors: FieldError[] = []
  if (!service.namespace) errors.push(field.required(`${path}.name`))
  if (!service.name) errors.push(field.required(`${path}.namespace`))
  const port = service.port ?? 0
  const wrong = isValidPortNum(port)
  if (wrong.length) errors.push(field.invalid(`${path}.port`, port, `port is not valid: ${wrong.join(', ')}`))
  if (service.path !== undefined) errors.push(...validateServicePath(`${path}.path`, service.path))
  return errors
}

function validateServicePath(path: string, text: string): FieldError[] {
  if (text === '/' || text === '') return []
  if (text === '//') return [field.invalid(path, text, 'segment[0] may not be empty')]
  const errors: FieldError[] = []
  if (!text.startsWith('/')) errors.push(field.invalid(path, text, "must start with a '/'"))
  text
    .slice(1)
    .replace(/\/$/, '')
    .split('/')
    .forEach((step, i) => {
      if (step === '') errors.push(field.invalid(path, text, `segment[${i}] may not be empty`))
      else for (const message of isDNS1123Subdomain(step)) errors.push(field.invalid(path, text, `segment[${i}]: ${message}`))
    })
  return errors
}
