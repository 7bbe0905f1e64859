// `npm start -- FLAGS`: builds dist/orrery.cjs where a source is newer, and becomes `orrery up FLAGS`. One process, so that
// a signal sent to it reaches the cluster.
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')
const orrery = path.join(root, 'dist', 'orrery.cjs')
const sources = ['src', 'api', 'controllers', 'schemas', 'scripts', 'package.json', 'package-lock.json']

/** Whether anything under `file` was changed after `timeMs`; a folder changes when a file in it comes or goes. */
function isNewer(file, timeMs) {
  const stat = fs.statSync(file)
  return stat.mtimeMs > timeMs || (stat.isDirectory() && fs.readdirSync(file).some((name) => isNewer(path.join(file, name), timeMs)))
}

function isStale() {
  const built = fs.statSync(orrery, { throwIfNoEntry: false })
  return !built || sources.some((name) => isNewer(path.join(root, name), built.mtimeMs))
}

const flags = process.argv.slice(2)
if (isStale()) {
  process.argv.push('--quiet')
  await import('./build.mjs')
  const { stop } = await import('esbuild')
  await stop()
}
process.argv = [process.argv[0], orrery, 'up', ...flags]
createRequire(import.meta.url)(orrery)
