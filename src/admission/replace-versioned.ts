/** Puts what a webhook or policy made of an object in its place, by way of the version that was changed. Models Convert and Default in k8s.io/apiserver/pkg/admission/plugin. */
import { cloneJSON } from '../apimachinery/json.ts'
import type { KubeObject } from '../registry/kind.ts'
import { fromStorage, toStorage, type ServedKind } from '../registry/scheme.ts'
import type { AdmissionAttributes } from './chain.ts'

/** @param changed decoded, in the version of `kind` */
export function replaceVersioned(object: KubeObject, changed: KubeObject, { attributes, kind }: { attributes: AdmissionAttributes; kind: ServedKind }): void {
  const { objectKind } = attributes
  if (!objectKind) kind.definition.default?.(changed)
  const own = objectKind || kind === attributes.kind ? changed : fromStorage(attributes.kind, toStorage(kind, changed))
  const members = object as unknown as Record<string, unknown>
  for (const key of Object.keys(members)) delete members[key]
  Object.assign(members, cloneJSON(own))
}
