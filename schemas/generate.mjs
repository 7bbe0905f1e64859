// Writes schemas/data and schemas/types.ts: `node schemas/generate.mjs [--release 1.36.3]` (needs Go), or with --verify
// compares what it would write with what is there.
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { typesSource } from './generator/types.mjs'

const here = path.dirname(fileURLToPath(import.meta.url))
const { values } = parseArgs({ options: { release: { type: 'string' }, verify: { type: 'boolean' } } })
const pinned = /k8s\.io\/api v0\.(\S+)/.exec(fs.readFileSync(path.join(here, 'generator/go.mod'), 'utf8'))?.[1]
const release = values.release ?? `1.${pinned}`

/** Runs Go in a copy of the generator, whose modules are those of the release. */
function writeFacts(out) {
  const source = fs.mkdtempSync(path.join(os.tmpdir(), 'orrery-generator-'))
  try {
    const go = (...args) => execFileSync('go', args, { cwd: source, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 1 << 28 })
    fs.cpSync(path.join(here, 'generator'), source, { recursive: true })
    if (release !== `1.${pinned}`) {
      const modules = ['api', 'apiextensions-apiserver', 'apimachinery', 'client-go', 'kube-aggregator', 'metrics']
      go('get', ...modules.map((m) => `k8s.io/${m}@v0.${release.slice(2)}`))
      go('mod', 'tidy')
    }
    const { Dir } = JSON.parse(go('mod', 'download', '-json', `k8s.io/kubernetes@v${release}`))
    go('run', '.', '-kubernetes', Dir, '-out', out, '-release', release)
  } finally {
    fs.rmSync(source, { recursive: true, force: true })
  }
}

function filesBelow(dir) {
  return fs.existsSync(dir) ? fs.readdirSync(dir).sort() : []
}

function differences(made, kept) {
  return [...new Set([...filesBelow(made), ...filesBelow(kept)])].filter((file) => {
    const [a, b] = [path.join(made, file), path.join(kept, file)]
    return !fs.existsSync(a) || !fs.existsSync(b) || !fs.readFileSync(a).equals(fs.readFileSync(b))
  })
}

const made = fs.mkdtempSync(path.join(os.tmpdir(), 'orrery-schemas-'))
try {
  writeFacts(made)
  const types = typesSource(made, release)
  const data = path.join(here, 'data')
  const typesFile = path.join(here, 'types.ts')
  if (values.verify) {
    const changed = differences(made, data).map((file) => `schemas/data/${file}`)
    if (!fs.existsSync(typesFile) || fs.readFileSync(typesFile, 'utf8') !== types) changed.push('schemas/types.ts')
    for (const file of changed) console.error(`${file} is not what the generator writes for ${release}`)
    if (changed.length === 0) console.log(`schemas are those of Kubernetes ${release}`)
    process.exitCode = changed.length === 0 ? 0 : 1
  } else {
    fs.rmSync(data, { recursive: true, force: true })
    fs.mkdirSync(data)
    for (const file of filesBelow(made)) fs.copyFileSync(path.join(made, file), path.join(data, file))
    fs.writeFileSync(typesFile, types)
  }
} finally {
  fs.rmSync(made, { recursive: true, force: true })
}
