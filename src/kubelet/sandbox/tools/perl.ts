/** perl, as far as examples of Jobs go: printing texts and digits of pi. Anything else is refused by name. */
import type { Process, Program } from '../process.ts'

const MAX_DIGITS = 20_000

async function perl(process: Process): Promise<number> {
  const at = process.args.findIndex((a) => /^-\w*e$/.test(a))
  const script = at < 0 ? '' : (process.args[at + 1] ?? '')
  const newline = /^-\w*l/.test(process.args[at] ?? '') ? '\n' : ''
  const [, digits] = /^\s*print\s+bpi\((\d+)\);?\s*$/.exec(script) ?? []
  const [, text] = /^\s*print\s+["']([^"']*)["'];?\s*$/.exec(script) ?? []
  if (digits !== undefined) await process.out(`${await pi(process, Math.min(MAX_DIGITS, Number(digits)))}${newline}`)
  else if (text !== undefined) await process.out(text.replaceAll('\\n', '\n') + newline)
  else if (script.trim() !== '') {
    await process.err('perl: this interpreter knows only print of a text and of bpi(N)\n')
    return 255
  }
  return 0
}

/** So many significant digits, by Machin's formula, a term at a time. */
async function pi(process: Process, digits: number): Promise<string> {
  const unit = 10n ** BigInt(digits + 10)
  const arctan = async (inverse: bigint) => {
    let power = unit / inverse
    let sum = power
    for (let n = 3n, sign = -1n; power !== 0n; n += 2n, sign = -sign) {
      power /= inverse * inverse
      sum += (sign * power) / n
      const tick = process.tick(1 + (digits >> 5))
      if (tick) await tick
    }
    return sum
  }
  const value = 4n * (4n * (await arctan(5n)) - (await arctan(239n)))
  const text = ((value + 5n * 10n ** 10n) / 10n ** 11n).toString()
  return `${text.charAt(0)}.${text.slice(1)}`
}

/** Says who it runs as: upstream's test of privilege escalation. */
async function nnp(process: Process): Promise<number> {
  await process.out(`Effective uid: ${process.cred.uid}\n`)
  return 0
}

export default { perl, nnp } satisfies Record<string, Program>
