// Builds the test files with esbuild and runs them: `npm test [-- PATH …] [--jobs=N] [--timeout=SECONDS]`, where a PATH
// is a file or folder under test/. The last line is `N passed, N failed`, in assertions.
import { build } from 'esbuild'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { writeDescriptions } from './descriptions.mjs'
import { external, folderPlugin, root } from './esbuild-options.mjs'
import { runTests } from './run-tests.mjs'

const { values, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: { jobs: { type: 'string', default: String(os.availableParallelism()) }, timeout: { type: 'string', default: '120' } },
})

function testFiles(dir) {
  return fs.readdirSync(dir, { withFileTypes: true }).flatMap((e) => {
    const full = path.join(dir, e.name)
    return e.isDirectory() ? testFiles(full) : e.name.endsWith('.test.ts') ? [full] : []
  })
}

const all = testFiles(path.join(root, 'test')).sort()
const isWanted = (file, want) => file === want || file.startsWith(want.endsWith('.ts') ? want : want + path.sep)
const files = wanted.length ? all.filter((f) => wanted.some((w) => isWanted(f, path.resolve(root, w)))) : all
if (files.length === 0) {
  console.error(`no test file matches ${wanted.join(' ')}`)
  process.exit(1)
}

const outdir = path.join(root, '.build', `test-${process.pid}`)
const removeBuilt = () => fs.rmSync(outdir, { recursive: true, force: true })
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => (removeBuilt(), process.exit(1)))
try {
  writeDescriptions()
  await build({
    absWorkingDir: root,
    entryPoints: files,
    outbase: path.join(root, 'test'),
    outdir,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.18',
    plugins: [folderPlugin],
    packages: 'external',
    external,
    sourcemap: 'inline',
    outExtension: { '.js': '.mjs' },
    logLevel: 'error',
  })
  const built = (file) => path.join(outdir, path.relative(path.join(root, 'test'), file)).replace(/\.ts$/, '.mjs')
  const jobs = files.map((file) => ({ name: path.relative(root, file), path: built(file) }))
  const sums = await runTests(jobs, { cwd: root, jobs: Number(values.jobs), timeoutMs: Number(values.timeout) * 1000 })
  if (sums.failedFiles.length > 0) console.log(`\nfailed: ${sums.failedFiles.sort().join(' ')}`)
  console.log(`\n${files.length} files${sums.skipped ? `, ${sums.skipped} assertions skipped` : ''}`)
  console.log(`${sums.passed} passed, ${sums.failed} failed`)
  process.exitCode = sums.failed > 0 ? 1 : 0
} catch (error) {
  // esbuild has printed what does not build.
  if (!error.errors) throw error
  process.exitCode = 1
} finally {
  removeBuilt()
}
