/**
 * The scale subresource: an autoscaling/v1 Scale read from and written into its parent. Models the ScaleREST of
 * k8s.io/kubernetes/pkg/registry/apps and of custom resources.
 */
import { managersOfParent, managersOfScale } from '../../apimachinery/managed-fields-scale.ts'
import { updateManagedFields } from '../../apimachinery/managed-fields.ts'
import { serverSideApply } from '../../apimachinery/server-side-apply.ts'
import { cloneJSON, isRecord } from '../../apimachinery/json.ts'
import { formatLabelSelector } from '../../apimachinery/labels.ts'
import { badRequest, conflict, field, internalError, invalid, notFound, quote } from '../../errors.ts'
import { isScaleSubresource, type Column, type KubeObject, type ScaleSubresource } from '../../registry/kind.ts'
import type { RequestContext } from '../../registry/request-context.ts'
import type { ServedKind } from '../../registry/scheme.ts'
import type { Scale } from '../../../schemas/types.ts'
import type { Api } from '../api.ts'
import { decodeBody } from '../body.ts'
import { encodeAs, viewOf, type EncodeOptions } from '../encode.ts'
import type { Call } from '../handlers.ts'
import { replicasPaths } from '../field-manager.ts'
import { expectedFor } from '../meta-kinds.ts'
import { parseApplied, patchedObject, type Patch } from '../verbs/patch.ts'
import { checkName, writeObject } from '../verbs/update.ts'

const SCALE = { group: 'autoscaling', version: 'v1', kind: 'Scale' }

function pathsOf(kind: ServedKind): ScaleSubresource {
  const scale = kind.definition.subresources?.scale
  if (!isScaleSubresource(scale)) throw new Error(`${kind.ref} has no scale`)
  return scale
}

/** What built-in kinds show of their scale. */
const COLUMNS: readonly Column<Scale>[] = [
  { name: 'Name', format: '', value: ({ metadata }) => metadata.name ?? '' },
  { name: 'Desired', type: 'integer', value: ({ spec }) => spec?.replicas ?? 0 },
  { name: 'Available', type: 'integer', value: ({ status }) => status?.replicas ?? 0 },
  { name: 'Age', value: ({ metadata }, { age }) => age(metadata.creationTimestamp) },
]

/** What custom resources show of it. */
const CUSTOM_COLUMNS: readonly Column<Scale>[] = [
  { name: 'Name', format: 'name', value: ({ metadata }) => metadata.name ?? '' },
  { name: 'Desired', type: 'integer', value: ({ spec }) => spec?.replicas ?? null },
  { name: 'Available', type: 'integer', value: ({ status }) => status?.replicas ?? null },
  { name: 'Age', type: 'date', value: ({ metadata }, { age }) => age(metadata.creationTimestamp) },
]

const isCustom = (kind: ServedKind): boolean => kind.codec.typeName === undefined
/** Stands for a number of replicas that is not there while the scale is being changed. */
const UNSET = -(2 ** 31)

/** The answer: the scale itself, a table of it or its metadata. */
export function encodeScale(kind: ServedKind, scale: Scale, options: EncodeOptions): Buffer {
  const columns = isCustom(kind) ? CUSTOM_COLUMNS : COLUMNS
  return encodeAs({ definition: { columns: columns as readonly Column<KubeObject>[] } }, scale, options)
}

/**
 * @param unset what to show where a custom resource has no number of replicas
 * @throws StatusError 500 when it has none and nothing to show for it
 */
export function readScale(kind: ServedKind, object: KubeObject, unset?: number): Scale {
  const paths = pathsOf(kind)
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata
  const replicas = valueAt(object, paths.specReplicasPath) ?? unset
  if (replicas === undefined && isCustom(kind)) throw internalError(`the spec replicas field ${JSON.stringify(paths.specReplicasPath)} does not exist`)
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

/** Replaces or patches the scale as a request asks and answers the new one. */
export async function writeScale({ api, kind, info, request }: Call, ctx: RequestContext, patch: Patch | undefined): Promise<Scale> {
  const sent = patch ? undefined : (decodeBody(api.scheme, expectedFor(SCALE), request, ctx) as Scale)
  if (sent) ctx.trail?.requestObject(sent)
  else ctx.trail?.requestPatch(request.body)
  return putScale({ api, kind, name: info.name, ctx, sent, patch })
}

/** The scale is `sent` whole, or patched. */
export interface ScaleWrite {
  api: Api
  kind: ServedKind
  name: string
  ctx: RequestContext
  sent?: Scale
  patch?: Patch
}

export async function putScale(write: ScaleWrite): Promise<Scale> {
  const { api, kind, name, ctx, sent } = write
  const { namespace } = ctx
  if (sent) checkName(kind, sent, { name, namespace })
  const { entry } = await writeObject(api, { kind, name, subresource: 'scale' }, ctx, {
    tracksFields: false,
    uid: sent?.metadata.uid,
    view: { kind: SCALE, of: (object) => readScale(kind, object, 0) as KubeObject },
    async transform(live) {
      if (!live) throw notFound(kind.groupResource, name)
      const { scale, managers } = newScale(write, live)
      const attributes = { operation: 'UPDATE', kind, subresource: 'scale', objectKind: SCALE, namespace, name, ctx } as const
      await api.admission.mutate({ ...attributes, object: scale as KubeObject, oldObject: readScale(kind, live, 0) as KubeObject })
      checkName(kind, scale, { name, namespace })
      check(kind, scale, live)
      const object = cloneJSON(live)
      // Only who names a version minds it.
      if (scale.metadata.resourceVersion) object.metadata.resourceVersion = scale.metadata.resourceVersion
      setAt(object, pathsOf(kind).specReplicasPath, scale.spec?.replicas ?? 0)
      const paths = replicasPaths(api.scheme, kind)
      object.metadata.managedFields = managersOfParent(live.metadata.managedFields, managers, { apiVersion: kind.apiVersion, paths })
      return object
    },
  })
  return readScale(kind, viewOf(kind, entry), 0)
}

type ScaleManagers = KubeObject['metadata']['managedFields']

/** The scale that is wanted, and who manages its replicas then. */
function newScale({ api, kind, ctx, sent, patch }: ScaleWrite, live: KubeObject): { scale: Scale; managers: ScaleManagers } {
  const expected = expectedFor(SCALE)
  const { codec } = expected
  const managedFields = managersOfScale(live.metadata.managedFields, replicasPaths(api.scheme, kind))
  const current = readScale(kind, live, UNSET)
  const before = codec.normalize({ ...current, metadata: { ...current.metadata, managedFields } } as KubeObject)
  const context = { type: codec.mergeType, apiVersion: 'autoscaling/v1', manager: ctx.fieldManager, subresource: 'scale', nowMs: ctx.clock.now() }
  if (patch?.type === 'apply') {
    const merged = serverSideApply({ ...SCALE, live: before, empty: codec.empty, patch: parseApplied(patch.bytes, ctx), force: patch.force, context })
    return { scale: merged.object ? (codec.fromApplied(merged.object).object as Scale) : current, managers: merged.managedFields }
  }
  const scale = sent ?? (patchedObject(expected, current, patch as Patch, { ctx, scheme: api.scheme }) as Scale)
  return { scale, managers: updateManagedFields(before, codec.normalize({ ...scale, metadata: { ...scale.metadata, managedFields } } as KubeObject), context) }
}

function check(kind: ServedKind, { metadata, spec }: Scale, live: KubeObject): void {
  const { name = '', uid } = live.metadata
  const replicas = spec?.replicas ?? 0
  if (isCustom(kind)) {
    // The rest is judged with the object as a whole.
    if (replicas === UNSET) throw badRequest(`the spec replicas field ${quote(pathsOf(kind).specReplicasPath)} cannot be empty`)
  } else if (replicas < 0) throw invalid(SCALE, name, [field.invalid('spec.replicas', replicas, 'must be greater than or equal to 0')])
  if (metadata.uid && metadata.uid !== uid) {
    const why = `Precondition failed: UID in precondition: ${metadata.uid}, UID in object meta: ${uid}`
    throw conflict({ group: kind.group, resource: `${kind.plural}/scale` }, name, why)
  }
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
