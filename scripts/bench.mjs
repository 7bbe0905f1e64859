// Builds one benchmark of bench/ with esbuild and runs it: `node scripts/bench.mjs storage [ARGS …]`.
import { build } from 'esbuild'
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { external, folderPlugin, root } from './esbuild-options.mjs'

const [name, ...args] = process.argv.slice(2)
const entry = path.join(root, 'bench', `${name}.ts`)
if (!name || !fs.existsSync(entry)) {
  const known = fs.readdirSync(path.join(root, 'bench')).filter((f) => f.endsWith('.ts') && !f.startsWith('_'))
  console.error(`usage: node scripts/bench.mjs NAME [ARGS …], where NAME is one of ${known.map((f) => f.slice(0, -3)).join(', ')}`)
  process.exit(1)
}

const outdir = path.join(root, '.build', `bench-${process.pid}`)
try {
  await build({
    absWorkingDir: root,
    entryPoints: { bench: entry },
    outdir,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.18',
    plugins: [folderPlugin],
    packages: 'external',
    external,
    outExtension: { '.js': '.mjs' },
    logLevel: 'error',
  })
  process.exitCode = spawnSync(process.execPath, ['--expose-gc', path.join(outdir, 'bench.mjs'), ...args], { cwd: root, stdio: 'inherit' }).status ?? 1
} finally {
  fs.rmSync(outdir, { recursive: true, force: true })
}
