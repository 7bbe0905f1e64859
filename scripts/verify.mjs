// `npm run verify`: the generated facts in schemas/ are what the generator writes for the pinned Kubernetes release.
// This is the one step that needs Go (its modules are downloaded on the first run); without Go it says so and passes.
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { root } from './esbuild-options.mjs'

const TIMEOUT_MS = 15 * 60 * 1000

const go = spawnSync('go', ['version'], { encoding: 'utf8' })
if (go.status !== 0) {
  console.log('skipped: comparing schemas/ with the Go modules needs Go, which is not on the PATH')
} else {
  const { status, error } = spawnSync(process.execPath, [path.join(root, 'schemas', 'generate.mjs'), '--verify'], { cwd: root, stdio: 'inherit', timeout: TIMEOUT_MS })
  if (error) console.error(`verifying schemas/ failed: ${error.message}`)
  process.exitCode = status ?? 1
}
