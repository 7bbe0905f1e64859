/** certificates.k8s.io/v1 CertificateSigningRequest. Models k8s.io/kubernetes/pkg/registry/certificates/certificates. */
import { validateMetadataOf } from '../../_validate-metadata.ts'
import { LEAF } from '../../../src/apimachinery/field-set.ts'
import { defineKind } from '../../../src/registry/kind.ts'
import { formatTime } from '../../../src/clock.ts'
import { nameColumn, ageColumn } from '../../_columns.ts'
import { validateRequest, validateRequestUpdate } from './_validation.ts'
import type { UserInfo, WriteContext } from '../../../src/registry/kind.ts'
import type { CertificateSigningRequest } from '../../../schemas/types.ts'

function setRequester(csr: CertificateSigningRequest, user: UserInfo): void {
  const { spec } = csr
  spec.username = user.name
  spec.groups = [...user.groups]
  if (user.uid) spec.uid = user.uid
  else delete spec.uid
  const extra = Object.entries(user.extra ?? {})
  if (extra.length) spec.extra = Object.fromEntries(extra.map(([key, values]) => [key, [...values]]))
  else delete spec.extra
}

/** A condition without times gets now, or the old transition time while its status stays. */
function fillConditionTimes(csr: CertificateSigningRequest, old: CertificateSigningRequest, ctx: WriteContext): void {
  const now = formatTime(ctx.clock.now())
  for (const condition of csr.status?.conditions ?? []) {
    condition.lastUpdateTime ??= now
    const same = old.status?.conditions?.find((c) => c.type === condition.type && c.status === condition.status && c.lastTransitionTime)
    condition.lastTransitionTime ??= same?.lastTransitionTime ?? now
  }
}

/** Status writers cannot touch approval: what they send of it is replaced, unless they added or removed some. */
function keepApproval(csr: CertificateSigningRequest, old: CertificateSigningRequest): void {
  const conditions = csr.status?.conditions
  if (!conditions) return
  for (const type of ['Approved', 'Denied']) {
    const was = (old.status?.conditions ?? []).filter((c) => c.type === type)
    if (conditions.filter((c) => c.type === type).length !== was.length) continue
    conditions.forEach((condition, i) => {
      if (condition.type !== type) return
      const kept = was.shift()
      if (kept) conditions[i] = { ...kept }
    })
  }
}

function status(csr: CertificateSigningRequest): string {
  const has = (type: string): boolean => csr.status?.conditions?.some((c) => c.type === type) ?? false
  return (has('Denied') ? 'Denied' : has('Approved') ? 'Approved' : 'Pending') + (has('Failed') ? ',Failed' : '') + (csr.status?.certificate ? ',Issued' : '')
}

export default defineKind<CertificateSigningRequest>({
  group: 'certificates.k8s.io',
  version: 'v1',
  kind: 'CertificateSigningRequest',
  plural: 'certificatesigningrequests',
  shortNames: ['csr'],
  namespaced: false,
  repeatsMetadataUpdate: 'last',
  resetFields: {
    '': { 'f:spec': LEAF, 'f:status': LEAF },
    status: { 'f:spec': LEAF, 'f:status': { 'f:conditions': LEAF } },
    approval: { 'f:spec': LEAF, 'f:status': { 'f:certificate': LEAF } },
  },
  subresources: {
    status: {
      prepareForUpdate(csr, old, ctx) {
        keepApproval(csr, old)
        fillConditionTimes(csr, old, ctx)
      },
      validateUpdate: (csr, old) => [...validateMetadataOf(csr, 'Cluster', { validateName: () => [] }), ...validateRequestUpdate(csr, old, { setsCertificate: true })],
    },
    approval: {
      noTable: true,
      prepareForUpdate(csr, old, ctx) {
        fillConditionTimes(csr, old, ctx)
        csr.spec = structuredClone(old.spec)
        csr.status = { ...old.status, conditions: csr.status?.conditions ?? [] }
      },
      validateUpdate: (csr, old) => [...validateMetadataOf(csr, 'Cluster', { validateName: () => [] }), ...validateRequestUpdate(csr, old, { setsApproval: true })],
    },
  },
  columns: [
    nameColumn,
    ageColumn,
    { name: 'SignerName', value: ({ spec }) => spec.signerName || '<none>' },
    { name: 'Requestor', value: ({ spec }) => spec.username ?? '' },
    {
      name: 'RequestedDuration',
      value: ({ spec }, ctx) => (spec.expirationSeconds === undefined ? '<none>' : ctx.age(new Date(ctx.nowMs - spec.expirationSeconds * 1000).toISOString())),
    },
    { name: 'Condition', value: status },
  ],
  selectableFields: { 'spec.signerName': ({ spec }) => spec.signerName ?? '' },
  validateName: () => [],
  prepareForCreate: (csr, ctx) => setRequester(csr, ctx.user),
  prepareForUpdate(csr, old) {
    csr.spec = structuredClone(old.spec)
  },
  validate: (csr) => validateRequest(csr),
  validateUpdate: (csr, old) => [...validateMetadataOf(csr, 'Cluster', { validateName: () => [] }), ...validateRequestUpdate(csr, old)],
})
