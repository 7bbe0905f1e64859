/**
 * The OpenAPI v2 document as gnostic's protobuf message, which kubectl asks for when a kind is in no v3 document. It carries the
 * definitions; the paths are told by v3. Models openapiv2/OpenAPIv2.proto of github.com/google/gnostic-models.
 */
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { stringify } from 'yaml'
import { isRecord } from '../apimachinery/json.ts'

export const V2_PROTOBUF = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf'

type Write = (writer: BinaryWriter, number: number, value: unknown) => void

const text: Write = (writer, number, value) => void writer.tag(number, WireType.LengthDelimited).string(String(value))
const flag: Write = (writer, number, value) => void writer.tag(number, WireType.Varint).bool(value === true)
const integer: Write = (writer, number, value) => void writer.tag(number, WireType.Varint).int64(value as number)
const double: Write = (writer, number, value) => void writer.tag(number, WireType.Bit64).double(value as number)

/** A message whose body `fill` writes. */
function message(fill: (writer: BinaryWriter, value: unknown) => void): Write {
  return (writer, number, value) => {
    writer.tag(number, WireType.LengthDelimited).fork()
    fill(writer, value)
    writer.join()
  }
}

function each(write: Write): Write {
  return (writer, number, value) => {
    for (const item of Array.isArray(value) ? value : [value]) write(writer, number, item)
  }
}

/** `Any` carries values as YAML. */
const any = message((writer, value) => text(writer, 2, stringify(value)))
const schema = message((writer, value) => writeSchema(writer, value))
const named = (write: Write): Write => message((writer, value) => {
  const [name, member] = value as [string, unknown]
  text(writer, 1, name)
  write(writer, 2, member)
})
const namedMembers = (write: Write): Write => message((writer, value) => each(named(write))(writer, 1, Object.entries(value as object)))

/** Field numbers of Schema, and how each member is written. */
const MEMBERS: Readonly<Record<string, [number, Write]>> = {
  $ref: [1, text],
  format: [2, text],
  title: [3, text],
  description: [4, text],
  default: [5, any],
  multipleOf: [6, double],
  maximum: [7, double],
  exclusiveMaximum: [8, flag],
  minimum: [9, double],
  exclusiveMinimum: [10, flag],
  maxLength: [11, integer],
  minLength: [12, integer],
  pattern: [13, text],
  maxItems: [14, integer],
  minItems: [15, integer],
  uniqueItems: [16, flag],
  maxProperties: [17, integer],
  minProperties: [18, integer],
  required: [19, each(text)],
  enum: [20, each(any)],
  additionalProperties: [21, message((writer, value) => (typeof value === 'boolean' ? flag(writer, 2, value) : schema(writer, 1, value)))],
  type: [22, message((writer, value) => each(text)(writer, 1, value))],
  items: [23, message((writer, value) => each(schema)(writer, 1, value))],
  allOf: [24, each(schema)],
  properties: [25, namedMembers(schema)],
}
const EXTENSION = 31

function writeSchema(writer: BinaryWriter, value: unknown): void {
  if (!isRecord(value)) return
  for (const [name, member] of Object.entries(value)) {
    const known = Object.hasOwn(MEMBERS, name) ? MEMBERS[name] : undefined
    if (known) known[1](writer, known[0], member)
    else if (name.startsWith('x-')) named(any)(writer, EXTENSION, [name, member])
  }
}

/** @param document the JSON document */
export function openAPIV2Protobuf(document: { swagger?: string; info?: { title?: string; version?: string }; definitions?: object }): Buffer {
  const writer = new BinaryWriter()
  text(writer, 1, document.swagger ?? '2.0')
  message((w) => {
    text(w, 1, document.info?.title ?? '')
    text(w, 2, document.info?.version ?? '')
  })(writer, 2, undefined)
  message(() => {})(writer, 8, undefined)
  namedMembers(schema)(writer, 9, document.definitions ?? {})
  return Buffer.from(writer.finish())
}
