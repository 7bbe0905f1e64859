/** Values as Go prints them, for the errors that quote a patch and the like. */
import type { LabelSelector } from './labels.ts'
import { goNumber } from '../errors.ts'

/** `map[a:1 b:[x y] c:<nil>]` */
export function goFormat(value: unknown): string {
  if (value === null || value === undefined) return '<nil>'
  if (Array.isArray(value)) return `[${value.map(goFormat).join(' ')}]`
  if (typeof value === 'number') return goNumber(value)
  if (typeof value !== 'object') return String(value)
  const members = value as Record<string, unknown>
  const keys = Object.keys(members).sort(byBytes)
  return `map[${keys.map((key) => `${key}:${goFormat(members[key])}`).join(' ')}]`
}

/** The order of Go's strings: by code point, which UTF-8 bytes have too. */
export function byBytes(a: string, b: string): number {
  if (a === b) return 0
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y) return isSurrogate(x) === isSurrogate(y) ? x - y : isSurrogate(x) ? 1 : -1
  }
  return a.length - b.length
}

const isSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdfff

/** What reflect.TypeOf prints for a decoded JSON value. */
export function goTypeOf(value: unknown): string {
  if (value === null || value === undefined) return '%!s(<nil>)'
  if (Array.isArray(value)) return '[]interface {}'
  if (typeof value === 'object') return 'map[string]interface {}'
  return typeof value === 'number' ? (Number.isInteger(value) && Math.abs(value) < 2 ** 63 ? 'int64' : 'float64') : typeof value === 'boolean' ? 'bool' : 'string'
}

/** Its reflect.Kind. */
export function goKindOf(value: unknown): string {
  const type = goTypeOf(value)
  return type.startsWith('map') ? 'map' : type.startsWith('[') ? 'slice' : type
}

/** A label selector as its generated String method prints it. */
export function goLabelSelector(selector: LabelSelector | undefined): string {
  if (!selector) return 'nil'
  const labels = Object.entries(selector.matchLabels ?? {}).sort(([a], [b]) => byBytes(a, b))
  const expressions = (selector.matchExpressions ?? []).map((e) => `LabelSelectorRequirement{Key:${e.key ?? ''},Operator:${e.operator ?? ''},Values:[${(e.values ?? []).join(' ')}],},`)
  return `&LabelSelector{MatchLabels:map[string]string{${labels.map(([k, v]) => `${k}: ${v},`).join('')}},MatchExpressions:[]LabelSelectorRequirement{${expressions.join('')}},}`
}
