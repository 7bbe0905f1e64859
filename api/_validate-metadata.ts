/** Metadata errors for the kinds whose update validation upstream runs the whole create validation again. */
import { validateObjectMeta } from '../src/apimachinery/validate-meta.ts'
import { isDNS1123Subdomain } from '../src/apimachinery/validation.ts'
import type { FieldError } from '../src/errors.ts'
import type { KubeObject } from '../src/registry/kind.ts'

type ValidateName = (name: string, prefix: boolean) => string[]

export function validateMetadataOf(object: KubeObject, scope: 'Namespaced' | 'Cluster', { validateName = isDNS1123Subdomain, takesAnyFinalizer = false }: { validateName?: ValidateName; takesAnyFinalizer?: boolean } = {}): FieldError[] {
  return validateObjectMeta(object.metadata, { namespaced: scope === 'Namespaced', validateName, strictFinalizers: !takesAnyFinalizer })
}
