/** grep, egrep and fgrep. Models busybox's. */
import { getopt } from '../getopt.ts'
import { eachInput, linesOf } from '../inputs.ts'
import type { Process, Program } from '../process.ts'
import { compilePosix } from '../regexp.ts'
import { join } from '../vfs.ts'

function grep(mode: { extended?: boolean; fixed?: boolean } = {}): Program {
  return async (process) => {
    const { has, value, values, rest } = await getopt(process, 'EFGivwxcnlLqshHoe:f:m:A:B:C:rRaP color= include= line-buffered ignore-case quiet count')
    const given = [...values('e'), ...(value('f') === undefined ? [] : (await process.sandbox.fs.readFile(process.path(value('f') ?? ''), process.cred)).toString().split('\n').filter(Boolean))]
    const sources = given.length > 0 ? given : rest.splice(0, 1).flatMap((p) => p.split('\n'))
    const options = { extended: (mode.extended ?? false) || has('E', 'P'), fixed: (mode.fixed ?? false) || has('F'), ignoreCase: has('i', 'ignore-case') }
    let patterns
    try {
      patterns = sources.map((source) => {
        const plain = compilePosix(source, options).pattern()
        return compilePosix(has('x') ? `^(?:${plain})$` : has('w') ? `\\b(?:${plain})\\b` : plain, { extended: true, ignoreCase: options.ignoreCase })
      })
    } catch {
      await process.err(`grep: bad regex '${sources.join(' ')}'\n`)
      return 2
    }
    const files = has('r', 'R') ? walk(process, rest.length > 0 ? rest : ['.']) : rest
    const isNamed = (files.length > 1 || has('r', 'R', 'H')) && !has('h')
    const after = Number(value('A') ?? value('C') ?? '0')
    const before = Number(value('B') ?? value('C') ?? '0')
    let matched = false
    const status = await eachInput(process, files, async (fd, name) => {
      const file = name === '-' ? '(standard input)' : name
      const prefix = isNamed ? `${file}:` : ''
      let [count, number, left] = [0, 0, 0]
      const held: string[] = []
      for await (const line of linesOf(process, fd)) {
        number++
        const tick = process.tick(1 + (line.length >> 6))
        if (tick) await tick
        if (patterns.some((p) => p.matcher(line).find()) === has('v')) {
          if (left > 0 && !has('c', 'l', 'q')) await process.out(`${isNamed ? `${file}-` : ''}${line}\n`)
          else if (before > 0) held.push(line)
          left--
          if (held.length > before) held.shift()
          continue
        }
        matched = true
        count++
        if (has('q', 'quiet')) return
        if (has('l')) {
          await process.out(`${file}\n`)
          return
        }
        if (!has('c', 'L')) {
          for (const earlier of held.splice(0)) await process.out(`${isNamed ? `${file}-` : ''}${earlier}\n`)
          const lead = `${prefix}${has('n') ? `${number}:` : ''}`
          if (has('o')) for (const part of parts(line, patterns)) await process.out(`${lead}${part}\n`)
          else await process.out(`${lead}${line}\n`)
        }
        left = after
        if (count >= Number(value('m') ?? Infinity)) break
      }
      if (has('c', 'count')) await process.out(`${prefix}${count}\n`)
      if (has('L') && count === 0) await process.out(`${file}\n`)
    })
    return matched ? 0 : status === 0 ? 1 : 2
  }
}

function parts(line: string, patterns: readonly ReturnType<typeof compilePosix>[]): string[] {
  return patterns.flatMap((pattern) => {
    const found: string[] = []
    const matcher = pattern.matcher(line)
    while (matcher.find()) if (matcher.group()) found.push(matcher.group() ?? '')
    return found
  })
}

function walk(process: Process, paths: readonly string[]): string[] {
  const { fs } = process.sandbox
  return paths.flatMap((path) => {
    const node = fs.tryResolve(process.path(path), { cred: process.cred })?.node
    return node?.kind === 'dir' ? walk(process, fs.list(process.path(path), process.cred).filter(([, n]) => n.kind !== 'link').map(([name]) => join(path, name))) : [path]
  })
}

export default { grep: grep(), egrep: grep({ extended: true }), fgrep: grep({ fixed: true }) } satisfies Record<string, Program>
