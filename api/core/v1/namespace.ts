/** v1 Namespace. Models k8s.io/kubernetes/pkg/registry/core/namespace and its storage. */
import { LEAF } from '../../../src/apimachinery/field-set.ts'
import { STANDARD_FINALIZERS, validateFinalizerName } from '../../../src/apimachinery/validate-meta.ts'
import { isDNS1123Label } from '../../../src/apimachinery/validation.ts'
import { field, forbidden, type FieldError } from '../../../src/errors.ts'
import { defineKind } from '../../../src/registry/kind.ts'
import type { Namespace } from '../../../schemas/types.ts'
import { ageColumn, nameColumn } from '../../_columns.ts'
import { validateMetadataOf } from '../../_validate-metadata.ts'

const KUBERNETES_FINALIZER = 'kubernetes'
const NAME_LABEL = 'kubernetes.io/metadata.name'
/** Deleting these is refused (admission plugin NamespaceLifecycle). */
const IMMORTAL = ['default', 'kube-system', 'kube-public']

const validateName = (name: string): string[] => isDNS1123Label(name)

function validateFinalizer(name: string, path: string): FieldError[] {
  const errors = validateFinalizerName(name, path)
  if (!name.includes('/') && !STANDARD_FINALIZERS.includes(name)) {
    errors.push(field.invalid(path, name, 'name is neither a standard finalizer name nor is it fully qualified'))
  }
  return errors
}

const validate = ({ spec }: Namespace): FieldError[] => (spec.finalizers ?? []).flatMap((name) => validateFinalizer(name, 'spec.finalizers'))

function validateStatus({ metadata, status }: Namespace): FieldError[] {
  const phase = status?.phase ?? ''
  const isLeaving = metadata.deletionTimestamp !== undefined
  const expected = isLeaving ? 'Terminating' : 'Active'
  if (phase === expected) return []
  return [field.invalid('status.Phase', phase, `may only be '${expected}' if \`deletionTimestamp\` is ${isLeaving ? 'not ' : ''}empty`)]
}

function setNameLabel({ metadata }: Namespace): void {
  if (metadata.name) metadata.labels = { ...metadata.labels, [NAME_LABEL]: metadata.name }
}

export default defineKind<Namespace>({
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  shortNames: ['ns'],
  namespaced: false,
  repeatsMetadataUpdate: 'last',
  verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
  returnsDeletedObject: true,
  resetFields: { finalize: { 'f:status': LEAF } },
  subresources: {
    status: { validateUpdate: validateStatus },
    finalize: {
      verbs: ['update'],
      prepareForUpdate(namespace, old) {
        if (old.status) namespace.status = old.status
        else delete namespace.status
      },
      validateUpdate: ({ spec }) => (spec.finalizers ?? []).flatMap((name, i) => validateFinalizer(name, `spec.finalizers[${i}]`)),
    },
  },
  columns: [nameColumn, { name: 'Status', value: ({ status }) => status?.phase ?? '' }, ageColumn],
  selectableFields: { 'status.phase': ({ status }) => status?.phase ?? '' },
  default(namespace) {
    setNameLabel(namespace)
    namespace.status = { ...namespace.status, phase: namespace.status?.phase || 'Active' }
  },
  prepareForCreate(namespace) {
    namespace.status = { phase: 'Active' }
    const finalizers = namespace.spec.finalizers ?? []
    if (!finalizers.includes(KUBERNETES_FINALIZER)) namespace.spec.finalizers = [...finalizers, KUBERNETES_FINALIZER]
  },
  prepareForUpdate(namespace, old) {
    if (old.spec.finalizers) namespace.spec.finalizers = old.spec.finalizers
    else delete namespace.spec.finalizers
  },
  validateName,
  validate,
  validateUpdate: (namespace) => [...validateMetadataOf(namespace, 'Cluster', { validateName }), ...validate(namespace)],
  canonicalize: setNameLabel,
  beforeDelete({ metadata: { name = '' } }) {
    if (IMMORTAL.includes(name)) throw forbidden({ group: '', resource: 'namespaces' }, name, 'this namespace may not be deleted')
  },
  holdsDelete: {
    // The first delete only marks it, whoever is left to let it go.
    holds: ({ metadata, spec }) => !metadata.deletionTimestamp || (spec.finalizers ?? []).length > 0,
    mark(namespace) {
      namespace.status = { ...namespace.status, phase: 'Terminating' }
    },
  },
})
