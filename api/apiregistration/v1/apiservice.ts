/** apiregistration.k8s.io/v1 APIService. Models k8s.io/kube-aggregator/pkg/registry/apiservice and pkg/apis/apiregistration/validation. */
import { ALL_BUT_STATUS } from '../../../src/apimachinery/field-set.ts'
import { localAvailable } from './_availability.ts'
import { defineKind } from '../../../src/registry/kind.ts'
import { formatTime } from '../../../src/clock.ts'
import { field, quote, type FieldError } from '../../../src/errors.ts'
import { isDNS1035Label, isDNS1123Subdomain, isPathSegmentName, isValidPortNum } from '../../../src/apimachinery/validation.ts'
import { nameColumn, ageColumn } from '../../_columns.ts'
import { resetObjectMetaForStatus } from '../../_status-meta.ts'
import type { APIService, APIServiceSpec } from '../../../schemas/types.ts'

const STATUSES = ['True', 'False', 'Unknown']

function validateServiceName(name: string, _prefix: boolean, apiService?: APIService): string[] {
  const required = apiService && `${apiService.spec.version ?? ''}.${apiService.spec.group ?? ''}`
  const unfit = isPathSegmentName(name)
  return unfit.length || required === undefined || name === required ? unfit : [`must be \`spec.version+"."+spec.group\`: ${quote(required)}`]
}

function validate(apiService: APIService): FieldError[] {
  const errors: FieldError[] = []
  const { group = '', version = '', groupPriorityMinimum = 0, versionPriority = 0 } = apiService.spec
  if (group === '' && version !== 'v1') errors.push(field.required('spec.group', 'only v1 may have an empty group and it better be legacy kube'))
  if (group) for (const message of isDNS1123Subdomain(group)) errors.push(field.invalid('spec.group', group, message))
  for (const message of isDNS1035Label(version)) errors.push(field.invalid('spec.version', version, message))
  if (groupPriorityMinimum <= 0 || groupPriorityMinimum > 20000) errors.push(field.invalid('spec.groupPriorityMinimum', groupPriorityMinimum, 'must be positive and less than 20000'))
  if (versionPriority <= 0 || versionPriority > 1000) errors.push(field.invalid('spec.versionPriority', versionPriority, 'must be positive and less than 1000'))
  return [...errors, ...validateBackend(apiService.spec)]
}

function validateBackend({ service, caBundle = '', insecureSkipTLSVerify = false }: APIServiceSpec): FieldError[] {
  const errors: FieldError[] = []
  if (!service) {
    if (caBundle) errors.push(field.invalid('spec.caBundle', `${Buffer.byteLength(caBundle, 'base64')} bytes`, 'local APIServices may not have a caBundle'))
    if (insecureSkipTLSVerify) errors.push(field.invalid('spec.insecureSkipTLSVerify', true, 'local APIServices may not have insecureSkipTLSVerify'))
    return errors
  }
  const { namespace, name, port = 0 } = service
  if (!namespace) errors.push(field.required('spec.service.namespace'))
  if (!name) errors.push(field.required('spec.service.name'))
  const wrong = isValidPortNum(port)
  if (wrong.length) errors.push(field.invalid('spec.service.port', port, `port is not valid: ${wrong.join(', ')}`))
  if (insecureSkipTLSVerify && caBundle) errors.push(field.invalid('spec.insecureSkipTLSVerify', true, 'may not be true if caBundle is present'))
  return errors
}

function validateStatus({ status }: APIService): FieldError[] {
  return (status?.conditions ?? []).flatMap((c, i) => (STATUSES.includes(c.status ?? '') ? [] : [field.notSupported(`status.conditions[${i}].status`, c.status ?? '', STATUSES)]))
}

function availability({ status }: APIService): string {
  const condition = status?.conditions?.find((c) => c.type === 'Available')
  if (!condition) return 'Unknown'
  return condition.status !== 'True' && condition.reason ? `${condition.status ?? ''} (${condition.reason})` : (condition.status ?? '')
}

export default defineKind<APIService>({
  group: 'apiregistration.k8s.io',
  version: 'v1',
  kind: 'APIService',
  plural: 'apiservices',
  categories: ['api-extensions'],
  namespaced: false,
  takesAnyFinalizer: true,
  allowUnconditionalUpdate: false,
  resetFields: { status: ALL_BUT_STATUS },
  subresources: {
    status: {
      prepareForUpdate: (apiService, old) => resetObjectMetaForStatus(apiService.metadata, old.metadata),
      validateUpdate: validateStatus,
      noTable: true,
    },
  },
  columns: [
    nameColumn,
    { name: 'Service', value: ({ spec: { service } }) => (service ? `${service.namespace ?? ''}/${service.name ?? ''}` : 'Local') },
    { name: 'Available', value: availability },
    ageColumn,
  ],
  default({ spec: { service } }) {
    if (service) service.port ??= 443
  },
  validateName: validateServiceName,
  prepareForCreate(apiService, ctx) {
    if (!apiService.spec.service) apiService.status = { conditions: [localAvailable(formatTime(ctx.clock.now()))] }
  },
  validate,
})
