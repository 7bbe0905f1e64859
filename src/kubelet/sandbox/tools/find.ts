/** find, with the tests and actions that scripts use. Models busybox's findutils. */
import { FsError, type FsNode } from '../nodes.ts'
import { Exited, type Process, type Program } from '../process.ts'
import { Pattern } from '../shell/pattern.ts'
import { join } from '../vfs.ts'

interface Entry {
  path: string
  name: string
  node: FsNode
}

type Test = (entry: Entry) => boolean | Promise<boolean>

async function find(process: Process): Promise<number> {
  const args = [...process.args]
  const roots: string[] = []
  while (args[0] !== undefined && !/^[-!(]/.test(args[0])) roots.push(args.shift() ?? '')
  const options = { minDepth: 0, maxDepth: Infinity, acts: false }
  const test = alternatives(args, process, options)
  let status = 0
  const walk = async (entry: Entry, depth: number): Promise<void> => {
    const tick = process.tick()
    if (tick) await tick
    if (depth >= options.minDepth && (await test(entry)) && !options.acts) await process.out(`${entry.path}\n`)
    if (entry.node.kind !== 'dir' || depth >= options.maxDepth) return
    let children: [string, FsNode][]
    try {
      children = process.sandbox.fs.list(process.path(entry.path), process.cred)
    } catch (error) {
      if (!(error instanceof FsError)) throw error
      await process.err(`find: ${entry.path}: ${error.message}\n`)
      status = 1
      return
    }
    for (const [name, node] of children) await walk({ path: join(entry.path, name), name, node }, depth + 1)
  }
  for (const root of roots.length > 0 ? roots : ['.']) {
    const found = process.sandbox.fs.tryResolve(process.path(root), { cred: process.cred, follow: false })
    if (found) await walk({ path: root, name: root.split('/').filter(Boolean).at(-1) ?? root, node: found.node }, 0)
    else {
      await process.err(`find: ${root}: No such file or directory\n`)
      status = 1
    }
  }
  return status
}

interface Options {
  minDepth: number
  maxDepth: number
  acts: boolean
}

function alternatives(args: string[], process: Process, options: Options): Test {
  const all = [conjunction(args, process, options)]
  while (args[0] === '-o' || args[0] === '-or') {
    args.shift()
    all.push(conjunction(args, process, options))
  }
  return async (entry) => {
    for (const test of all) if (await test(entry)) return true
    return false
  }
}

function conjunction(args: string[], process: Process, options: Options): Test {
  const all: Test[] = []
  while (args[0] !== undefined && args[0] !== '-o' && args[0] !== '-or' && args[0] !== ')') all.push(primary(args, process, options))
  return async (entry) => {
    for (const test of all) if (!(await test(entry))) return false
    return true
  }
}

function primary(args: string[], process: Process, options: Options): Test {
  const word = args.shift() ?? ''
  const next = () => args.shift() ?? ''
  const compare = (text: string, unit = 1) => (value: number) => (text.startsWith('+') ? value > Number.parseInt(text.slice(1), 10) * unit : text.startsWith('-') ? value < Number.parseInt(text.slice(1), 10) * unit : value === Number.parseInt(text, 10) * unit)
  switch (word) {
    case '!':
    case '-not': {
      const test = primary(args, process, options)
      return async (entry) => !(await test(entry))
    }
    case '(': {
      const test = alternatives(args, process, options)
      args.shift()
      return test
    }
    case '-a':
    case '-and':
    case '-xdev':
    case '-depth':
    case '-follow':
      return () => true
    case '-maxdepth':
      options.maxDepth = Number(next())
      return () => true
    case '-mindepth':
      options.minDepth = Number(next())
      return () => true
    case '-name':
    case '-iname':
    case '-path': {
      const pattern = new Pattern(word === '-iname' ? next().toLowerCase() : next())
      return ({ name, path }) => pattern.matches(word === '-path' ? path : word === '-iname' ? name.toLowerCase() : name)
    }
    case '-type': {
      const kind = { f: 'file', d: 'dir', l: 'link', c: 'device', p: 'device' }[next()]
      return ({ node }) => node.kind === kind
    }
    case '-empty':
      return ({ node }) => (node.kind === 'dir' ? node.entries.size === 0 : node.kind === 'file' && node.size === 0)
    case '-size': {
      const text = next()
      const matches = compare(text.replace(/[ckMGb]$/, ''), { c: 1, k: 1024, M: 1 << 20 }[text.slice(-1)] ?? 512)
      return ({ node }) => matches(node.kind === 'file' ? node.size : 0)
    }
    case '-mtime':
    case '-mmin': {
      const matches = compare(next())
      return ({ node }) => matches(Math.floor((process.clock.now() - node.meta.mtimeMs) / (word === '-mmin' ? 60_000 : 86_400_000)))
    }
    case '-perm': {
      const text = next()
      const bits = parseInt(text.replace(/^[-/]/, ''), 8)
      return ({ node }) => (text.startsWith('-') ? (node.meta.mode & bits) === bits : text.startsWith('/') ? (node.meta.mode & bits) !== 0 : (node.meta.mode & 0o7777) === bits)
    }
    case '-user':
    case '-group': {
      const id = Number(next())
      return ({ node }) => (word === '-user' ? node.meta.uid : node.meta.gid) === id
    }
    case '-print':
    case '-print0':
      options.acts = true
      return async ({ path }) => (await process.out(`${path}${word === '-print0' ? '\0' : '\n'}`), true)
    case '-delete':
      options.acts = true
      return ({ path, node }) => (process.sandbox.fs.remove(process.path(path), process.cred, { isDir: node.kind === 'dir' }), true)
    case '-exec': {
      options.acts = true
      const end = args.findIndex((a) => a === ';' || a === '+')
      const command = args.splice(0, end + 1).slice(0, -1)
      return async ({ path }) => {
        const child = process.sandbox.spawn(process, { argv: command.map((c) => c.replaceAll('{}', path)), env: process.env })
        return 'process' in child && (await process.block(child.process.exited)) === 0
      }
    }
    default:
      process.complain(`unrecognized: ${word}`)
      throw new Exited(1)
  }
}

export default { find } satisfies Record<string, Program>
