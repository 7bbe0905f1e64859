// Builds the one file that `orrery` runs: dist/orrery.cjs, and the library beside it; and the descriptions for `kubectl explain`.
import { build } from 'esbuild'
import fs from 'node:fs'
import path from 'node:path'
import { writeDescriptions } from './descriptions.mjs'
import { external, folderPlugin, root } from './esbuild-options.mjs'

const quiet = process.argv.includes('--quiet')
const common = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node20.18',
  plugins: [folderPlugin],
  external,
  logLevel: quiet ? 'error' : 'warning',
  legalComments: 'none',
}
const url = { define: { 'import.meta.url': 'moduleUrl' }, banner: { js: "#!/usr/bin/env node\nconst moduleUrl = require('node:url').pathToFileURL(__filename).href;" } }

await build({ ...common, ...url, entryPoints: { orrery: 'src/cli/main.ts' }, outdir: 'dist', format: 'cjs', outExtension: { '.js': '.cjs' } })
writeDescriptions()
if (!quiet) console.log('built dist/orrery.cjs')
fs.chmodSync(path.join(root, 'dist/orrery.cjs'), 0o755)
