/** Reads nginx's configuration into directives. Models ngx_conf_file.c. */
import { Pattern } from './shell/pattern.ts'

export interface Directive {
  name: string
  args: string[]
  block?: Directive[]
}

export class NginxError extends Error {}

/** @throws NginxError */
export function parseNginx(text: string, file: string): Directive[] {
  const tokens = tokenize(text)
  const directives = block(tokens, file)
  if (tokens.length > 0) throw new NginxError(`unexpected "}" in ${file}`)
  return directives
}

function tokenize(text: string): string[] {
  return [...text.matchAll(/#[^\n]*|"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'|[{};]|(?:\\.|\$\{\w+\}|[^\s{};"'#])+/g)].filter(([all]) => !all.startsWith('#')).map(([all, double, single]) => (double !== undefined ? `"${double}` : single !== undefined ? `"${single}` : all))
}

function block(tokens: string[], file: string): Directive[] {
  const directives: Directive[] = []
  while (tokens.length > 0 && tokens[0] !== '}') {
    const words: string[] = []
    while (tokens.length > 0 && !['{', '}', ';'].includes(tokens[0] ?? '')) words.push((tokens.shift() ?? '').replace(/^"/, ''))
    const end = tokens.shift()
    const [name = '', ...args] = words
    if (end === ';') directives.push({ name, args })
    else if (end === '{') {
      const inner = block(tokens, file)
      if (tokens.shift() !== '}') throw new NginxError(`unexpected end of file, expecting "}" in ${file}`)
      directives.push({ name, args, block: inner })
    } else throw new NginxError(`directive "${name}" is not terminated by ";" in ${file}`)
  }
  return directives
}

/** With what `include` names put in its place. @param read the files that a pattern names, as path and text */
export async function includeAll(directives: readonly Directive[], read: (pattern: string) => Promise<{ path: string; text: string }[]>, depth = 0): Promise<Directive[]> {
  const out: Directive[] = []
  for (const directive of directives) {
    if (directive.block) out.push({ ...directive, block: await includeAll(directive.block, read, depth) })
    else if (directive.name !== 'include' || depth > 10) out.push(directive)
    else for (const { path, text } of await read(directive.args[0] ?? '')) out.push(...(await includeAll(parseNginx(text, path), read, depth + 1)))
  }
  return out
}

/** The location for a path: exact, else the longest prefix unless a regular expression comes first. */
export function locationFor(server: Directive, path: string): Directive | undefined {
  const locations = (server.block ?? []).filter((d) => d.name === 'location')
  const exact = locations.find((l) => l.args[0] === '=' && l.args[1] === path)
  if (exact) return exact
  const prefixes = locations.filter((l) => (l.args.length === 1 || l.args[0] === '^~') && path.startsWith(l.args.at(-1) ?? ''))
  const longest = prefixes.sort((a, b) => (b.args.at(-1) ?? '').length - (a.args.at(-1) ?? '').length)[0]
  if (longest?.args[0] === '^~') return longest
  const byPattern = locations.find((l) => /^~\*?$/.test(l.args[0] ?? '') && matchesSuffix(l.args[1] ?? '', path))
  return byPattern ?? longest
}

/** Regular expressions of locations are nearly always about the end of a path: `\.php$`, `\.(js|css)$`. */
function matchesSuffix(expression: string, path: string): boolean {
  const [, list] = /^\\?\.(?:\(([\w|]+)\)|\w+)\$$/.exec(expression) ?? []
  const endings = list?.split('|') ?? [expression.replace(/^\\?\.|\$$/g, '')]
  return endings.some((ending) => new Pattern(`*.${ending}`).matches(path))
}
