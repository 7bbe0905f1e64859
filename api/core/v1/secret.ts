/** v1 Secret. Models k8s.io/kubernetes/pkg/registry/core/secret and ValidateSecret of pkg/apis/core/validation. */
import { equalJSON } from '../../../src/apimachinery/json.ts'
import { isConfigMapKey } from '../../../src/apimachinery/validation.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import { defineKind } from '../../../src/registry/kind.ts'
import type { Secret } from '../../../schemas/types.ts'
import { ageColumn, nameColumn } from '../../_columns.ts'
import { validateMetadataOf } from '../../_validate-metadata.ts'
import { IMMUTABLE_MESSAGE, MAX_DATA_BYTES } from './configmap.ts'
import { goJSONObjectError } from './_go-json-error.ts'
import { sortedEntries } from './_resource-names.ts'
import { tlsPairError } from './_tls-pair.ts'

const ACCOUNT_NAME = 'kubernetes.io/service-account.name'
/** Types whose data is a file of configuration, by its key. */
const CONFIG_KEYS: Readonly<Record<string, string>> = { 'kubernetes.io/dockercfg': '.dockercfg', 'kubernetes.io/dockerconfigjson': '.dockerconfigjson' }

const decoded = (base64: string | undefined): string => Buffer.from(base64 ?? '', 'base64').toString()
const required = (key: string): FieldError => field.required(`data[${key}]`)

/** What each type must hold. */
function validateType({ type = '', data = {}, metadata }: Secret): FieldError[] {
  const missing = (...keys: string[]): string[] => keys.filter((key) => !Object.hasOwn(data, key))
  const configKey = CONFIG_KEYS[type]
  if (configKey !== undefined) {
    if (missing(configKey).length > 0) return [required(configKey)]
    const wrong = goJSONObjectError(decoded(data[configKey]))
    return wrong ? [field.invalid(`data[${configKey}]`, '<secret contents redacted>', wrong)] : []
  }
  switch (type) {
    case 'kubernetes.io/service-account-token':
      return metadata.annotations?.[ACCOUNT_NAME] ? [] : [field.required(`metadata.annotations[${ACCOUNT_NAME}]`)]
    case 'kubernetes.io/basic-auth':
      return missing('username', 'password').length === 2 ? [required('username'), required('password')] : []
    case 'kubernetes.io/ssh-auth':
      return data['ssh-privatekey'] ? [] : [required('ssh-privatekey')]
    case 'kubernetes.io/tls':
      return missing('tls.crt', 'tls.key').map(required)
    default:
      return []
  }
}

function validate(secret: Secret): FieldError[] {
  const errors: FieldError[] = []
  let size = 0
  for (const [key, value] of sortedEntries(secret.data)) {
    for (const message of isConfigMapKey(key)) errors.push(field.invalid(`data[${key}]`, key, message))
    size += Buffer.byteLength(value, 'base64')
  }
  if (size > MAX_DATA_BYTES) errors.push(field.tooLong('data', MAX_DATA_BYTES))
  return [...errors, ...validateType(secret)]
}

function validateUpdate(secret: Secret, old: Secret): FieldError[] {
  const errors: FieldError[] = []
  if (secret.type !== old.type) errors.push(field.invalid('type', secret.type, 'field is immutable'))
  if (old.immutable) {
    if (!secret.immutable) errors.push(field.forbidden('immutable', IMMUTABLE_MESSAGE))
    if (!equalJSON(secret.data ?? {}, old.data ?? {})) errors.push(field.forbidden('data', IMMUTABLE_MESSAGE))
  }
  return [...errors, ...validateMetadataOf(secret, 'Namespaced'), ...validate(secret)]
}

export default defineKind<Secret>({
  group: '',
  version: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  namespaced: true,
  selectableFields: { type: (secret) => secret.type ?? '' },
  columns: [nameColumn, { name: 'Type', value: (s) => s.type ?? '' }, { name: 'Data', value: (s) => Object.keys(s.data ?? {}).length }, ageColumn],
  default(secret) {
    // What stringData gives is stored encoded, over what data gives.
    for (const [key, text] of Object.entries(secret.stringData ?? {})) (secret.data ??= {})[key] = Buffer.from(text).toString('base64')
    delete secret.stringData
    secret.type ||= 'Opaque'
  },
  prepareForUpdate(secret, old) {
    secret.type ||= old.type
  },
  validate,
  validateUpdate,
  warnings({ type, data }) {
    if (type !== 'kubernetes.io/tls') return []
    const wrong = tlsPairError(decoded(data?.['tls.crt']), decoded(data?.['tls.key']))
    return wrong ? [wrong] : []
  },
})
