/**
 * The scale subresource: an autoscaling/v1 Scale read from and written into its parent. Models the ScaleREST of
 * k8s.io/kubernetes/pkg/registry/apps and of custom resources.
 */
import { cloneJSON, isRecord } from '../../apimachinery/json.ts'
import { formatLabelSelector } from '../../apimachinery/labels.ts'
import { badRequest, field, internalError, invalid } from '../../errors.ts'
import { isScaleSubresource, type KubeObject, type ScaleSubresource } from '../../registry/kind.ts'
import type { RequestContext } from '../../registry/request-context.ts'
import type { ServedKind } from '../../registry/scheme.ts'
import type { Scale } from '../../../schemas/types.ts'
import { decodeBody } from '../body.ts'
import { viewOf } from '../encode.ts'
import type { Call } from '../handlers.ts'
import { expectedFor } from '../meta-kinds.ts'
import { patchedObject, type Patch } from '../verbs/patch.ts'
import { writeObject } from '../verbs/update.ts'

const SCALE = { group: 'autoscaling', version: 'v1', kind: 'Scale' }

function pathsOf(kind: ServedKind): ScaleSubresource {
  const scale = kind.definition.subresources?.scale
  if (!isScaleSubresource(scale)) throw new Error(`${kind.ref} has no scale`)
  return scale
}

/** @throws StatusError 500 when a custom resource has no number of replicas */
export function readScale(kind: ServedKind, object: KubeObject): Scale {
  const paths = pathsOf(kind)
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata
  const replicas = valueAt(object, paths.specReplicasPath)
  if (replicas === undefined && kind.definition.itemsKeepType) throw internalError(`the spec replicas field ${JSON.stringify(paths.specReplicasPath)} does not exist`)
  const selector = paths.labelSelectorPath ? selectorText(valueAt(object, paths.labelSelectorPath)) : ''
  const wanted = Number(replicas ?? 0)
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, ...(namespace ? { namespace } : {}), uid, resourceVersion, creationTimestamp },
    spec: wanted ? { replicas: wanted } : {},
    status: { replicas: Number(valueAt(object, paths.statusReplicasPath) ?? 0), ...(selector ? { selector } : {}) },
  }
}

/** Replaces or patches the scale and answers the new one. */
export async function writeScale(call: Call, ctx: RequestContext, patch: Patch | undefined): Promise<Scale> {
  const { api, kind, info, request } = call
  const expected = expectedFor(SCALE)
  const sent = patch ? undefined : (decodeBody(api.scheme, expected, request, ctx) as Scale)
  const { entry } = await writeObject(api, { kind, name: info.name, subresource: 'scale' }, ctx, {
    transform(live) {
      if (!live) throw internalError('a scale without its object')
      const scale = sent ?? (patchedObject(expected, readScale(kind, live), patch as Patch, ctx) as Scale)
      check(scale, info.name)
      const object = cloneJSON(live)
      object.metadata.resourceVersion = scale.metadata.resourceVersion
      setAt(object, pathsOf(kind).specReplicasPath, scale.spec?.replicas ?? 0)
      return object
    },
    ...(sent?.metadata.uid ? { uid: sent.metadata.uid } : {}),
  })
  return readScale(kind, viewOf(kind, entry))
}

function check(scale: Scale, name: string): void {
  if (scale.metadata.name && scale.metadata.name !== name) throw badRequest(`the name of the object (${scale.metadata.name}) does not match the name on the URL (${name})`)
  const replicas = scale.spec?.replicas ?? 0
  if (replicas < 0) throw invalid(SCALE, name, [field.invalid('spec.replicas', replicas, 'must be greater than or equal to 0')])
}

/** A selector is a LabelSelector, a map of labels, or already text. */
function selectorText(value: unknown): string {
  if (typeof value === 'string') return value
  if (!isRecord(value)) return ''
  const isSelector = 'matchLabels' in value || 'matchExpressions' in value
  return formatLabelSelector(isSelector ? value : { matchLabels: value as Record<string, string> })
}

/** @param path `.spec.replicas` */
function valueAt(object: unknown, path: string): unknown {
  return steps(path).reduce((at, step) => (isRecord(at) ? at[step] : undefined), object)
}

function setAt(object: unknown, path: string, value: unknown): void {
  const names = steps(path)
  const last = names.pop() ?? ''
  let at = object as Record<string, unknown>
  for (const step of names) {
    const next = at[step]
    at = isRecord(next) ? next : (at[step] = {})
  }
  at[last] = value
}

function steps(path: string): string[] {
  return path.split('.').filter((step) => step !== '')
}
