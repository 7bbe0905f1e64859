/** v1 ServiceAccount. Models k8s.io/kubernetes/pkg/registry/core/serviceaccount. */
import { defineKind } from '../../../src/registry/kind.ts'
import type { ServiceAccount } from '../../../schemas/types.ts'
import { ageColumn, nameColumn } from '../../_columns.ts'
import { serviceAccountToken } from './_serviceaccount-token.ts'

const ENFORCE_MOUNTABLE_SECRETS = 'kubernetes.io/enforce-mountable-secrets'

/** Of the secrets only the name counts. */
function cleanSecretReferences(serviceAccount: ServiceAccount): void {
  const { secrets } = serviceAccount
  if (secrets) serviceAccount.secrets = secrets.map(({ name }) => (name ? { name } : {}))
}

const enforces = (serviceAccount: ServiceAccount | undefined): boolean => Object.hasOwn(serviceAccount?.metadata.annotations ?? {}, ENFORCE_MOUNTABLE_SECRETS)

export default defineKind<ServiceAccount>({
  group: '',
  version: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  shortNames: ['sa'],
  namespaced: true,
  returnsDeletedObject: true,
  subresources: { token: serviceAccountToken },
  columns: [nameColumn, ageColumn],
  prepareForCreate: cleanSecretReferences,
  prepareForUpdate: cleanSecretReferences,
  warnings(serviceAccount, old) {
    if (enforces(old) || !enforces(serviceAccount)) return []
    return [`metadata.annotations[${ENFORCE_MOUNTABLE_SECRETS}]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets`]
  },
})
