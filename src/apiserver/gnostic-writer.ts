/**
 * How gnostic's protobuf messages of OpenAPI documents are written from the JSON of the same: a message is a table of the
 * members of an object, by their numbers. Models github.com/google/gnostic-models.
 */
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { stringify } from 'yaml'
import { isRecord } from '../apimachinery/json.ts'

export type Write = (writer: BinaryWriter, number: number, value: unknown) => void

export const text: Write = (writer, number, value) => void writer.tag(number, WireType.LengthDelimited).string(String(value))
export const flag: Write = (writer, number, value) => void writer.tag(number, WireType.Varint).bool(value === true)
export const integer: Write = (writer, number, value) => void writer.tag(number, WireType.Varint).int64(value as number)
export const double: Write = (writer, number, value) => void writer.tag(number, WireType.Bit64).double(value as number)

const SCALARS: ReadonlySet<Write> = new Set([text, flag, integer, double])

/** What proto3 does not write: the scalar that stands for absence. */
const isZero = (write: Write, value: unknown): boolean => value === undefined || value === null || (SCALARS.has(write) && (value === '' || value === 0 || value === false))

/** A message whose body `fill` writes. */
export function message(fill: (writer: BinaryWriter, value: unknown) => void): Write {
  return (writer, number, value) => {
    writer.tag(number, WireType.LengthDelimited).fork()
    fill(writer, value)
    writer.join()
  }
}

export function each(write: Write): Write {
  return (writer, number, value) => {
    for (const item of Array.isArray(value) ? value : [value]) write(writer, number, item)
  }
}

/** `Any` carries values as YAML. */
export const any = message((writer, value) => text(writer, 2, yamlOf(value)))

/** Most are a word, or a list of groups, versions and kinds: these need no library. */
function yamlOf(value: unknown): string {
  const simple = plainWord(value) ?? plainMembers(value, '')
  if (simple !== undefined) return `${simple}\n`
  if (!Array.isArray(value)) return yamlText(value)
  const items = value.map((item: unknown) => plainWord(item) ?? plainMembers(item, '  '))
  return items.length > 0 && items.every((item) => item !== undefined) ? items.map((item) => `- ${item}\n`).join('') : yamlText(value)
}

/** In Go's style. */
const yamlText = (value: unknown): string => stringify(value, { lineWidth: 0, singleQuote: true })
const KEYWORD = /^(?:y|n|yes|no|on|off|true|false|null)$/i

function plainWord(value: unknown): string | undefined {
  if (value === '') return '""'
  return typeof value === 'string' && /^[A-Za-z][\w./-]*$/.test(value) && !KEYWORD.test(value) ? value : undefined
}

function plainMembers(value: unknown, indent: string): string | undefined {
  if (!isRecord(value)) return undefined
  const lines = Object.entries(value).map(([name, member]) => [plainWord(name), plainWord(member)])
  return lines.length > 0 && lines.every((line) => !line.includes(undefined)) ? lines.map((line) => line.join(': ')).join(`\n${indent}`) : undefined
}

export const named = (write: Write): Write =>
  message((writer, value) => {
    const [name, member] = value as [string, unknown]
    text(writer, 1, name)
    write(writer, 2, member)
  })
/** The members of an object as a repeated field. */
export const members = (write: Write): Write => (writer, number, value) => {
  if (isRecord(value)) for (const entry of Object.entries(value)) named(write)(writer, number, entry)
}
/** A message that has nothing but such a field. */
export const namedMembers = (write: Write, number = 1): Write => message((writer, value) => members(write)(writer, number, value))

/** Number and form of each member; those of one message are written in the order of their numbers. */
export type Shape = Readonly<Record<string, readonly [number, Write]>>

/** @param extension the number under which members that begin with `x-` stand */
export function fillShape(shape: Shape, extension?: number): (writer: BinaryWriter, value: unknown) => void {
  const fields = Object.entries(shape).sort(([, [a]], [, [b]]) => a - b).map(([name, [number, write]]) => ({ name, number, write }))
  return (writer, value) => {
    if (!isRecord(value)) return
    for (const { name, number, write } of fields) if (!isZero(write, value[name])) write(writer, number, value[name])
    if (extension === undefined) return
    for (const entry of Object.entries(value)) if (entry[0].startsWith('x-')) named(any)(writer, extension, entry)
  }
}

export const shaped = (shape: Shape, extension?: number): Write => message(fillShape(shape, extension))

/** One of two messages: the second where the value is a reference. */
export const orReference = (write: Write): Write => {
  const reference = shaped({ $ref: [1, text] })
  return message((writer, value) => (isRecord(value) && typeof value.$ref === 'string' ? reference(writer, 2, value) : write(writer, 1, value)))
}
