/** The protobuf form of answers and bodies: objects in a runtime.Unknown envelope, watch events in length-delimited frames. */
import { WireType } from '@bufbuild/protobuf/wire'
import { decodeMessage, encodeMessage, unwrapUnknown, wrapUnknown, written } from '../apimachinery/protobuf.ts'
import { notAcceptable } from '../errors.ts'
import { parseApiVersion } from '../registry/scheme.ts'
import { typeNameFor } from '../../schemas/facts.ts'

interface Typed {
  kind: string
  /** Missing in the core group's discovery documents. */
  apiVersion?: string
}

/** @throws StatusError 406 for kinds that have no protobuf form (tables, custom resources) */
function typeNameOf({ kind, apiVersion = 'v1' }: Typed): string {
  const { group, version } = parseApiVersion(apiVersion)
  const typeName = typeNameFor(group, version, kind)
  if (!typeName || kind === 'Table') throw notAcceptable(['application/json', 'application/yaml'])
  return typeName
}

/** The bare message, which lists and envelopes are made of. */
export function encodeRaw(object: object): Buffer {
  return encodeMessage(typeNameOf(object as Typed), object)
}

export function encodeProtobuf(object: object): Buffer {
  const { kind, apiVersion = '' } = object as Typed
  return wrapUnknown({ kind, apiVersion, raw: encodeRaw(object) })
}

/** A list of messages that are already encoded. */
export function encodeProtobufList(list: Typed & { metadata: object }, items: readonly Uint8Array[]): Buffer {
  const head = encodeMessage(typeNameOf(list), { metadata: list.metadata, items: [] })
  const raw = written((writer) => {
    writer.raw(head)
    for (const item of items) writer.tag(2, WireType.LengthDelimited).bytes(item)
  })
  return wrapUnknown({ kind: list.kind, apiVersion: list.apiVersion ?? '', raw })
}

/** What begins each frame of a watch: how long it is. */
export const LENGTH_BYTES = 4
const NO_LENGTH = new Uint8Array(LENGTH_BYTES)

/** `raw`: the object's message, where it is at hand. */
export function encodeProtobufWatchEvent(type: string, object: object, raw = encodeRaw(object)): Buffer {
  const { kind, apiVersion = '' } = object as Typed
  const envelope = wrapUnknown({ kind, apiVersion, raw })
  const frame = written((writer) => {
    writer.raw(NO_LENGTH).tag(1, WireType.LengthDelimited).string(type)
    writer.tag(2, WireType.LengthDelimited).fork().tag(1, WireType.LengthDelimited).bytes(envelope).join()
  })
  frame.writeUInt32BE(frame.length - LENGTH_BYTES)
  return frame
}

/** The JSON form of a body, with kind and apiVersion. @throws ParseError */
export function decodeProtobuf(bytes: Buffer, expected: Required<Typed>): object {
  const { apiVersion, kind, raw } = unwrapUnknown(bytes)
  const type = { kind: kind || expected.kind, apiVersion: apiVersion || expected.apiVersion }
  const { group, version } = parseApiVersion(type.apiVersion)
  const typeName = typeNameFor(group, version, type.kind)
  return typeName ? { ...type, ...decodeMessage(typeName, raw) } : type
}
