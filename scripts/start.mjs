// `npm start -- FLAGS`: builds dist/orrery.cjs and becomes `orrery up FLAGS`. One process, so that a signal sent to it reaches the cluster.
import { createRequire } from 'node:module'
import path from 'node:path'
import { stop } from 'esbuild'
import { root } from './esbuild-options.mjs'

const flags = process.argv.slice(2)
process.argv.push('--quiet')
await import('./build.mjs')
await stop()
const orrery = path.join(root, 'dist', 'orrery.cjs')
process.argv = [process.argv[0], orrery, 'up', ...flags]
createRequire(import.meta.url)(orrery)
