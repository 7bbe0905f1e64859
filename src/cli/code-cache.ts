/**
 * Keeps what V8 has compiled of the program for the next start (docs/decisions/code-cache.md). A cache is code: only a file
 * that nobody but the user, root or the program's owner can have written is taken, and one that is foreign or broken is as
 * good as none. Nothing here ever fails: without a cache the program is compiled anew.
 */
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import v8 from 'node:v8'

const FORMAT = 'orrery-code-cache-1'
const SUFFIX = '.v8cache'
const MAX_HEADER_BYTES = 256
const MAX_BYTES = 64 * 1024 * 1024
/** Those of other versions of Node or of Orrery that stay in a folder, besides the newest. */
const MAX_FILES = 4
/** A process that did less has compiled too little to be worth a file. */
const MIN_LEARNED_MS = 250
/** Who has done this much work has seen what there is. */
const LEARNED_ENOUGH_MS = 30_000
const WRITABLE_BY_OTHERS = 0o022

export interface CodeCache {
  data: Buffer
  /** The CPU time that its maker had used: who works more knows more. */
  learnedMs: number
}

export interface CodeCacheOptions {
  /** The file of the program, and what is in it. */
  program: string
  source: Buffer
  /** The user's own folder for caches, if there is one. */
  userFolder: string | undefined
}

export class CodeCacheFile {
  readonly #digest: string
  readonly #name: string
  readonly #program: string
  readonly #userFolder: string | undefined

  constructor({ program, source, userFolder }: CodeCacheOptions) {
    this.#program = program
    this.#digest = digestOf(source)
    this.#name = `${this.#digest.slice(0, 16)}-${v8.cachedDataVersionTag().toString(16)}${SUFFIX}`
    this.#userFolder = userFolder
  }

  /** What an earlier process has kept. The user's own is there only when the one beside the program could not be written. */
  read(): CodeCache | undefined {
    for (const folder of this.#folders().reverse()) {
      const found = ignoringErrors(() => this.#readFile(path.join(folder, this.#name)))
      if (found) return found
    }
    return undefined
  }

  /** Keeps what `make` gives, in the first folder that takes it, when that is more than was found. */
  keep(make: () => Buffer, { foundMs, usedMs }: { foundMs: number | undefined; usedMs: number }): void {
    if (!isWorthKeeping(foundMs, usedMs)) return
    const data = ignoringErrors(make)
    if (!data) return
    const bytes = Buffer.concat([Buffer.from(`${[FORMAT, this.#digest, digestOf(data), Math.round(usedMs)].join(' ')}\n`), data])
    this.#folders().some((folder) => ignoringErrors(() => this.#writeFile(folder, bytes)))
  }

  #folders(): string[] {
    return [path.dirname(this.#program), ...(this.#userFolder ? [this.#userFolder] : [])]
  }

  #readFile(file: string): CodeCache | undefined {
    const fd = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK)
    try {
      const stat = fs.fstatSync(fd)
      if (!stat.isFile() || stat.size > MAX_BYTES || !this.#isTrusted(stat)) return undefined
      return parse(fs.readFileSync(fd), this.#digest)
    } finally {
      fs.closeSync(fd)
    }
  }

  #isTrusted(stat: fs.Stats): boolean {
    const owners = [process.getuid?.(), 0, fs.statSync(this.#program).uid]
    return owners.includes(stat.uid) && (stat.mode & WRITABLE_BY_OTHERS) === 0
  }

  #writeFile(folder: string, bytes: Buffer): true {
    if (folder === this.#userFolder) fs.mkdirSync(folder, { recursive: true, mode: 0o700 })
    if (!this.#isTrusted(fs.statSync(folder))) throw new Error(`others can write to ${folder}`)
    const file = path.join(folder, this.#name)
    const temporary = `${file}.${process.pid}`
    try {
      fs.writeFileSync(temporary, bytes, { flag: 'wx', mode: 0o644 })
      fs.renameSync(temporary, file)
    } finally {
      fs.rmSync(temporary, { force: true })
    }
    ignoringErrors(() => removeOld(folder, this.#name))
    return true
  }
}

/** A cache is made anew by a process that has worked twice as much as the maker of the one it found. */
export function isWorthKeeping(learnedMs: number | undefined, usedMs: number): boolean {
  if (learnedMs === undefined) return usedMs >= MIN_LEARNED_MS
  return learnedMs < LEARNED_ENOUGH_MS && usedMs > 2 * learnedMs
}

/** $XDG_CACHE_HOME or what takes its place; nothing for a user without a home. */
export function userCacheFolder(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const given = env.XDG_CACHE_HOME
  if (given && path.isAbsolute(given)) return path.join(given, 'orrery')
  const home = ignoringErrors(() => os.homedir())
  if (!home || !path.isAbsolute(home)) return undefined
  return process.platform === 'darwin' ? path.join(home, 'Library', 'Caches', 'orrery') : path.join(home, '.cache', 'orrery')
}

function parse(bytes: Buffer, program: string): CodeCache | undefined {
  const end = bytes.subarray(0, MAX_HEADER_BYTES).indexOf('\n')
  const [format, digest, dataDigest, learned] = bytes.subarray(0, Math.max(end, 0)).toString('latin1').split(' ')
  const data = bytes.subarray(end + 1)
  if (format !== FORMAT || digest !== program || dataDigest !== digestOf(data)) return undefined
  return { data, learnedMs: Number(learned) }
}

function removeOld(folder: string, newest: string): void {
  const others = fs.readdirSync(folder).filter((name) => name.endsWith(SUFFIX) && name !== newest)
  const byAge = others.map((name) => ({ file: path.join(folder, name), mtimeMs: fs.statSync(path.join(folder, name)).mtimeMs })).sort((a, b) => b.mtimeMs - a.mtimeMs)
  for (const { file } of byAge.slice(MAX_FILES - 1)) fs.rmSync(file, { force: true })
}

function digestOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function ignoringErrors<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}
