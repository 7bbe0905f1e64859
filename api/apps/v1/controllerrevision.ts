/** Controller revisions: immutable snapshots of a template. Models k8s.io/kubernetes/pkg/registry/apps/controllerrevision. */
import type { ControllerRevision } from '../../../schemas/types.ts'
import { equalJSON, isRecord } from '../../../src/apimachinery/json.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import { defineKind } from '../../../src/registry/kind.ts'
import { validateMetadataOf } from '../../_validate-metadata.ts'

export default defineKind<ControllerRevision>({
  group: 'apps', version: 'v1', kind: 'ControllerRevision', plural: 'controllerrevisions',
  namespaced: true,
  columns: [
    { name: 'Name', format: 'name', value: (r) => r.metadata.name ?? '' },
    { name: 'Controller', value: controllerCell },
    { name: 'Revision', value: (r) => r.revision ?? 0 },
    { name: 'Age', value: (r, ctx) => ctx.age(r.metadata.creationTimestamp) },
  ],
  validate: (r) => [...validateRevision(r), ...validateData(r)],
  validateUpdate(r, old) {
    return [...validateMetadataOf(r, 'Namespaced'), ...validateRevision(r), ...(equalJSON(r.data, old.data) ? [] : [field.invalid('data', r.data ?? null, 'field is immutable')])]
  },
})

function controllerCell(r: ControllerRevision): string {
  const owner = r.metadata.ownerReferences?.find((o) => o.controller)
  if (!owner) return '<none>'
  const [group = ''] = owner.apiVersion?.includes('/') ? owner.apiVersion.split('/') : ['']
  return `${(owner.kind ?? '').toLowerCase()}${group ? `.${group}` : ''}/${owner.name ?? ''}`
}

function validateRevision(r: ControllerRevision): FieldError[] {
  const revision = r.revision ?? 0
  return revision < 0 ? [field.invalid('revision', revision, 'must be greater than or equal to 0')] : []
}

function validateData({ data }: ControllerRevision): FieldError[] {
  if (data === undefined || data === null) return [field.required('data', 'data is mandatory')]
  return isRecord(data) ? [] : [field.required('data', 'data must be a valid JSON object')]
}
