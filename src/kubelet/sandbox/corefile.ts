/** A Corefile as far as it is understood here: blocks of a zone and port, each with its plugins. Models github.com/coredns/caddy caddyfile. */

export interface Directive {
  name: string
  args: readonly string[]
  /** The lines between its braces. */
  lines: readonly (readonly string[])[]
  line: number
}

export interface ServerBlock {
  zones: readonly { zone: string; port: number }[]
  directives: readonly Directive[]
}

export class CorefileError extends Error {}

interface Line {
  words: readonly string[]
  line: number
}

export function parseCorefile(text: string, defaultPort = 53): ServerBlock[] {
  const lines = text
    .split('\n')
    .map((raw, i): Line => ({ words: raw.replace(/(^|\s)#.*$/, '').split(/\s+/).filter(Boolean), line: i + 1 }))
    .filter(({ words }) => words.length > 0)
  const blocks: ServerBlock[] = []
  let at = 0
  /** The lines up to the brace that closes a block which has been opened. */
  const inside = <T>(take: (line: Line) => T): T[] => {
    const taken: T[] = []
    for (;;) {
      const next = lines[at++]
      if (!next) throw new CorefileError(`Corefile:${lines.at(-1)?.line ?? 1} - Syntax error: Unexpected EOF, expecting '}'`)
      if (next.words[0] === '}') return taken
      taken.push(take(next))
    }
  }
  while (at < lines.length) {
    const { words, line } = lines[at++] ?? { words: [], line: 0 }
    if (words.at(-1) !== '{') throw new CorefileError(`Corefile:${line} - Syntax error: Unexpected token '${words.at(-1)}', expecting '{'`)
    const zones = words.slice(0, -1).map((key) => zoneOf(key.replace(/,$/, ''), defaultPort))
    const directives = inside(({ words: [name = '', ...args], line: number }): Directive => {
      const isBlock = args.at(-1) === '{'
      return { name, args: isBlock ? args.slice(0, -1) : args, lines: isBlock ? inside(({ words: inner }) => inner) : [], line: number }
    })
    blocks.push({ zones, directives })
  }
  return blocks
}

function zoneOf(key: string, defaultPort: number): { zone: string; port: number } {
  const [, zone = '', port] = /^(?:dns:\/\/)?(.*?)(?::(\d+))?$/.exec(key) ?? []
  return { zone: zone.replace(/\.$/, '').toLowerCase(), port: port === undefined ? defaultPort : Number(port) }
}

/** Whether a name lies in a zone; the root has them all. */
export function isInZone(name: string, zone: string): boolean {
  return zone === '' || name === zone || name.endsWith(`.${zone}`)
}
