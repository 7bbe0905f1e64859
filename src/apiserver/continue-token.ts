/** Where a list goes on, as its pages name it. Models k8s.io/apiserver/pkg/storage/continue.go. */
import { posix } from 'node:path'
import { jsonKind } from '../apimachinery/decode-context.ts'
import { isRecord } from '../apimachinery/json.ts'
import { parseJSON } from '../apimachinery/parse.ts'
import { badRequest } from '../errors.ts'

const VERSION = 'meta.k8s.io/v1'
const FIELDS = { v: ['string', 'string'], rv: ['number', 'int64'], start: ['string', 'string'] } as const

export interface Continuation {
  /** -1 for whatever there is now. */
  revision: number
  start: string
}

export function encodeContinue({ revision, start }: Continuation): string {
  return Buffer.from(JSON.stringify({ v: VERSION, rv: revision, start })).toString('base64url')
}

/** @throws StatusError 400 */
export function decodeContinue(text: string): Continuation {
  const { v = '', rv = 0, start = '' } = fieldsOf(bytesOf(text))
  if (v !== VERSION) throw invalidKey(`server does not recognize this encoded version ${String(v)}`)
  if (rv === 0) throw invalidKey(`incorrect encoded start resourceVersion (version ${VERSION})`)
  if (start === '') throw invalidKey(`encoded start key empty (version ${VERSION})`)
  const key = `/${String(start).replace(/^\//, '')}`
  // Nobody gets out of the kind's own keys.
  if (posix.normalize(key).replace(/(.)\/$/, '$1') !== key) throw invalidKey(String(start))
  return { revision: Number(rv), start: String(start) }
}

const invalidKey = (why: string) => badRequest(`invalid continue token: continue key is not valid: ${why}`)

/** Of base64 for URLs, without padding. */
function bytesOf(text: string): Buffer {
  const wrong = text.search(/[^\w\r\n-]/)
  const length = text.replace(/[\r\n]/g, '').length
  const position = wrong >= 0 ? wrong : length % 4 === 1 ? text.length - 1 : -1
  if (position >= 0) throw invalidKey(`illegal base64 data at input byte ${position}`)
  return Buffer.from(text, 'base64url')
}

function fieldsOf(bytes: Buffer): Readonly<Record<string, unknown>> {
  const token = parsed(bytes)
  if (token === null) return {}
  if (!isRecord(token)) throw invalidKey(`json: cannot unmarshal ${jsonKind(token)} into Go value of type storage.continueToken`)
  for (const [name, [kind, goType]] of Object.entries(FIELDS)) {
    const value = token[name]
    if (value === undefined || value === null) continue
    if (typeof value !== kind) throw invalidKey(`json: cannot unmarshal ${jsonKind(value)} into Go struct field continueToken.${name} of type ${goType}`)
    if (kind === 'number' && !Number.isInteger(value)) throw invalidKey(`json: cannot unmarshal number ${String(value)} into Go struct field continueToken.${name} of type ${goType}`)
  }
  return token
}

function parsed(bytes: Buffer): unknown {
  const [first = 0] = bytes
  // A byte that begins nothing is shown as Go shows it, which takes bytes for characters there.
  if (first >= 0x7f) throw invalidKey(`invalid character '${first < 0xa1 ? `\\u00${first.toString(16)}` : String.fromCharCode(first)}' looking for beginning of value`)
  try {
    return parseJSON(bytes).value
  } catch (error) {
    throw invalidKey(error instanceof Error ? error.message : String(error))
  }
}
