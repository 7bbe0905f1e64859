// Builds what `orrery` runs: dist/program.js, all of it, and dist/orrery.cjs, which launches it (src/cli/launcher.ts); and the
// descriptions for `kubectl explain`. Unless it is to be quiet, the server runs once, to leave its compiled code.
import { build } from 'esbuild'
import fs from 'node:fs'
import path from 'node:path'
import { writeDescriptions } from './descriptions.mjs'
import { external, folderPlugin, root } from './esbuild-options.mjs'
import { warmUp } from './warm-up.mjs'

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
const moduleUrl = "const moduleUrl = require('node:url').pathToFileURL(__filename).href;"

/** Outside of comments and regular expressions esbuild writes ASCII already; the launcher reads nothing else. */
const toAscii = (text) => text.replaceAll(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)

async function bundle(entry, { banner, footer = '' }) {
  const options = { define: { 'import.meta.url': 'moduleUrl' }, banner: { js: banner }, footer: { js: footer }, format: 'cjs', supported: { 'dynamic-import': false } }
  const { outputFiles } = await build({ ...common, ...options, entryPoints: [entry], write: false })
  return toAscii(outputFiles[0].text)
}

/** In one step, so that a server that starts meanwhile reads the old one or the new. */
function write(name, text, mode) {
  const file = path.join(dist, name)
  fs.writeFileSync(`${file}.${process.pid}`, text, { mode })
  fs.renameSync(`${file}.${process.pid}`, file)
}

const dist = path.join(root, 'dist')
fs.mkdirSync(dist, { recursive: true })
write('program.js', await bundle('src/cli/main.ts', { banner: `(function (exports, require, module, __filename, __dirname) { ${moduleUrl}`, footer: '})' }), 0o644)
write('orrery.cjs', await bundle('src/cli/launcher.ts', { banner: '#!/usr/bin/env node' }), 0o755)
writeDescriptions()
if (!quiet) {
  console.log('built dist/orrery.cjs')
  await warmUp()
}
