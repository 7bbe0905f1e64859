/**
 * Former templates of StatefulSets and DaemonSets, kept as ControllerRevisions. Models
 * k8s.io/kubernetes/pkg/controller/history.
 */
import type { ControllerRevision } from '../../schemas/types.ts'
import type { Selector } from '../apimachinery/labels.ts'
import { isStatusError } from '../errors.ts'
import type { KubeObject } from '../registry/kind.ts'
import type { ControllerContext } from './controller.ts'
import { semanticEqual } from './equal.ts'
import { controllerOf, controllerRef } from './owners.ts'
import { ownedAndOrphans } from './pod-index.ts'
import { canonicalText, fnv32, safeEncode } from './template-hash.ts'

export const REVISION_KIND = 'apps/v1/ControllerRevision'

/**
 * What a revision holds of its owner: the pod template, to be put in place of the present one. Its members are in the order
 * of their names, for upstream and its clients compare revisions byte for byte.
 */
export function templateData(template: object = NO_TEMPLATE): unknown {
  let data = dataOf.get(template)
  if (!data) dataOf.set(template, (data = inOrder({ spec: { template: { ...template, $patch: 'replace' } } }) as object))
  return data
}

const NO_TEMPLATE = {}
/** A template is the same object until it is changed, and asked for at every reconcile. */
const dataOf = new WeakMap<object, object>()

function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, v]) => [key, inOrder(v)]))
}

/** The pod template in a revision's data. */
export function templateIn(revision: ControllerRevision): object | undefined {
  const template = member(member(revision.data, 'spec'), 'template')
  if (typeof template !== 'object' || template === null) return undefined
  const { $patch: _, ...rest } = template as Record<string, unknown>
  return rest
}

function member(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined
}

/** The same as upstream's: over the data as Go writes it. */
export function revisionHash(data: unknown, collisionCount?: number): string {
  return safeEncode(String(fnv32(goText(data) + (collisionCount ?? ''))))
}

const textOf = new WeakMap<object, string>()

function goText(data: unknown): string {
  if (typeof data !== 'object' || data === null) return goJSON(data)
  let text = textOf.get(data)
  if (text === undefined) textOf.set(data, (text = goJSON(data)))
  return text
}

/** Go escapes what could end a script in a page. */
function goJSON(data: unknown): string {
  return canonicalText(data).replace(/[<>&\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

export function revisionName(owner: string, hash: string): string {
  return `${owner.slice(0, 223)}-${hash}`
}

/** Oldest first. */
export function sortRevisions(revisions: readonly ControllerRevision[]): ControllerRevision[] {
  return [...revisions].sort((a, b) => (a.revision ?? 0) - (b.revision ?? 0) || compare(a.metadata.creationTimestamp, b.metadata.creationTimestamp) || compare(a.metadata.name, b.metadata.name))
}

function compare(a = '', b = ''): number {
  return a < b ? -1 : a > b ? 1 : 0
}

export function sameRevision(a: ControllerRevision, b: ControllerRevision): boolean {
  return semanticEqual(a.data, b.data)
}

/** The owner's revisions and the orphans that its selector matches. Needs `indexOrphans(ctx, REVISION_KIND)`. */
export function revisionsOf(ctx: ControllerContext, owner: KubeObject, selector: Selector): ControllerRevision[] {
  return ownedAndOrphans<ControllerRevision>(ctx, owner, REVISION_KIND).filter((r) => selector.matches(r.metadata.labels))
}

/** Takes the orphans among the revisions in hand. @param kind the owner's */
export async function adoptRevisions(ctx: ControllerContext, owner: KubeObject, { kind, revisions }: { kind: string; revisions: readonly ControllerRevision[] }): Promise<ControllerRevision[]> {
  const out: ControllerRevision[] = []
  for (const revision of revisions) {
    if (controllerOf(revision)) out.push(revision)
    else if (!owner.metadata.deletionTimestamp) {
      const { namespace = '', name = '', uid } = revision.metadata
      out.push(await ctx.client.patch<ControllerRevision>(REVISION_KIND, { namespace, name }, { metadata: { uid, ownerReferences: [controllerRef(owner, kind)] } }, { type: 'strategic' }))
    }
  }
  return out
}

export interface NewRevision {
  /** The owner's kind. */
  kind: string
  data: unknown
  revision: number
  labels: Record<string, string>
  annotations: Record<string, string> | undefined
  collisionCount: number | undefined
}

export function newRevision(owner: KubeObject, r: NewRevision & { hashLabel: string }): ControllerRevision {
  const hash = revisionHash(r.data, r.collisionCount)
  const { name = '', namespace } = owner.metadata
  return {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: {
      name: revisionName(name, hash),
      namespace,
      labels: { ...r.labels, [r.hashLabel]: hash },
      ...(r.annotations && Object.keys(r.annotations).length > 0 ? { annotations: r.annotations } : {}),
      ownerReferences: [controllerRef(owner, r.kind)],
    },
    data: r.data,
    revision: r.revision,
  }
}

/** Creates the revision; when its name is taken by one with other data, answers the taken one to be told by `sameRevision`. */
export async function createRevision(ctx: ControllerContext, revision: ControllerRevision): Promise<ControllerRevision> {
  try {
    return await ctx.client.create(revision)
  } catch (error) {
    if (!isStatusError(error, 'AlreadyExists')) throw error
    return ctx.client.get<ControllerRevision>(REVISION_KIND, { namespace: revision.metadata.namespace ?? '', name: revision.metadata.name ?? '' })
  }
}

export async function renumberRevision(ctx: ControllerContext, revision: ControllerRevision, number: number): Promise<ControllerRevision> {
  return revision.revision === number ? revision : ctx.client.update<ControllerRevision>({ ...revision, revision: number })
}
