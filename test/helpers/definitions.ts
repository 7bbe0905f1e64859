/** Small builders of CustomResourceDefinitions. */
import type { CustomResourceDefinition, CustomResourceDefinitionSpec, CustomResourceDefinitionVersion } from '../../schemas/types.ts'

export type Props = Record<string, unknown>

/** A schema of an object with these properties in its spec. */
export const specOf = (properties: Props, extra: Props = {}) => ({ type: 'object', properties: { spec: { type: 'object', properties, ...extra } } })

export function version(name: string, openAPIV3Schema: unknown, extra: Partial<CustomResourceDefinitionVersion> = {}): CustomResourceDefinitionVersion {
  return { name, served: true, storage: false, schema: { openAPIV3Schema } as CustomResourceDefinitionVersion['schema'], ...extra } as CustomResourceDefinitionVersion
}

/** Of a kind whose plural takes an s, in the group example.com unless told. The first version is the one that is stored unless one says so. */
export function definition(kind: string, versions: CustomResourceDefinitionVersion[], spec: Partial<CustomResourceDefinitionSpec> = {}): CustomResourceDefinition {
  const singular = kind.toLowerCase()
  const group = spec.group ?? 'example.com'
  const anyIsStored = versions.some((v) => v.storage)
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${singular}s.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { plural: `${singular}s`, singular, kind, listKind: `${kind}List` },
      versions: versions.map((v, i) => (anyIsStored || i > 0 ? v : { ...v, storage: true })),
      ...spec,
    },
  }
}

/** The same with these conditions, `Type` or `!Type`, and its names accepted. */
export function withStatus(crd: CustomResourceDefinition, ...conditions: string[]): CustomResourceDefinition {
  const list = conditions.map((text) => ({ type: text.replace('!', ''), status: text.startsWith('!') ? ('False' as const) : ('True' as const), reason: 'R', message: 'm', lastTransitionTime: '2025-01-01T00:00:00Z' }))
  return { ...crd, status: { acceptedNames: crd.spec.names, conditions: list, storedVersions: ['v1'] } }
}

/** `Type=Status Reason: message`, of each condition. */
export function conditionsOf({ status }: CustomResourceDefinition): string[] {
  return (status?.conditions ?? []).map((c) => `${c.type}=${c.status} ${c.reason}: ${c.message}`)
}
