// `npm run chaos -- --minutes 10 [--seed N] [--pods-per-node N]`: the chaos test, long and on the host's clock.
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { root } from './esbuild-options.mjs'

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string', default: '1' }, 'pods-per-node': { type: 'string', default: '250' } } })
const seconds = Math.ceil((Number(values.minutes) + 27) * 60)
const { status } = spawnSync(process.execPath, [path.join(root, 'scripts', 'test.mjs'), 'test/chaos', `--timeout=${seconds}`], {
  env: { ...process.env, CHAOS_MINUTES: values.minutes, CHAOS_SEED: values.seed, CHAOS_PODS: values['pods-per-node'] },
  stdio: 'inherit',
})
process.exitCode = status ?? 1
