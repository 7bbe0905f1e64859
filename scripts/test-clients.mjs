// `npm run test:clients`: clients in other languages, unchanged, against a cluster of ours. Each suite of test/clients
// needs a toolchain of its own; where that is absent the suite is skipped, and says so.
import { spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { root } from './esbuild-options.mjs'

const START_MS = 60_000
const SUITE_MS = 10 * 60_000

/** A suite passes when its command ends with 0; it finds the cluster by KUBECONFIG. */
const suites = [{ name: 'client-go', needs: ['go', 'version'], dir: 'test/clients/go', command: ['go', 'run', '.'] }]

function startCluster(dir) {
  const kubeconfig = path.join(dir, 'kubeconfig')
  const child = spawn(process.execPath, [path.join(root, 'scripts', 'start.mjs'), '--port', '0', '--data-dir', 'none', '--kubeconfig', kubeconfig], { stdio: ['ignore', 'pipe', 'inherit'] })
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error('the cluster does not start')), START_MS)
    child.once('exit', (code) => reject(new Error(`the cluster ended with ${code}`)))
    child.stdout.setEncoding('utf8').on('data', (text) => {
      if (!text.includes('Ctrl-C')) return
      clearTimeout(late)
      resolve({ child, kubeconfig })
    })
  })
}

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'orrery-clients-'))
const { child, kubeconfig } = await startCluster(dir)
let passed = 0
let failed = 0
try {
  for (const { name, needs, dir: place, command } of suites) {
    if (spawnSync(needs[0], needs.slice(1)).status !== 0) {
      console.log(`skipped ${name}: ${needs[0]} is not on the PATH`)
      continue
    }
    const { status } = spawnSync(command[0], command.slice(1), { cwd: path.join(root, place), env: { ...process.env, KUBECONFIG: kubeconfig }, stdio: 'inherit', timeout: SUITE_MS })
    console.log(`${status === 0 ? 'ok  ' : 'FAIL'} ${name}`)
    if (status === 0) passed++
    else failed++
  }
} finally {
  child.removeAllListeners('exit')
  child.kill('SIGTERM')
  fs.rmSync(dir, { recursive: true, force: true })
}
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed > 0 ? 1 : 0
