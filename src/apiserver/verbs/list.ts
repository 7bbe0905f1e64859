/** Lists: selection, pages and versions. Models the list half of k8s.io/apiserver/pkg/storage (etcd3/store.go, cacher). */
import { fieldSelectorFromSet, type FieldSelector } from '../../apimachinery/fields.ts'
import { everything } from '../../apimachinery/labels.ts'
import { badRequest, expired, StatusError, tooManyRequests, type Status } from '../../errors.ts'
import { UnreadableVersion } from '../../registry/custom-resource-schema.ts'
import type { KindDefinition, KubeObject } from '../../registry/kind.ts'
import { whenReadable } from '../../registry/prepared-read.ts'
import { storeKey, type ServedKind } from '../../registry/scheme.ts'
import { isStorageError } from '../../storage/errors.ts'
import type { Entry } from '../../storage/entry.ts'
import type { Api } from '../api.ts'
import { decodeContinue, encodeContinue } from '../continue-token.ts'
import { matcher, parseRevision, type ListOptions, type Selection } from '../list-options.ts'

export interface ListQuery extends Partial<Omit<ListOptions, 'labels' | 'fields'>>, Selection {
  /** '' for all namespaces and for cluster-scoped kinds */
  namespace: string
  /** Only the object of this name (a watch or list of one). */
  name?: string
  /** The revision that is read where the client leaves it open. */
  at?: number
}

export interface ListResult {
  entries: readonly Entry<KubeObject>[]
  revision: number
  continue?: string
  remainingItemCount?: number
}

/** @throws StatusError 400 (tokens, versions), 410 (too old), 504 (too new) */
export function listObjects(api: Api, kind: ServedKind, query: ListQuery): ListResult {
  const prefix = listPrefix(kind, query)
  const { revision = query.at, startKey } = position({ api, kind, prefix }, query)
  const matches = matcher(kind, query)
  const limit = limitOf(kind, query)
  try {
    if (!prefix.endsWith('/')) return listOne(api, prefix, { revision, matches })
    const source = api.store.list(prefix, { ...(revision === undefined ? {} : { revision }), ...(startKey === undefined ? {} : { startKey }), ...(matches || limit === Infinity ? {} : { limit }) })
    if (limit === Infinity) return { entries: select(source.entries, matches), revision: source.revision }
    return page(source, { prefix, matches, limit })
  } catch (error) {
    if (isStorageError(error, 'COMPACTED')) throw query.continue ? inconsistentContinue(api, prefix, query) : expired('The resourceVersion for the provided list is too old.')
    throw error
  }
}

/**
 * Lists once that can be done: selectors look at objects as they are shown, and a webhook may make them so. Meanwhile others
 * come that nobody has converted, so the list is of the revision that was looked at.
 */
export function whenListable<T>(api: Api, kind: ServedKind, query: ListQuery, act: (query: ListQuery) => T | Promise<T>): T | Promise<T> {
  if (!kind.definition.stored?.isPrepared || !matcher(kind, query)) return act(query)
  const { entries, revision } = listObjects(api, kind, { ...query, labels: everything, fields: placeOf(query), limit: 0 })
  return whenReadable(kind, entries, () => act({ ...query, at: revision }))
}

/** When objects of a kind were first found not to be readable; a definition that changes makes another kind. */
const unreadableSince = new WeakMap<ServedKind, number>()

/** The longer a cache is down, the later others are asked back. Models calculateRetryAfterForUnreadyCache of upstream's cacher. */
const retryAfterSeconds = (downMs: number): number => Math.trunc(Math.min(Math.exp((0.06 * downMs) / 1000), 30))

/** What a list that met `error` answers: upstream reads pages from its store, and all else from a cache, which for objects that cannot be read is never filled. */
export function listError(error: unknown, served: ServedKind, { limit, labels, fields }: ListQuery, nowMs: number): unknown {
  const isPage = limit && labels.isEmpty && fields.isEmpty
  if (isPage || !(error instanceof UnreadableVersion)) return error
  const since = unreadableSince.get(served) ?? nowMs
  unreadableSince.set(served, since)
  return tooManyRequests(`storage is (re)initializing: failed to list ${served.apiVersion}, Kind=${served.kind}: ${error.message}`, retryAfterSeconds(nowMs - since))
}

/** Of a selector only what says where to look: no webhook changes that. */
function placeOf({ fields }: ListQuery): FieldSelector {
  const names = ['metadata.namespace', 'metadata.name'].map((name) => [name, fields.requiresExactMatch(name)] as const)
  return fieldSelectorFromSet(Object.fromEntries(names.flatMap(([name, value]) => (value ? [[name, value]] : []))))
}

/** A selector that names one object needs no scan. */
function listOne(api: Api, key: string, { revision, matches }: { revision: number | undefined; matches: ((object: KubeObject) => boolean) | undefined }): ListResult {
  const snapshot = api.store.snapshot(revision)
  const entry = snapshot.get(key)
  return { entries: entry && (!matches || matches(entry.value)) ? [entry] : [], revision: snapshot.revision }
}

/** Where in the store a query looks: a kind, a namespace or one object. */
export function listPrefix(kind: ServedKind, { namespace, name, fields }: ListQuery): string {
  const within = kind.namespaced ? namespace || fields.requiresExactMatch('metadata.namespace') || '' : ''
  const only = name ?? fields.requiresExactMatch('metadata.name')
  if (only && (within || !kind.namespaced)) return storeKey(kind, within, only)
  return within ? `${kind.prefix}${within}/` : kind.prefix
}

function select(entries: readonly Entry<KubeObject>[], matches: ((object: KubeObject) => boolean) | undefined): readonly Entry<KubeObject>[] {
  return matches ? entries.filter((entry) => matches(entry.value)) : entries
}

interface Page {
  prefix: string
  matches: ((object: KubeObject) => boolean) | undefined
  limit: number
}

function page(source: { entries: readonly Entry<KubeObject>[]; revision: number; remaining: number }, { prefix, matches, limit }: Page): ListResult {
  const { revision } = source
  const { entries, isCut } = matches ? selectUpTo(source.entries, matches, limit) : { entries: source.entries.slice(0, limit), isCut: source.remaining > 0 }
  const last = entries.at(-1)
  if (!isCut || !last) return { entries, revision }
  const token = encodeContinue({ revision, start: `${last.key.slice(prefix.length)}\0` })
  return { entries, revision, continue: token, ...(matches ? {} : { remainingItemCount: source.remaining }) }
}

/** As many as fit on a page; `isCut` when there is anything behind them, whether it matches or not: nobody looks that far. */
function selectUpTo(all: readonly Entry<KubeObject>[], matches: (object: KubeObject) => boolean, limit: number): { entries: Entry<KubeObject>[]; isCut: boolean } {
  const entries: Entry<KubeObject>[] = []
  for (const [i, entry] of all.entries()) {
    if (!matches(entry.value)) continue
    entries.push(entry)
    if (entries.length >= limit) return { entries, isCut: i < all.length - 1 }
  }
  return { entries, isCut: false }
}

/** Who takes what a cache has takes all of it. */
function limitOf({ definition }: ServedKind, { limit = 0, resourceVersion }: ListQuery): number {
  return limit > 0 && (resourceVersion !== '0' || definition.isUncached) ? limit : Infinity
}

function position({ api, kind, prefix }: { api: Api; kind: ServedKind; prefix: string }, query: ListQuery): { revision?: number; startKey?: string } {
  if (query.continue) {
    if (query.resourceVersion && query.resourceVersion !== '0') throw badRequest('specifying resource version is not allowed when using continue')
    const token = decodeContinue(query.continue)
    return { ...(token.revision > 0 ? { revision: token.revision } : {}), startKey: prefix + token.start }
  }
  const revision = parseRevision(query.resourceVersion ?? '')
  if (revision > api.store.revision) throw tooLargeRevision(query.resourceVersion ?? '', api.store.revision, kind.definition)
  // An old version without a match rule, and with a limit, means exactly that version.
  const exact = query.resourceVersionMatch === 'Exact' || (!query.resourceVersionMatch && revision > 0 && (query.limit ?? 0) > 0)
  return exact ? { revision } : {}
}

/** 504: the version asked for has not happened here. */
export function tooLargeRevision(wanted: string, current: number, { isUncached }: Pick<KindDefinition, 'isUncached'>): StatusError {
  return new StatusError({
    code: 504,
    reason: 'Timeout',
    message: `Timeout: Too large resource version: ${wanted}, current: ${current}`,
    details: { causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }], ...(isUncached ? {} : { retryAfterSeconds: 1 }) },
  })
}

/** The list a token continues is gone; the answer carries a token that goes on without consistency. */
function inconsistentContinue(api: Api, prefix: string, query: ListQuery): StatusError {
  const { start } = decodeContinue(query.continue ?? '')
  const token = api.store.count(prefix) > 0 ? encodeContinue({ revision: -1, start }) : ''
  return new ContinueExpired(token)
}

class ContinueExpired extends StatusError {
  constructor(readonly token: string) {
    super({
      code: 410,
      reason: 'Expired',
      message:
        'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.',
    })
  }

  override toStatus(): Status {
    return { ...super.toStatus(), metadata: this.token ? { continue: this.token } : {} }
  }
}
