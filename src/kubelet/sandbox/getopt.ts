/** Options as getopt(3) and getopt_long(3) read them. */
import type { Process } from './process.ts'
import { Exited } from './process.ts'

export interface Parsed {
  /** Flags that were given, by letter or long name. */
  has(...names: string[]): boolean
  value(...names: string[]): string | undefined
  values(...names: string[]): string[]
  rest: string[]
}

/** @param spec letters, each followed by `:` when it takes a value, by `::` when it may; long names after a space, with `=` when they take one, with `=?` when they may */
export async function getopt(process: Process, spec: string, { stops = false }: { stops?: boolean } = {}): Promise<Parsed> {
  const [letters = '', ...longs] = spec.split(' ')
  const found = new Map<string, string[]>()
  const rest: string[] = []
  const args = [...process.args]
  const note = (name: string, value: string) => void found.set(name, [...(found.get(name) ?? []), value])
  const fail = async (text: string): Promise<never> => {
    await process.err(`${process.name}: ${text}\n`)
    throw new Exited(1)
  }
  for (let arg = args.shift(); arg !== undefined; arg = args.shift()) {
    if (arg === '--') {
      rest.push(...args)
      break
    }
    if (arg.startsWith('--')) {
      const [name = '', value] = splitOnce(arg.slice(2), '=')
      const takes = longs.includes(`${name}=`)
      const mayTake = longs.includes(`${name}=?`)
      if (!takes && !mayTake && !longs.includes(name)) await fail(`unrecognized option '${arg}'`)
      note(name, takes ? (value ?? args.shift() ?? (await fail(`option '--${name}' requires an argument`))) : mayTake ? (value ?? '') : '')
    } else if (/^-./.test(arg)) {
      for (let i = 1; i < arg.length; i++) {
        const letter = arg.charAt(i)
        const at = letters.indexOf(letter)
        if (at < 0 || letter === ':') await fail(`invalid option -- '${letter}'`)
        if (letters.charAt(at + 1) !== ':') {
          note(letter, '')
          continue
        }
        // Two colons: only what is attached is its value.
        if (letters.charAt(at + 2) === ':') note(letter, arg.slice(i + 1))
        else note(letter, arg.slice(i + 1) || (args.shift() ?? (await fail(`option requires an argument -- '${letter}'`))))
        break
      }
    } else {
      rest.push(arg)
      if (stops) {
        rest.push(...args)
        break
      }
    }
  }
  const values = (...names: string[]) => names.flatMap((n) => found.get(n) ?? [])
  return { has: (...names) => names.some((n) => found.has(n)), value: (...names) => values(...names).at(-1), values, rest }
}

export function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator)
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)]
}
