/** dd: copies blocks from one place to another. Models busybox's coreutils/dd.c. */
import { splitOnce } from '../getopt.ts'
import { FsError } from '../nodes.ts'
import { openFile } from '../open-file.ts'
import type { Process, Program } from '../process.ts'

const UNITS: Readonly<Record<string, number>> = { c: 1, w: 2, b: 512, kB: 1000, kD: 1000, k: 1024, K: 1024, KB: 1000, KD: 1000, MB: 1e6, MD: 1e6, M: 1024 ** 2, GB: 1e9, GD: 1e9, G: 1024 ** 3, T: 1024 ** 4 }
const OPERANDS: ReadonlySet<string> = new Set(['if', 'of', 'bs', 'ibs', 'obs', 'count', 'skip', 'seek', 'conv', 'status', 'iflag', 'oflag'])
const FLAGS: Readonly<Record<string, ReadonlySet<string>>> = {
  conv: new Set(['notrunc', 'sync', 'noerror', 'fsync', 'swab']),
  iflag: new Set(['fullblock', 'skip_bytes', 'count_bytes', 'direct']),
  oflag: new Set(['append', 'seek_bytes', 'direct', 'sync', 'dsync']),
  status: new Set(['none', 'noxfer', 'progress']),
}
const PIECE = 65_536

class Complaint extends Error {}

interface Plan {
  input: string | undefined
  output: string | undefined
  blockBytes: number
  /** How much is copied at most. */
  bytes: number
  skipBytes: number
  seekBytes: number
  has(operand: string, flag: string): boolean
}

/** @throws Complaint */
function planOf(args: readonly string[]): Plan {
  const told = new Map(args.map((arg) => splitOnce(arg, '=')))
  for (const arg of args) if (!OPERANDS.has(splitOnce(arg, '=')[0]) || !arg.includes('=')) throw new Complaint(`unrecognized operand '${arg}'`)
  for (const [operand, known] of Object.entries(FLAGS)) {
    for (const flag of told.get(operand)?.split(',') ?? []) if (!known.has(flag)) throw new Complaint(`invalid argument '${flag}' to '${operand}'`)
  }
  const number = (name: string, least = 0): number | undefined => {
    const text = told.get(name)
    if (text === undefined) return undefined
    const value = text.split('x').reduce((product, factor) => {
      const [, digits, unit = ''] = /^(\d+)([a-zA-Z]*)$/.exec(factor) ?? []
      const scale = unit === '' ? 1 : UNITS[unit]
      if (digits === undefined || scale === undefined) throw new Complaint(`invalid number '${text}'`)
      return product * Number(digits) * scale
    }, 1)
    if (value < least || value > Number.MAX_SAFE_INTEGER) throw new Complaint(`number ${text} is not in ${least}..9223372036854775807 range`)
    return value
  }
  const has = (operand: string, flag: string) => told.get(operand)?.split(',').includes(flag) ?? false
  const blockBytes = number('bs', 1) ?? number('ibs', 1) ?? 512
  const outBytes = number('bs', 1) ?? number('obs', 1) ?? 512
  const inUnits = (name: string, unit: number, plain: boolean) => (number(name) ?? 0) * (plain ? 1 : unit)
  return {
    input: told.get('if'),
    output: told.get('of'),
    blockBytes,
    bytes: told.has('count') ? inUnits('count', blockBytes, has('iflag', 'count_bytes')) : Infinity,
    skipBytes: inUnits('skip', blockBytes, has('iflag', 'skip_bytes')),
    seekBytes: inUnits('seek', outBytes, has('oflag', 'seek_bytes')),
    has,
  }
}

async function openEnds(process: Process, { input, output, seekBytes, has }: Plan): Promise<void> {
  const { fs } = process.sandbox
  const tell = (path: string, error: unknown) => (error instanceof FsError ? new Complaint(`can't open '${path}': ${error.message}`) : error)
  if (input) await openFile(process, input, { reads: true }).then((end) => process.setFd(0, end), (error: unknown) => Promise.reject(tell(input, error)))
  if (!output) return
  const append = has('oflag', 'append')
  await openFile(process, output, { writes: true, append, at: seekBytes }).then((end) => process.setFd(1, end), (error: unknown) => Promise.reject(tell(output, error)))
  const node = fs.tryResolve(process.path(output))?.node
  // What lies before the place that is written to stays.
  if (node?.kind === 'file' && !append && !has('conv', 'notrunc')) node.truncate(Math.min(node.size, seekBytes), fs.ledger)
}

interface Copied {
  full: number
  partial: number
  total: number
}

/** Of a pipe a block may come in several pieces. */
async function copy(process: Process, { blockBytes, bytes, has }: Plan, copied: Copied): Promise<void> {
  let block = 0
  const end = () => {
    if (block > 0) copied.partial++
    block = 0
  }
  for (let left = bytes; left > 0; ) {
    const piece = await process.read(0, Math.min(left, PIECE, blockBytes - block))
    if (!piece) break
    await process.out(has('conv', 'swab') && piece.length % 2 === 0 ? Buffer.from(piece).swap16() : piece)
    copied.total += piece.length
    left -= piece.length
    block += piece.length
    if (block < blockBytes) continue
    copied.full++
    block = 0
  }
  if (has('conv', 'sync') && block > 0) {
    const padding = Buffer.alloc(blockBytes - block)
    copied.total += padding.length
    await process.out(padding)
  }
  end()
}

async function skip(process: Process, bytes: number): Promise<void> {
  for (let left = bytes; left > 0; ) {
    const piece = await process.read(0, Math.min(left, PIECE))
    if (!piece) return
    left -= piece.length
  }
}

/** `1.5MB` */
function human(bytes: number): string {
  const unit = ['', 'K', 'M', 'G', 'T'].findLastIndex((_, i) => bytes >= 1024 ** i)
  return unit <= 0 ? `${Math.floor(bytes)}B` : `${(bytes / 1024 ** unit).toFixed(1)}${['', 'K', 'M', 'G', 'T'][unit]}B`
}

async function dd(process: Process): Promise<number> {
  const copied: Copied = { full: 0, partial: 0, total: 0 }
  const startedMs = process.clock.now()
  let plan: Plan | undefined
  let status = 0
  try {
    plan = planOf(process.args)
    process.sandbox.holds(plan.blockBytes)
    await openEnds(process, plan)
    await skip(process, plan.skipBytes)
    await copy(process, plan, copied)
  } catch (error) {
    if (error instanceof Complaint) {
      await process.err(`dd: ${error.message}\n`)
      return 1
    }
    if (!(error instanceof FsError) || error.code === 'EPIPE' || !plan) throw error
    await process.err(`dd: error writing '${plan.output ?? 'standard output'}': ${error.message}\n`)
    status = 1
  }
  if (plan.has('status', 'none')) return status
  const records = `${copied.full}+${copied.partial} records`
  await process.err(`${records} in\n${records} out\n`)
  const seconds = Math.max(1e-6, (process.clock.now() - startedMs) / 1000)
  if (!plan.has('status', 'noxfer')) await process.err(`${copied.total} bytes (${human(copied.total)}) copied, ${seconds.toFixed(6)} seconds, ${human(copied.total / seconds)}/s\n`)
  return status
}

export default { dd } satisfies Record<string, Program>
