// Runs built test files side by side and adds up what they report in TAP. tap's own runner is not used: it starts a
// TypeScript loader in every process (0.5 s a file), which files built by esbuild do not need.
import { spawn } from 'node:child_process'
import path from 'node:path'
import { Parser } from 'tap-parser'

const MAX_OUTPUT = 200_000

/** One finished file: how many assertions passed, failed and were skipped, and what to print when some failed. */
function runFile(file, { cwd, timeoutMs }) {
  return new Promise((resolve) => {
    const result = { passed: 0, failed: 0, skipped: 0, seconds: 0, report: [] }
    const fail = (text) => {
      result.failed++
      result.report.push(text)
    }
    const parser = new Parser()
    parser.on('pass', () => result.passed++)
    parser.on('skip', () => result.skipped++)
    parser.on('todo', () => result.skipped++)
    parser.on('fail', (point) => fail(`not ok ${point.fullname}\n${describe(point.diag)}`))

    let noise = ''
    const keep = (text) => {
      if (noise.length < MAX_OUTPUT) noise += text
    }
    parser.on('extra', keep)
    const started = performance.now()
    const env = { ...process.env, TAP_TIMEOUT: String(timeoutMs / 1000) }
    const child = spawn(process.execPath, ['--enable-source-maps', file], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
    child.stderr.setEncoding('utf8').on('data', keep)
    child.stdout.pipe(parser)
    const timer = setTimeout(() => {
      fail(`not finished after ${timeoutMs / 1000} s`)
      child.kill('SIGKILL')
    }, timeoutMs)
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      if (result.failed === 0 && code !== 0) fail(`ended with ${signal ?? `exit code ${code}`}`)
      if (result.failed === 0 && result.passed + result.skipped === 0) fail('asserts nothing')
      if (result.failed > 0 && noise) result.report.push(noise.trimEnd())
      resolve({ ...result, seconds: (performance.now() - started) / 1000 })
    })
  })
}

function describe(diag) {
  if (!diag) return ''
  const { diff, at, source, stack, ...rest } = diag
  const where = at ? `${at.fileName}:${at.lineNumber}:${at.columnNumber}` : ''
  const facts = Object.entries(rest).map(([key, value]) => `${key}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
  return [where, source, diff, ...facts, stack]
    .filter(Boolean)
    .join('\n')
    .replace(/^/gm, '    ')
}

/** Runs `files` (objects of name and path), `jobs` at a time, printing each as it ends; answers the sums. */
export async function runTests(files, { cwd, jobs, timeoutMs }) {
  const sums = { passed: 0, failed: 0, skipped: 0, failedFiles: [] }
  const waiting = [...files]
  const work = async () => {
    for (let file = waiting.shift(); file; file = waiting.shift()) {
      const result = await runFile(file.path, { cwd, timeoutMs })
      for (const key of ['passed', 'failed', 'skipped']) sums[key] += result[key]
      if (result.failed > 0) sums.failedFiles.push(file.name)
      const counts = [`${result.passed} passed`, result.failed && `${result.failed} failed`, result.skipped && `${result.skipped} skipped`]
      console.log(`${result.failed ? 'FAIL' : 'ok  '} ${path.normalize(file.name)} (${counts.filter(Boolean).join(', ')}, ${result.seconds.toFixed(1)} s)`)
      for (const text of result.report) console.log(text.replace(/^/gm, '     '))
    }
  }
  await Promise.all(Array.from({ length: jobs }, work))
  return sums
}
