/** Arrays of bash, by number and by name. */
import type { Word } from 'unbash'
import { evaluate, parseArithmetic } from './arithmetic.ts'
import { arithmeticContext, expandText, expandWords, type Expander } from './expand.ts'
import { ShellError, type Value } from './state.ts'

const MAX_INDEX = 1_000_000

export function elementsOf(value: Value | undefined): string[] {
  if (value === undefined) return []
  if (value instanceof Map) return [...value.values()]
  return Array.isArray(value) ? value.filter((v) => v !== undefined) : [value]
}

export function keysOf(value: Value | undefined): string[] {
  if (value === undefined) return []
  if (value instanceof Map) return [...value.keys()]
  return Array.isArray(value) ? Object.keys(value) : ['0']
}

export async function indexOf(text: string, expander: Expander): Promise<number> {
  return Number(await evaluate(parseArithmetic(text), arithmeticContext(expander)))
}

/** What stands in brackets, between quotes or not. */
export async function keyText(word: Word, expander: Expander): Promise<string> {
  const text = await expandText(word, expander)
  return /^(["']).*\1$/.test(text) ? text.slice(1, -1) : text
}

export async function elementAt(value: Value | undefined, index: Word, expander: Expander): Promise<string | undefined> {
  if (value instanceof Map) return value.get(await keyText(index, expander))
  const list = Array.isArray(value) ? value : value === undefined ? [] : [value]
  return list.at(await indexOf(await expandText(index, expander), expander))
}

/** `(a b)`, `([3]=x y)`, `([key]=value)`. */
export async function arrayOf(elements: readonly Word[], old: Value | undefined, { append, expander }: { append: boolean; expander: Expander }): Promise<Value> {
  const isNamed = old instanceof Map
  const map = new Map(isNamed && append ? old : [])
  const list: string[] = append && !isNamed ? (Array.isArray(old) ? [...old] : old === undefined ? [] : [old]) : []
  for (const element of elements) {
    const [, key, value = ''] = element.text.startsWith('[') ? (/^\[([^\]]*)\]=([\s\S]*)$/.exec(await expandText(element, expander)) ?? []) : []
    if (key === undefined) list.push(...(await expandWords([element], expander)))
    else if (isNamed) map.set(key, value)
    else list[checkedIndex(await indexOf(key, expander))] = value
  }
  return isNamed ? map : list
}

export function checkedIndex(at: number): number {
  if (!(at >= 0 && at < MAX_INDEX)) throw new ShellError('bad array subscript')
  return at
}

/** With one element set. */
export async function withElement(old: Value | undefined, index: Word, { text, append, expander }: { text: string; append: boolean; expander: Expander }): Promise<Value> {
  if (old instanceof Map) {
    const key = await keyText(index, expander)
    return new Map(old).set(key, append ? `${old.get(key) ?? ''}${text}` : text)
  }
  const list = Array.isArray(old) ? [...old] : old === undefined ? [] : [old]
  const wanted = await indexOf(await expandText(index, expander), expander)
  const at = checkedIndex(wanted < 0 ? list.length + wanted : wanted)
  list[at] = append ? `${list[at] ?? ''}${text}` : text
  return list
}
