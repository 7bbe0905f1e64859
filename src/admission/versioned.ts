/**
 * The object of a request in the version that a webhook or policy wants, and back. Models VersionedAttributes, Convert and
 * Default of k8s.io/apiserver/pkg/admission/plugin/webhook/generic.
 */
import { cloneJSON } from '../apimachinery/json.ts'
import { expectedFor } from '../apiserver/meta-kinds.ts'
import { internalError } from '../errors.ts'
import type { KubeObject } from '../registry/kind.ts'
import { fromStorage, toStorage, type ServedKind } from '../registry/scheme.ts'
import type { AdmissionAttributes } from './chain.ts'

/** What conversion webhooks have made of objects of requests, until those are changed. */
const converted = new WeakMap<KubeObject, Map<ServedKind, KubeObject>>()

/** To be awaited before `versioned`, for kinds that a webhook converts. @throws StatusError 500 when it cannot */
export async function prepareVersioned({ object, oldObject, objectKind, kind: own }: AdmissionAttributes, kind: ServedKind): Promise<void> {
  if (objectKind || kind === own || !kind.definition.stored?.isPrepared) return
  for (const given of [object, oldObject]) {
    if (!given || converted.get(given)?.has(kind)) continue
    const known = converted.get(given) ?? new Map<ServedKind, KubeObject>()
    converted.set(given, known.set(kind, await convert(given, own, kind)))
  }
}

/** An object of the request as `kind` shows it, in canonical form. */
export function versioned(object: KubeObject, { objectKind, kind: own }: AdmissionAttributes, kind: ServedKind): KubeObject {
  if (objectKind) return expectedFor(objectKind).codec.normalize(object)
  if (kind === own) return kind.codec.normalize(object)
  return kind.codec.normalize(converted.get(object)?.get(kind) ?? fromStorage(kind, asStored(object, own)))
}

/**
 * Puts what was made of an object in its place, by way of the version that was changed.
 * @param changed decoded, in the version of `kind`
 * @throws StatusError 500 when a webhook cannot convert it
 */
export async function replaceVersioned(object: KubeObject, changed: KubeObject, { attributes, kind }: { attributes: AdmissionAttributes; kind: ServedKind }): Promise<void> {
  const { objectKind } = attributes
  if (!objectKind) kind.definition.default?.(changed)
  const own = objectKind || kind === attributes.kind ? changed : await convert(changed, kind, attributes.kind)
  const members = object as unknown as Record<string, unknown>
  for (const key of Object.keys(members)) delete members[key]
  Object.assign(members, cloneJSON(own))
  converted.delete(object)
}

async function convert(object: KubeObject, from: ServedKind, to: ServedKind): Promise<KubeObject> {
  const stored = asStored(object, from)
  try {
    await to.definition.stored?.prepareRead?.([stored])
  } catch (error) {
    throw internalError(error instanceof Error ? error.message : String(error), error)
  }
  return fromStorage(to, stored)
}

/** Another object each time: what is shown of a stored one is remembered, but this one may change. */
function asStored(object: KubeObject, kind: ServedKind): KubeObject {
  return { ...toStorage(kind, object) }
}
