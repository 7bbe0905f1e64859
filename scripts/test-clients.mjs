// `npm run test:clients`: clients in other languages, unchanged, against a cluster of ours. Each suite of test/clients
// needs a toolchain of its own; where that is absent the suite is skipped, and says so. Names of suites run only those.
import { spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { root } from './esbuild-options.mjs'

const START_MS = 60_000
const SUITE_MS = 10 * 60_000
const PREPARE_MS = 4 * 60_000
/** Built once: what is there is built again only when its module changes. */
const upstreamPrograms = path.join(root, 'node_modules', '.cache', 'upstream-controllers')

/**
 * A suite is skipped unless all of `needs` can be run and `prepare` ends well and in time. It passes when each of its
 * `steps` ends with 0, in order; `temp` is a folder for what they install. The cluster is found by KUBECONFIG.
 */
const suites = [
  { name: 'client-go', dir: 'test/clients/go', needs: [['go', 'version']], steps: () => [['go', 'run', '.']] },
  { name: 'controller-runtime', dir: 'test/clients/go-operator', needs: [['go', 'version']], steps: () => [['go', 'run', '.']] },
  {
    name: 'upstream-controllers',
    dir: 'test/clients/upstream-controllers',
    needs: [['go', 'version']],
    prepare: ['go', 'build', '-ldflags', '-s -w', '-o', upstreamPrograms + path.sep, 'k8s.io/kubernetes/cmd/kube-controller-manager', 'k8s.io/kubernetes/cmd/kube-scheduler'],
    env: { KUBE_PROGRAMS: upstreamPrograms },
    steps: () => [[process.execPath, path.join(root, 'scripts', 'test.mjs'), 'test/clients/upstream-controllers.test.ts', `--timeout=${SUITE_MS / 1000}`]],
  },
  {
    name: 'python',
    dir: 'test/clients/python',
    needs: [['python3', '-c', 'import ensurepip, venv']],
    steps: (temp) => [
      ['python3', '-m', 'venv', path.join(temp, 'venv')],
      [path.join(temp, 'venv/bin/pip'), 'install', '--quiet', '--disable-pip-version-check', '--requirement', 'requirements.txt'],
      [path.join(temp, 'venv/bin/python'), '-B', 'main.py'],
    ],
  },
  ...['java', 'java-fabric8'].map((name) => ({
    name,
    dir: `test/clients/${name}`,
    needs: [['mvn', '--version'], ['java', '--version']],
    steps: (temp) => [
      ['mvn', '--quiet', '--batch-mode', '-Dstyle.color=never', 'dependency:copy-dependencies', `-DoutputDirectory=${path.join(temp, name)}`],
      ['java', '-cp', path.join(temp, name, '*'), 'Main.java'],
    ],
  })),
]

const isThere = ([program, ...args]) => spawnSync(program, args, { stdio: 'ignore' }).status === 0

/** Why what a suite runs cannot be made; empty when it can. What Go has compiled by then it need not compile again. */
function hindrance({ dir, prepare }) {
  if (!prepare) return ''
  const { status, signal, stderr } = spawnSync(prepare[0], prepare.slice(1), { cwd: path.join(root, dir), stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8', timeout: PREPARE_MS })
  if (signal) return `${prepare.slice(0, 2).join(' ')} takes more than ${PREPARE_MS / 60_000} minutes; the next run goes on from there`
  return status === 0 ? '' : `${prepare.slice(0, 2).join(' ')} fails: ${stderr.trim().split('\n').at(-1)}`
}

function runSuite({ dir, steps, env: more }, { temp, kubeconfig }) {
  const deadline = performance.now() + SUITE_MS
  return steps(temp).every(([program, ...args]) => {
    const env = { ...process.env, ...more, KUBECONFIG: kubeconfig }
    return spawnSync(program, args, { cwd: path.join(root, dir), env, stdio: ['ignore', 'inherit', 'inherit'], timeout: Math.max(Math.round(deadline - performance.now()), 1) }).status === 0
  })
}

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

const temp = fs.mkdtempSync(path.join(os.tmpdir(), 'orrery-clients-'))
const wanted = process.argv.slice(2)
const { child, kubeconfig } = await startCluster(temp)
let passed = 0
let failed = 0
try {
  for (const suite of suites.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
    const absent = suite.needs.find((command) => !isThere(command))
    if (absent) {
      console.log(`skipped ${suite.name}: ${absent.join(' ')} does not work`)
      continue
    }
    const begun = performance.now()
    const why = hindrance(suite)
    if (why) {
      console.log(`skipped ${suite.name}: ${why}`)
      continue
    }
    const isPassed = runSuite(suite, { temp, kubeconfig })
    console.log(`${isPassed ? 'ok  ' : 'FAIL'} ${suite.name} (${((performance.now() - begun) / 1000).toFixed(0)} s)`)
    if (isPassed) passed++
    else failed++
  }
} finally {
  child.removeAllListeners('exit')
  child.kill('SIGTERM')
  fs.rmSync(temp, { recursive: true, force: true })
}
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed > 0 ? 1 : 0
