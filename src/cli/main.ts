/** The process behind the command `orrery`: hands the command line on, turns signals into a clean end and a result into an exit code. */
import process from 'node:process'
import type { Io } from './command.ts'
import { run } from './run.ts'

/** The exit code of a process that SIGINT ended. */
const INTERRUPTED = 130

/** npm hands on the Ctrl-C that the terminal has sent already: signals so close are one. */
const SAME_SIGNAL_MS = 1000

const stopped = new Promise<void>((resolve) => {
  let askedAtMs: number | undefined
  const onSignal = () => {
    if (askedAtMs !== undefined && performance.now() - askedAtMs > SAME_SIGNAL_MS) process.exit(INTERRUPTED)
    askedAtMs ??= performance.now()
    resolve()
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  process.on('SIGHUP', onSignal)
})

const io: Io = {
  cwd: process.cwd(),
  env: process.env,
  out: (line) => console.log(line),
  err: (line) => console.error(line),
  uptimeMs: () => performance.now(),
  stopped,
}

run(process.argv.slice(2), io).then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(error)
    process.exit(1)
  },
)
