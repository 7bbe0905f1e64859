/**
 * The protobuf form of every built-in type, driven by the schema facts: JSON-shaped objects in, messages out, and back. Models
 * the generated.pb.go files and k8s.io/apimachinery/pkg/runtime/serializer/protobuf.
 */
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { mustTypeFacts, type FieldFacts } from '../../schemas/facts.ts'
import type { FieldType, Scalar, SpecialScalar } from '../../schemas/field-type.ts'
import { isRecord } from './json.ts'
import { ParseError } from './parse-error.ts'
import { formatDuration, parseDuration } from './go-duration.ts'

/** Precedes every protobuf body. */
const MAGIC = Buffer.from('k8s\0')
const SCHEMA = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps'
/** Named lists that upstream turned into messages of their own, with one repeated field. */
const WRAPPED_LISTS = new Set(['v1.ExtraValue', 'v1.Verbs'])
const MAX_DEPTH = 200

export interface Unknown {
  apiVersion: string
  kind: string
  raw: Uint8Array
}

/** A writer grows from small to large: one that has is used again, unless it became huge. */
const MAX_SPARE_BYTES = 256 * 1024
let spare: BinaryWriter | undefined

/** What `write` writes, as bytes of their own. */
export function written(write: (writer: BinaryWriter) => void): Buffer {
  const writer = spare ?? new BinaryWriter()
  spare = undefined
  write(writer)
  const { buffer, byteOffset, length } = writer.finish()
  if (length <= MAX_SPARE_BYTES) spare = writer
  return Buffer.from(buffer, byteOffset, length)
}

/** runtime.Unknown around a message, behind the magic number. */
export function wrapUnknown({ apiVersion, kind, raw }: Unknown): Buffer {
  return written((writer) => {
    writer.raw(MAGIC)
    writer.tag(1, WireType.LengthDelimited).fork()
    writer.tag(1, WireType.LengthDelimited).string(apiVersion).tag(2, WireType.LengthDelimited).string(kind)
    writer.join()
    writer.tag(2, WireType.LengthDelimited).bytes(raw)
    writer.tag(3, WireType.LengthDelimited).string('').tag(4, WireType.LengthDelimited).string('')
  })
}

/** @throws ParseError for what is not an envelope */
export function unwrapUnknown(bytes: Uint8Array): Unknown {
  if (!MAGIC.equals(bytes.subarray(0, MAGIC.length))) throw new ParseError('provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]')
  const out: Unknown = { apiVersion: '', kind: '', raw: new Uint8Array() }
  readFields(bytes.subarray(MAGIC.length), (number, reader, wire) => {
    if (number === 2) out.raw = reader.bytes()
    else if (number === 1) {
      readFields(reader.bytes(), (inner, r, w) => {
        if (inner === 1) out.apiVersion = r.string()
        else if (inner === 2) out.kind = r.string()
        else r.skip(w)
      })
    } else reader.skip(wire)
  })
  return out
}

/** @param object JSON-shaped and canonical; kind and apiVersion are not part of the message */
export function encodeMessage(typeName: string, object: object): Buffer {
  return written((writer) => writeStruct(writer, typeName, object as Record<string, unknown>))
}

/** @throws ParseError for bytes that are not such a message */
export function decodeMessage(typeName: string, bytes: Uint8Array): Record<string, unknown> {
  try {
    return readStruct(typeName, bytes, 0)
  } catch (error) {
    if (error instanceof ParseError) throw error
    throw new ParseError(`proto: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function writeStruct(writer: BinaryWriter, typeName: string, object: Record<string, unknown>): void {
  for (const field of mustTypeFacts(typeName).fields) {
    const { protobuf: number, type } = field
    if (field.inline && type.kind === 'ref') {
      if (number === undefined) {
        if (!type.name.endsWith('.TypeMeta')) writeStruct(writer, type.name, object)
        continue
      }
      writer.tag(number, WireType.LengthDelimited).fork()
      writeStruct(writer, type.name, object)
      writer.join()
    } else if (number !== undefined) writeField(writer, number, field, object[field.name])
  }
}

function writeField(writer: BinaryWriter, number: number, field: FieldFacts, value: unknown): void {
  const { type } = field
  if (value === undefined || value === null) {
    if (!field.pointer) writeAbsent(writer, number, type)
    return
  }
  if (type.kind === 'list' && !WRAPPED_LISTS.has(type.goName)) {
    for (const item of value as unknown[]) writeValue(writer, number, type.of, item)
  } else if (type.kind === 'map') {
    // Go writes map entries in key order, so that equal objects have equal bytes.
    for (const key of Object.keys(value).sort()) {
      writer.tag(number, WireType.LengthDelimited).fork()
      writer.tag(1, WireType.LengthDelimited).string(key)
      writeValue(writer, 2, type.of, (value as Record<string, unknown>)[key])
      writer.join()
    }
  } else writeValue(writer, number, type, value)
}

/** Values that are no pointers are written even when they are zero, as generated code does. */
function writeAbsent(writer: BinaryWriter, number: number, type: FieldType): void {
  if (type.kind === 'ref') return writeValue(writer, number, type, {})
  if (type.kind !== 'scalar') return
  const zero = ZERO[type.scalar]
  if (zero !== undefined) writeValue(writer, number, type, zero)
  else if (type.scalar === 'Time' || type.scalar === 'MicroTime') writer.tag(number, WireType.LengthDelimited).bytes(new Uint8Array())
}

const ZERO: Readonly<Partial<Record<Scalar, unknown>>> = { string: '', bool: false, int: 0, int32: 0, int64: 0, uint8: 0, uint32: 0, uint64: 0, float64: 0, Duration: '0s', Quantity: '0', IntOrString: 0 }

function writeValue(writer: BinaryWriter, number: number, type: FieldType, value: unknown): void {
  if (type.kind === 'scalar') return writeScalar(writer, number, type.scalar, value)
  writer.tag(number, WireType.LengthDelimited).fork()
  if (type.kind === 'ref') writeStruct(writer, type.name, value as Record<string, unknown>)
  else if (type.kind === 'list') for (const item of value as unknown[]) writeValue(writer, 1, type.of, item)
  writer.join()
}

function writeScalar(writer: BinaryWriter, number: number, scalar: Scalar, value: unknown): void {
  switch (scalar) {
    case 'string':
      writer.tag(number, WireType.LengthDelimited).string(String(value))
      return
    case 'bool':
      writer.tag(number, WireType.Varint).bool(value === true)
      return
    case 'int': case 'int32': case 'int64': case 'uint8': case 'uint32':
      writer.tag(number, WireType.Varint).int64(value as number)
      return
    case 'uint64':
      writer.tag(number, WireType.Varint).uint64(value as number)
      return
    case 'float64':
      writer.tag(number, WireType.Bit64).double(value as number)
      return
    case 'bytes':
      writer.tag(number, WireType.LengthDelimited).bytes(Buffer.from(String(value), 'base64'))
      return
    case 'any':
      return
    default:
      writer.tag(number, WireType.LengthDelimited).fork()
      SPECIAL[scalar].write(writer, value)
      writer.join()
  }
}

interface SpecialCodec {
  write(writer: BinaryWriter, value: unknown): void
  /** undefined for the zero value */
  read(bytes: Uint8Array, depth: number): unknown
}

const writeJSON = (writer: BinaryWriter, value: unknown) => void writer.tag(1, WireType.LengthDelimited).bytes(Buffer.from(JSON.stringify(value)))

const rawJSON: SpecialCodec = {
  write: writeJSON,
  read(bytes) {
    let raw: Uint8Array | undefined
    readFields(bytes, (number, reader, wire) => (number === 1 ? (raw = reader.bytes()) : reader.skip(wire)))
    if (!raw || raw.length === 0) return undefined
    return JSON.parse(Buffer.from(raw).toString())
  },
}

/** @param digits decimals of a second */
function timeCodec(digits: 0 | 6): SpecialCodec {
  return {
    write(writer, value) {
      const text = String(value)
      const seconds = Math.floor(Date.parse(text.replace(/\.\d+/, '')) / 1000)
      const fraction = /\.(\d+)/.exec(text)?.[1] ?? ''
      writer.tag(1, WireType.Varint).int64(seconds).tag(2, WireType.Varint).int32(Number(fraction.padEnd(9, '0').slice(0, 9)))
    },
    read(bytes) {
      if (bytes.length === 0) return undefined
      const numbers = readNumbers(bytes)
      const base = new Date(Number(numbers[1] ?? 0n) * 1000).toISOString().slice(0, 19)
      return digits === 0 ? `${base}Z` : `${base}.${String(Number(numbers[2] ?? 0n)).padStart(9, '0').slice(0, digits)}Z`
    },
  }
}

function readNumbers(bytes: Uint8Array): Record<number, bigint> {
  const out: Record<number, bigint> = {}
  readFields(bytes, (number, reader, wire) => (wire === WireType.Varint ? (out[number] = BigInt(reader.int64())) : reader.skip(wire)))
  return out
}

/** A union of a schema and something else, which JSON tells apart by its shape. */
function schemaOr(writeOther: (writer: BinaryWriter, value: unknown) => void, readOther: (reader: BinaryReader, before: unknown, depth: number) => unknown): SpecialCodec {
  return {
    write(writer, value) {
      if (!isRecord(value)) return writeOther(writer, value)
      writer.tag(1, WireType.LengthDelimited).fork()
      writeStruct(writer, SCHEMA, value)
      writer.join()
    },
    read(bytes, depth) {
      let out: unknown
      readFields(bytes, (number, reader) => {
        if (number === 1) out = readStruct(SCHEMA, reader.bytes(), depth + 1)
        else out = readOther(reader, out, depth)
      })
      return out
    },
  }
}

const SPECIAL: Readonly<Record<SpecialScalar, SpecialCodec>> = {
  Time: timeCodec(0),
  MicroTime: timeCodec(6),
  Duration: {
    write: (writer, value) => void writer.tag(1, WireType.Varint).int64(parseDuration(String(value))),
    read: (bytes) => formatDuration(readNumbers(bytes)[1] ?? 0n),
  },
  Quantity: {
    write: (writer, value) => void writer.tag(1, WireType.LengthDelimited).string(String(value)),
    read(bytes) {
      let text = ''
      readFields(bytes, (number, reader, wire) => (number === 1 ? (text = reader.string()) : reader.skip(wire)))
      return text || '0'
    },
  },
  IntOrString: {
    write(writer, value) {
      const isText = typeof value === 'string'
      writer.tag(1, WireType.Varint).int64(isText ? 1 : 0).tag(2, WireType.Varint).int32(isText ? 0 : (value as number)).tag(3, WireType.LengthDelimited).string(isText ? value : '')
    },
    read(bytes) {
      const at = { isText: false, number: 0, text: '' }
      readFields(bytes, (number, reader, wire) => {
        if (number === 1) at.isText = Number(reader.int64()) === 1
        else if (number === 2) at.number = reader.int32()
        else if (number === 3) at.text = reader.string()
        else reader.skip(wire)
      })
      return at.isText ? at.text : at.number
    },
  },
  RawExtension: rawJSON,
  FieldsV1: rawJSON,
  JSON: rawJSON,
  JSONSchemaPropsOrBool: {
    ...schemaOr((writer, value) => void writer.tag(1, WireType.Varint).bool(value === true), () => undefined),
    write(writer, value) {
      writer.tag(1, WireType.Varint).bool(value !== false)
      if (!isRecord(value)) return
      writer.tag(2, WireType.LengthDelimited).fork()
      writeStruct(writer, SCHEMA, value)
      writer.join()
    },
    read(bytes, depth) {
      let out: unknown = false
      readFields(bytes, (number, reader, wire) => {
        if (number === 1) out = isRecord(out) ? (reader.bool(), out) : reader.bool()
        else if (number === 2) out = readStruct(SCHEMA, reader.bytes(), depth + 1)
        else reader.skip(wire)
      })
      return out
    },
  },
  JSONSchemaPropsOrArray: schemaOr(
    (writer, value) => {
      for (const item of value as unknown[]) {
        writer.tag(2, WireType.LengthDelimited).fork()
        writeStruct(writer, SCHEMA, item as Record<string, unknown>)
        writer.join()
      }
    },
    (reader, before, depth) => [...(Array.isArray(before) ? before : []), readStruct(SCHEMA, reader.bytes(), depth + 1)],
  ),
  JSONSchemaPropsOrStringArray: schemaOr(
    (writer, value) => {
      for (const item of value as string[]) writer.tag(2, WireType.LengthDelimited).string(item)
    },
    (reader, before) => [...(Array.isArray(before) ? before : []), reader.string()],
  ),
}

function readFields(bytes: Uint8Array, visit: (number: number, reader: BinaryReader, wire: WireType) => unknown): void {
  const reader = new BinaryReader(bytes)
  while (reader.pos < reader.len) {
    const [number, wire] = reader.tag()
    visit(number, reader, wire)
  }
}

const byNumber = new Map<string, ReadonlyMap<number, FieldFacts>>()

/** Fields by number, those of structs that are inlined without a message of their own included. */
function numbered(typeName: string): ReadonlyMap<number, FieldFacts> {
  let fields = byNumber.get(typeName)
  if (!fields) {
    const found = new Map<number, FieldFacts>()
    for (const field of mustTypeFacts(typeName).fields) {
      if (field.protobuf !== undefined) found.set(field.protobuf, field)
      else if (field.inline && field.type.kind === 'ref' && !field.type.name.endsWith('.TypeMeta')) for (const [n, f] of numbered(field.type.name)) found.set(n, f)
    }
    byNumber.set(typeName, (fields = found))
  }
  return fields
}

function readStruct(typeName: string, bytes: Uint8Array, depth: number): Record<string, unknown> {
  if (depth > MAX_DEPTH) throw new ParseError('proto: message nested too deeply')
  const out: Record<string, unknown> = {}
  const fields = numbered(typeName)
  readFields(bytes, (number, reader, wire) => {
    const field = fields.get(number)
    if (!field) return reader.skip(wire)
    const { type, name } = field
    if (!takesWire(type, wire)) throw new ParseError(`proto: wrong wireType = ${wire} for field ${field.goName}`)
    if (field.inline && type.kind === 'ref') Object.assign(out, readStruct(type.name, reader.bytes(), depth + 1))
    else if (type.kind === 'list' && !WRAPPED_LISTS.has(type.goName)) (out[name] = (out[name] as unknown[] | undefined) ?? []) && (out[name] as unknown[]).push(readValue(reader, type.of, depth))
    else if (type.kind === 'map') readEntry((out[name] = (out[name] as Record<string, unknown> | undefined) ?? {}) as Record<string, unknown>, reader.bytes(), type.of, depth)
    else {
      const value = readValue(reader, type, depth)
      if (value !== undefined) out[name] = value
    }
  })
  return out
}

/** Whether a value of the type may come in this form; numbers of a list also come several in one. */
function takesWire(type: FieldType, wire: WireType): boolean {
  if (type.kind === 'list' && !WRAPPED_LISTS.has(type.goName)) return takesWire(type.of, wire) || (wire === WireType.LengthDelimited && type.of.kind === 'scalar')
  return wire === (type.kind === 'scalar' ? (WIRES[type.scalar] ?? WireType.LengthDelimited) : WireType.LengthDelimited)
}

const WIRES: Readonly<Partial<Record<Scalar, WireType>>> = { bool: WireType.Varint, int: WireType.Varint, int32: WireType.Varint, int64: WireType.Varint, uint8: WireType.Varint, uint32: WireType.Varint, uint64: WireType.Varint, float64: WireType.Bit64 }

function readEntry(map: Record<string, unknown>, bytes: Uint8Array, type: FieldType, depth: number): void {
  let key = ''
  let value: unknown = type.kind === 'scalar' ? ZERO[type.scalar] : type.kind === 'list' ? [] : {}
  readFields(bytes, (number, reader, wire) => {
    if (number === 1) key = reader.string()
    else if (number === 2) value = readValue(reader, type, depth)
    else reader.skip(wire)
  })
  Object.defineProperty(map, key, { value, enumerable: true, writable: true, configurable: true })
}

function readValue(reader: BinaryReader, type: FieldType, depth: number): unknown {
  if (type.kind === 'ref') return readStruct(type.name, reader.bytes(), depth + 1)
  if (type.kind === 'scalar') return readScalar(reader, type.scalar, depth)
  const items: unknown[] = []
  const of = type.kind === 'list' ? type.of : undefined
  readFields(reader.bytes(), (number, r, wire) => (number === 1 && of ? items.push(readValue(r, of, depth + 1)) : r.skip(wire)))
  return items
}

function readScalar(reader: BinaryReader, scalar: Scalar, depth: number): unknown {
  switch (scalar) {
    case 'string':
      return reader.string()
    case 'bool':
      return reader.bool()
    case 'int': case 'int32': case 'int64': case 'uint8': case 'uint32':
      return Number(reader.int64())
    case 'uint64':
      return Number(reader.uint64())
    case 'float64':
      return reader.double()
    case 'bytes':
      return Buffer.from(reader.bytes()).toString('base64')
    case 'any':
      return undefined
    default:
      return SPECIAL[scalar].read(reader.bytes(), depth)
  }
}
