// Builds the test files with esbuild and runs them with tap: `npm test [-- PATH …]`, where a PATH is a file or folder under test/.
import { build } from 'esbuild'
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { external, folderPlugin, root } from './esbuild-options.mjs'

const wanted = process.argv.slice(2).filter((a) => !a.startsWith('-'))
const flags = process.argv.slice(2).filter((a) => a.startsWith('-'))

function testFiles(dir) {
  return fs.readdirSync(dir, { withFileTypes: true }).flatMap((e) => {
    const full = path.join(dir, e.name)
    return e.isDirectory() ? testFiles(full) : e.name.endsWith('.test.ts') ? [full] : []
  })
}

const all = testFiles(path.join(root, 'test')).sort()
const files = wanted.length ? all.filter((f) => wanted.some((w) => f.startsWith(path.resolve(root, w)))) : all
if (files.length === 0) {
  console.error(`no test file matches ${wanted.join(' ')}`)
  process.exit(1)
}

const outdir = path.join(root, '.build', `test-${process.pid}`)
try {
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
  const built = files.map((f) => path.join(outdir, path.relative(path.join(root, 'test'), f)).replace(/\.ts$/, '.mjs'))
  const tap = path.join(root, 'node_modules', '.bin', 'tap')
  const result = spawnSync(tap, ['run', ...flags, ...built.map((f) => path.relative(root, f))], { cwd: root, stdio: 'inherit', env: { ...process.env, NODE_OPTIONS: '--enable-source-maps' } })
  process.exitCode = result.status ?? 1
} finally {
  fs.rmSync(outdir, { recursive: true, force: true })
}
