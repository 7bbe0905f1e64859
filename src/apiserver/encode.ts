/**
 * Objects as bytes of an answer. What can be made of stored bytes is not encoded again: a list is its items' bytes
 * between a head and a tail, a watch event its object's bytes between two words.
 */
import { stringify } from 'yaml'
import { sortedJSON } from '../apimachinery/sorted-json.ts'
import { wrapUnknown } from '../apimachinery/protobuf.ts'
import { StatusError } from '../errors.ts'
import type { KubeObject } from '../registry/kind.ts'
import type { ObjectEntry } from '../registry/resource-storage.ts'
import { fromStorage, type ServedKind } from '../registry/scheme.ts'
import { internalGroup } from './body.ts'
import type { Accepted, Encoding } from './negotiate.ts'
import { MEDIA_TYPES } from './negotiate.ts'
import { partialMetadata } from './partial-metadata.ts'
import { toTable, type IncludeObject, type Printed, type Table } from './table.ts'
import type { WatchEncoder } from './verbs/watch.ts'
import type { WatchEventType } from './verbs/watch-share.ts'
import { encodeProtobuf, encodeProtobufList, encodeProtobufWatchEvent, encodeRaw } from './protobuf.ts'

export interface EncodeOptions {
  accepted: Accepted
  include: IncludeObject
  nowMs: number
}

export interface ListHead {
  /** Of the store; what is worked out when somebody asks has none. */
  revision?: number
  continue?: string
  remainingItemCount?: number
}

/** The object of an entry as a version shows it. */
export function viewOf(kind: ServedKind, entry: ObjectEntry): KubeObject {
  return fromStorage(kind, entry.value)
}

/** The content type of an answer, with the conversion it carries. */
export function contentTypeOf({ encoding, as }: Accepted): string {
  const conversion = as?.kind === 'APIGroupDiscoveryList' ? `;g=${as.group};v=${as.version};as=${as.kind}` : ''
  return MEDIA_TYPES[encoding] + conversion
}

/** The JSON of an object in the version asked for; the stored bytes themselves where nothing is converted. */
export function jsonBytes(kind: ServedKind, entry: ObjectEntry): Buffer {
  if (kind.definition.stored) return bytesOfView(viewOf(kind, entry), entry)
  if (kind === kind.storage) return entry.bytes
  return encodedOnce(entry, `json ${kind.ref}`, () => Buffer.from(JSON.stringify(viewOf(kind, entry))))
}

const viewBytes = new WeakMap<KubeObject, Buffer>()

/** Views live as long as the entry and their kind, and so do their bytes. */
function bytesOfView(view: KubeObject, entry: ObjectEntry): Buffer {
  if (view === entry.value) return entry.bytes
  let bytes = viewBytes.get(view)
  if (!bytes) viewBytes.set(view, (bytes = Buffer.from(JSON.stringify(view))))
  return bytes
}

function encodedOnce(entry: ObjectEntry, key: string, make: () => Buffer): Buffer {
  let bytes = entry.encodings.get(key)
  if (!bytes) entry.encodings.set(key, (bytes = make()))
  return bytes
}

/** The bare protobuf message of an object. */
function rawProtobuf(kind: ServedKind, entry: ObjectEntry): Buffer {
  return encodedOnce(entry, `protobuf ${kind.ref}`, () => encodeRaw(viewOf(kind, entry)))
}

export function encodeObject(kind: ServedKind, entry: ObjectEntry, options: EncodeOptions): Buffer {
  const { encoding, pretty, as } = options.accepted
  if (!as && encoding === 'json' && !pretty) return Buffer.concat([jsonBytes(kind, entry), LINE_END])
  if (!as && encoding === 'protobuf') return wrapUnknown({ kind: kind.kind, apiVersion: kind.apiVersion, raw: rawProtobuf(kind, entry) })
  if (as?.kind === 'PartialObjectMetadataList') throw notAcceptableForm(`you requested PartialObjectMetadataList, but the requested object is not a list (*${goType(kind)})`)
  return encodeAs(kind, viewOf(kind, entry), options)
}

/** An object in the form asked for, made anew. */
export function encodeAs(kind: Printed, object: KubeObject, options: EncodeOptions): Buffer {
  const { as } = options.accepted
  if (as?.kind === 'Table') return encodeValue(table(kind, [object], options, { metadata: { resourceVersion: object.metadata.resourceVersion }, isList: false }), options.accepted)
  if (as) return encodeValue(partialMetadata(object, `${as.group}/${as.version}`, kind.definition.hiddenAnnotations), options.accepted)
  return encodeValue(object, options.accepted)
}

const notAcceptableForm = (message: string): StatusError => new StatusError({ code: 406, reason: 'NotAcceptable', message })

/** What upstream's Go calls the type that it handles objects of the kind in. */
function goType({ group, kind, definition }: ServedKind): string {
  return definition.itemsKeepType ? 'unstructured.Unstructured' : `${internalGroup({ group: definition.storedAs?.group ?? group })}.${kind}`
}

function table(kind: Printed, objects: readonly KubeObject[], { accepted, include, nowMs }: EncodeOptions, own: { metadata: Table['metadata']; isList: boolean; headers?: boolean }): Table {
  return toTable(kind, objects, { include, nowMs, apiVersion: `${accepted.as?.group}/${accepted.as?.version}`, headers: true, ...own })
}

/** Any value that is made for one answer (Status, discovery, tables, reviews). */
export function encodeValue(value: object, { encoding, pretty }: { encoding: Encoding; pretty: boolean }): Buffer {
  if (encoding === 'yaml') return Buffer.from(stringify(value, { aliasDuplicateObjects: false, sortMapEntries: true, version: '1.1', lineWidth: 0, indentSeq: false }))
  if (encoding === 'protobuf') return encodeProtobuf(value)
  return Buffer.from(pretty ? JSON.stringify(value, null, 2) : `${JSON.stringify(value)}\n`)
}

const COMMA = Buffer.from(',')
const BRACE = Buffer.from('{')
const LINE_END = Buffer.from('\n')
const LIST_END = Buffer.from(']}\n')

/** A list in pieces, so that the items' bytes are sent as they are. */
export function encodeList(kind: ServedKind, entries: readonly ObjectEntry[], head: ListHead, options: EncodeOptions): Buffer[] {
  const { encoding, pretty, as } = options.accepted
  const metadata = {
    ...(head.revision === undefined ? {} : { resourceVersion: String(head.revision) }),
    ...(head.continue ? { continue: head.continue } : {}),
    ...(head.remainingItemCount === undefined ? {} : { remainingItemCount: head.remainingItemCount }),
  }
  if (!as && kind.definition.itemsKeepType) return customList(kind, entries, metadata, options)
  if (as?.kind === 'Table') return [encodeValue(table(kind, entries.map((e) => viewOf(kind, e)), options, { metadata, isList: true }), options.accepted)]
  if (as?.kind === 'PartialObjectMetadata') throw notAcceptableForm(`you requested PartialObjectMetadata, but the requested object is a list (*${goType(kind)}List)`)
  if (as) {
    const apiVersion = `${as.group}/${as.version}`
    return [encodeValue({ kind: 'PartialObjectMetadataList', apiVersion, metadata, items: entries.map((e) => partialMetadata(viewOf(kind, e), apiVersion, kind.definition.hiddenAnnotations)) }, options.accepted)]
  }
  if (encoding === 'json' && !pretty) return jsonList(kind, entries, metadata)
  if (encoding === 'protobuf') return [encodeProtobufList({ ...listType(kind), metadata }, entries.map((e) => rawProtobuf(kind, e)))]
  return [encodeValue({ ...listType(kind), metadata, items: entries.map((e) => itemOf(kind, viewOf(kind, e))) }, options.accepted)]
}

const listType = (kind: ServedKind) => ({ kind: kind.definition.listKind ?? `${kind.kind}List`, apiVersion: kind.apiVersion })

function jsonList(kind: ServedKind, entries: readonly ObjectEntry[], metadata: object): Buffer[] {
  const { kind: listKind, apiVersion } = listType(kind)
  const pieces: Buffer[] = [Buffer.from(`{"kind":${JSON.stringify(listKind)},"apiVersion":${JSON.stringify(apiVersion)},"metadata":${JSON.stringify(metadata)},"items":[`)]
  const prefix = Buffer.from(`{"kind":${JSON.stringify(kind.kind)},"apiVersion":${JSON.stringify(apiVersion)},`)
  entries.forEach((entry, i) => {
    if (i > 0) pieces.push(COMMA)
    const bytes = jsonBytes(kind, entry)
    if (bytes.length > prefix.length && bytes.subarray(0, prefix.length).equals(prefix)) pieces.push(BRACE, bytes.subarray(prefix.length))
    else pieces.push(Buffer.from(JSON.stringify(itemOf(kind, viewOf(kind, entry)))))
  })
  pieces.push(LIST_END)
  return pieces
}

/** Items of built-in lists do not repeat their type. */
function itemOf(kind: ServedKind, object: KubeObject): object {
  const { kind: _kind, apiVersion: _apiVersion, ...item } = object
  return item
}

/** Lists of custom resources have their members in order, items with their types, and always say where they continue. */
function customList(kind: ServedKind, entries: readonly ObjectEntry[], head: object, { accepted }: EncodeOptions): Buffer[] {
  const { kind: listKind, apiVersion } = listType(kind)
  const metadata = sortedJSON({ continue: '', ...head })
  if (accepted.encoding !== 'json' || accepted.pretty) {
    return [encodeValue({ apiVersion, items: entries.map((e) => viewOf(kind, e)), kind: listKind, metadata }, accepted)]
  }
  const pieces: Buffer[] = [Buffer.from(`{"apiVersion":${JSON.stringify(apiVersion)},"items":[`)]
  entries.forEach((entry, i) => {
    if (i > 0) pieces.push(COMMA)
    pieces.push(jsonBytes(kind, entry))
  })
  pieces.push(Buffer.from(`],"kind":${JSON.stringify(listKind)},"metadata":${JSON.stringify(metadata)}}\n`))
  return pieces
}

const AFTER = Buffer.from('}\n')
const BEFORE: Readonly<Record<string, Buffer>> = Object.fromEntries(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR'].map((type) => [type, Buffer.from(`{"type":"${type}","object":`)]))

function jsonFrame(type: string, object: Buffer): Buffer {
  return Buffer.concat([BEFORE[type] ?? Buffer.alloc(0), object, AFTER])
}

/** The frames of a watch in the form asked for. */
export function watchEncoder(kind: ServedKind, options: EncodeOptions & { nowMs: never | number }, now: () => number): WatchEncoder {
  const { accepted } = options
  const { encoding, as } = accepted
  const apiVersion = as ? `${as.group}/${as.version}` : kind.apiVersion
  const frame = encoding === 'protobuf' ? encodeProtobufWatchEvent : (type: string, object: object) => jsonFrame(type, Buffer.from(JSON.stringify(object)))
  let headersSent = false
  const rows = (objects: KubeObject[], metadata: Table['metadata']) => {
    const value = table(kind, objects, { ...options, nowMs: now() }, { metadata, isList: false, headers: !headersSent })
    headersSent = true
    return objects.length > 0 ? value : { ...value, rows: [] }
  }
  return {
    // Tables differ from stream to stream: only the first event of each carries the headers.
    key: as?.kind === 'Table' ? undefined : `${encoding} ${as?.kind ?? ''} ${apiVersion}`,
    event(type: WatchEventType, entry: ObjectEntry) {
      if (!as && encoding === 'json') return jsonFrame(type, jsonBytes(kind, entry))
      const object = viewOf(kind, entry)
      if (!as && encoding === 'protobuf') return encodeProtobufWatchEvent(type, object, rawProtobuf(kind, entry))
      if (as?.kind === 'Table') return frame(type, rows([object], { resourceVersion: object.metadata.resourceVersion }))
      return frame(type, as ? partialMetadata(object, apiVersion, kind.definition.hiddenAnnotations) : object)
    },
    bookmark(revision, initialEventsEnd) {
      const metadata = { resourceVersion: String(revision), ...(initialEventsEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {}) }
      if (as && as.kind !== 'Table') return frame('BOOKMARK', { kind: 'PartialObjectMetadata', apiVersion, metadata })
      const object = kind.codec.normalize<KubeObject>({ kind: kind.kind, apiVersion: kind.apiVersion, metadata })
      kind.definition.fillBookmark?.(object)
      return frame('BOOKMARK', as ? rows([object], { resourceVersion: metadata.resourceVersion }) : object)
    },
    error: (error: StatusError) => frame('ERROR', error.toStatus()),
  }
}
