/** The protobuf form of answers and bodies: objects in a runtime.Unknown envelope, watch events in length-delimited frames. */
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { decodeMessage, encodeMessage, unwrapUnknown, wrapUnknown } from '../apimachinery/protobuf.ts'
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
export function encodeRaw(object: object): Uint8Array {
  return encodeMessage(typeNameOf(object as Typed), object)
}

export function encodeProtobuf(object: object): Buffer {
  const { kind, apiVersion = '' } = object as Typed
  return wrapUnknown({ kind, apiVersion, raw: encodeRaw(object) })
}

/** A list of messages that are already encoded. */
export function encodeProtobufList(list: Typed & { metadata: object }, items: readonly Uint8Array[]): Buffer {
  const head = encodeMessage(typeNameOf(list), { metadata: list.metadata, items: [] })
  const writer = new BinaryWriter().raw(head)
  for (const item of items) writer.tag(2, WireType.LengthDelimited).bytes(item)
  return wrapUnknown({ kind: list.kind, apiVersion: list.apiVersion ?? '', raw: writer.finish() })
}

/** What begins each frame of a watch: how long it is. */
export const LENGTH_BYTES = 4

/** `raw`: the object's message, where it is at hand. */
export function encodeProtobufWatchEvent(type: string, object: object, raw = encodeRaw(object)): Buffer {
  const { kind, apiVersion = '' } = object as Typed
  const event = new BinaryWriter().tag(1, WireType.LengthDelimited).string(type)
  event.tag(2, WireType.LengthDelimited).fork().tag(1, WireType.LengthDelimited).bytes(wrapUnknown({ kind, apiVersion, raw })).join()
  const message = event.finish()
  const length = Buffer.alloc(LENGTH_BYTES)
  length.writeUInt32BE(message.length)
  return Buffer.concat([length, message])
}

/** The JSON form of a body, with kind and apiVersion. @throws ParseError */
export function decodeProtobuf(bytes: Buffer, expected: Required<Typed>): object {
  const { apiVersion, kind, raw } = unwrapUnknown(bytes)
  const type = { kind: kind || expected.kind, apiVersion: apiVersion || expected.apiVersion }
  const { group, version } = parseApiVersion(type.apiVersion)
  const typeName = typeNameFor(group, version, type.kind)
  return typeName ? { ...type, ...decodeMessage(typeName, raw) } : type
}
