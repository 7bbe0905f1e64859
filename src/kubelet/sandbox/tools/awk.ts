/** awk: programs over lines and fields. Models XCU awk, and busybox's. */
import { Awk } from '../awk/interpreter.ts'
import { AwkError } from '../awk/lexer.ts'
import { parseAwk } from '../awk/parser.ts'
import { getopt } from '../getopt.ts'
import type { Process, Program } from '../process.ts'

async function awk(process: Process): Promise<number> {
  const { value, values, rest } = await getopt(process, 'F:v:f:e: field-separator= assign= file= source=', { stops: true })
  const files = values('f', 'file')
  const sources: string[] = []
  for (const file of files) sources.push((await process.sandbox.fs.readFile(process.path(file), process.cred)).toString())
  sources.push(...values('e', 'source'))
  const source = sources.length > 0 ? sources.join('\n') : rest.shift()
  if (source === undefined) {
    await process.err('BusyBox v1.37.0 multi-call binary.\n\nUsage: awk [OPTIONS] [AWK_PROGRAM] [FILE]...\n')
    return 1
  }
  try {
    const separator = value('F', 'field-separator')
    const program = parseAwk(source)
    return await new Awk(process, program, { separator: separator === 't' ? '\t' : separator?.replace(/\\t/g, '\t'), operands: rest, assigned: values('v', 'assign') }).run()
  } catch (error) {
    if (!(error instanceof AwkError)) throw error
    await process.err(`awk: ${error.message}\n`)
    return 2
  }
}

export default { awk, gawk: awk, mawk: awk } satisfies Record<string, Program>
