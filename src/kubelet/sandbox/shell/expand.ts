/**
 * Words become fields: parameters, commands and arithmetic are filled in, what was unquoted is split and matched against
 * files. Models XCU 2.6, Word Expansions.
 */
import type { ParsedScript, ProcessSubstitutionPart, Word, WordPart } from 'unbash'
import { evaluate } from './arithmetic.ts'
import { expandBraces } from './braces.ts'
import { expandParameter, simpleParameter } from './parameters.ts'
import { escapePattern, hasPattern, Pattern, unescapePattern } from './pattern.ts'
import { FsError } from '../nodes.ts'
import { join } from '../vfs.ts'
import type { ShellState } from './state.ts'

/** A piece of a word. `break` ends a field, as between the values of "$@". */
export type Piece = { text: string; quoted: boolean; splits: boolean } | 'break'

/** What expansion needs of whoever runs commands. */
export interface Expander {
  readonly shell: ShellState
  /** The output of a script, run in a subshell, without the newlines at its end. */
  substitute(script: ParsedScript): Promise<string>
  /** A file with the output of a script, or one whose content goes to it. */
  substituteFile(part: ProcessSubstitutionPart): Promise<string>
}

const MAX_FIELDS = 100_000

export async function expandWords(words: readonly Word[], expander: Expander): Promise<string[]> {
  const fields: string[] = []
  for (const given of words) for (const word of braced(given, expander)) {
    if (!word.parts && !/[~*?[{]/.test(word.text)) fields.push(word.value)
    else fields.push(...(await expandWord(word, expander)))
    if (fields.length > MAX_FIELDS) expander.shell.process.sandbox.holds(Infinity)
  }
  return fields
}

/** In bash, the words that one with braces stands for. */
function braced(word: Word, { shell }: Expander): readonly Word[] {
  if (!shell.isBash || !word.text.includes('{') || !/[,.]/.test(word.text)) return [word]
  const texts = expandBraces(word.text)
  if (texts.length === 1) return [word]
  return texts.flatMap((text) => {
    const command = shell.process.sandbox.parse(`: ${text}`).commands[0]?.command
    return command?.type === 'Command' ? command.args.filter((arg) => arg.type === 'Word') : []
  })
}

async function expandWord(word: Word, expander: Expander): Promise<string[]> {
  const { shell } = expander
  const pieces = await piecesOf(word, expander)
  const fields: string[] = []
  for (const field of split(pieces, shell.get('IFS') ?? ' \t\n')) {
    if (!shell.options.noglob && hasPattern(field)) fields.push(...(await glob(field, expander)))
    else fields.push(unescapePattern(field))
  }
  return fields
}

/** One text, as in an assignment: nothing is split or matched against files. */
export async function expandText(word: Word | undefined, expander: Expander): Promise<string> {
  if (!word) return ''
  if (!word.parts && !word.text.includes('~')) return word.value
  return (await piecesOf(word, expander)).map((p) => (p === 'break' ? ' ' : p.text)).join('')
}

/** One text in which what was quoted has lost its meaning as a pattern. */
export async function expandPattern(word: Word | undefined, expander: Expander): Promise<string> {
  if (!word) return ''
  const pieces = word.parts ? await piecesOf(word, expander) : [{ text: literalPattern(word), quoted: false, splits: false } as const]
  return pieces.map((p) => (p === 'break' ? ' ' : p.quoted ? escapePattern(p.text) : p.text)).join('')
}

/** `\*` in a word without parts was unescaped by the parser: it stands for itself. */
function literalPattern({ text, value }: Word): string {
  return text === value ? value : escapePattern(value)
}

async function piecesOf(word: Word, expander: Expander): Promise<Piece[]> {
  const pieces: Piece[] = []
  const tilde = /^~(?=$|\/)/.test(word.text) ? (expander.shell.get('HOME') ?? '') : undefined
  if (!word.parts) {
    const rest = tilde === undefined ? word.value : word.value.slice(1)
    if (tilde !== undefined) pieces.push({ text: tilde, quoted: true, splits: false })
    pieces.push({ text: rest, quoted: word.text !== word.value, splits: false })
    return pieces
  }
  for (const [i, part] of word.parts.entries()) {
    if (i === 0 && tilde !== undefined && part.type === 'Literal') {
      pieces.push({ text: tilde + part.value.slice(1), quoted: true, splits: false })
    } else await addPart(part, pieces, { expander, quoted: false })
  }
  return pieces
}

interface PartContext {
  expander: Expander
  quoted: boolean
}

async function addPart(part: WordPart, pieces: Piece[], context: PartContext): Promise<void> {
  const { expander, quoted } = context
  const add = (text: string, how: { quoted: boolean; splits: boolean }) => void pieces.push({ text, ...how })
  const filledIn = { quoted, splits: !quoted }
  switch (part.type) {
    case 'Literal':
      return add(part.value, { quoted: quoted || part.text !== part.value, splits: false })
    case 'Glob':
    case 'ExtendedGlob':
    case 'BraceExpansion':
      return add(part.text, { quoted, splits: false })
    case 'SingleQuoted':
    case 'AnsiCQuoted':
      return add(part.value, { quoted: true, splits: false })
    case 'DoubleQuoted':
    case 'LocaleString': {
      // An empty pair of quotes is a field, but "$@" without values is none.
      if (part.parts.length === 0) add('', { quoted: true, splits: false })
      for (const inner of part.parts) await addPart(inner, pieces, { expander, quoted: true })
      return
    }
    case 'SimpleExpansion':
      return void pieces.push(...simpleParameter(part.text.slice(1), expander.shell, filledIn))
    case 'ParameterExpansion':
      return void pieces.push(...(await expandParameter(part, expander, filledIn)))
    case 'CommandExpansion':
      return add(part.script ? await expander.substitute(part.script) : '', filledIn)
    case 'ArithmeticExpansion':
      return add((await evaluate(part.expression, arithmeticContext(expander))).toString(), filledIn)
    case 'ProcessSubstitution':
      return add(await expander.substituteFile(part), { quoted: true, splits: false })
  }
}

export function arithmeticContext(expander: Expander) {
  return {
    shell: expander.shell,
    expandWord: (word: unknown) => expandText(word as Word, expander),
    substitute: (script: unknown) => expander.substitute(script as ParsedScript),
  }
}

/** Parts of a here-document: everything is as between double quotes. */
export async function expandParts(parts: readonly WordPart[], expander: Expander): Promise<string> {
  const pieces: Piece[] = []
  for (const part of parts) await addPart(part, pieces, { expander, quoted: true })
  return pieces.map((p) => (p === 'break' ? ' ' : p.text)).join('')
}

/** Fields in which quoted text is escaped for matching. */
function split(pieces: readonly Piece[], ifs: string): string[] {
  const fields: string[] = []
  let current: string | undefined
  const end = () => {
    if (current !== undefined) fields.push(current)
    current = undefined
  }
  for (const piece of pieces) {
    if (piece === 'break') {
      end()
      continue
    }
    if (!piece.splits) {
      if (piece.text !== '' || piece.quoted) current = (current ?? '') + (piece.quoted ? escapePattern(piece.text) : piece.text)
      continue
    }
    const chunks = splitText(piece.text, ifs)
    if (chunks.leading) end()
    for (const [i, chunk] of chunks.fields.entries()) {
      if (i > 0) end()
      current = (current ?? '') + chunk.replace(/\\/g, '\\\\')
    }
    if (chunks.trailing) end()
  }
  end()
  return fields
}

/** Splits as IFS says: white space of it in runs, other characters of it one by one. */
export function splitText(text: string, ifs: string): { fields: string[]; leading: boolean; trailing: boolean } {
  if (text === '') return { fields: [], leading: false, trailing: false }
  if (ifs === '') return { fields: [text], leading: false, trailing: false }
  const isBlank = (c: string) => ifs.includes(c) && /\s/.test(c)
  const isSeparator = (c: string) => ifs.includes(c)
  const fields: string[] = []
  let i = 0
  while (i < text.length && isBlank(text.charAt(i))) i++
  const leading = i > 0
  let field = ''
  let open = false
  let trailing = false
  for (; i < text.length; i++) {
    const c = text.charAt(i)
    if (!isSeparator(c)) {
      field += c
      open = true
      trailing = false
      continue
    }
    if (!isBlank(c) || open) fields.push(field)
    field = ''
    open = false
    trailing = true
    let sawOther = !isBlank(c)
    while (i + 1 < text.length && (isBlank(text.charAt(i + 1)) || (!sawOther && isSeparator(text.charAt(i + 1))))) sawOther ||= !isBlank(text.charAt(++i))
  }
  if (open) fields.push(field)
  return { fields, leading, trailing }
}

/** The files that match, sorted; the pattern itself when there are none. */
async function glob(pattern: string, { shell }: Expander): Promise<string[]> {
  const { process } = shell
  const isAbsolute = pattern.startsWith('/')
  let found = [isAbsolute ? '/' : '']
  for (const segment of pattern.split('/').filter(Boolean)) {
    const next: string[] = []
    const matcher = new Pattern(segment)
    for (const dir of found) {
      const tick = process.tick()
      if (tick) await tick
      const base = process.path(dir === '' ? '.' : dir)
      if (!hasPattern(segment)) {
        const name = unescapePattern(segment)
        if (process.sandbox.fs.tryResolve(join(base, name), { cred: process.cred, follow: false })) next.push(under(dir, name))
        continue
      }
      for (const name of namesIn(base, shell)) if ((segment.startsWith('.') || shell.shopts.has('dotglob') || !name.startsWith('.')) && matcher.matches(name)) next.push(under(dir, name))
    }
    found = next
  }
  return found.length > 0 || shell.shopts.has('nullglob') ? found : [unescapePattern(pattern)]
}

function under(dir: string, name: string): string {
  return dir === '' ? name : join(dir, name)
}

function namesIn(dir: string, { process }: ShellState): string[] {
  try {
    return process.sandbox.fs.list(dir, process.cred).map(([name]) => name)
  } catch (error) {
    if (error instanceof FsError) return []
    throw error
  }
}
