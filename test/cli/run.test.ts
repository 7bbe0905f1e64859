/** What a command line is understood as, and what is printed when it is not. */
import t from 'tap'
import { allCommands, run } from '../../src/cli/run.ts'
import { testIo } from './test-io.ts'

async function call(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const io = testIo()
  const code = await run(argv, io)
  return { code, out: io.printed(), err: io.complained() }
}

t.test('help', async (t) => {
  const { code, out } = await call('--help')
  t.equal(code, 0)
  for (const command of allCommands()) t.match(out, new RegExp(`^  ${command.name} +${command.summary}`, 'm'))
  t.equal((await call()).out, out)
  t.equal((await call('help')).out, out)
  for (const command of allCommands()) {
    const help = (await call('help', command.name)).out
    t.match(help, `Usage: orrery ${command.name}`)
    for (const flag of command.flags) t.match(help, `--${flag.name}`)
    t.equal((await call(command.name, '--help')).out, help)
  }
})

t.test('version', async (t) => {
  t.match((await call('version')).out, /^orrery \d+\.\d+\.\d+ \(Kubernetes v1\.36\.\d+\)\n$/)
  t.equal((await call('--version')).out, (await call('version')).out)
})

/** Command line → the one line that is printed. */
const mistakes: readonly (readonly [string, RegExp])[] = [
  ['upp', /^orrery: unknown command "upp" \(did you mean "up"\?\); "orrery --help" lists them\n$/],
  ['frobnicate', /^orrery: unknown command "frobnicate"; "orrery --help" lists them\n$/],
  ['help upp', /^orrery: unknown command "upp"/],
  ['up --prot 1', /^orrery: unknown flag --prot \(did you mean "port"\?\); "orrery help up" lists them\n$/],
  ['up -x', /^orrery: unknown flag -x; "orrery help up" lists them\n$/],
  ['up --port', /^orrery: flag --port needs a value: --port N\n$/],
  ['up extra', /^orrery: unexpected argument "extra"; "orrery help up" shows the usage\n$/],
  ['version --help=yes', /^orrery: flag --help takes no value\n$/],
  ['up --port 70000', /^orrery: --port: "70000" is not a port \(0 to 65535\)\n$/],
  ['up --port=-1', /^orrery: --port: "-1" is not a port \(0 to 65535\)\n$/],
  ['up --nodes many', /^orrery: --nodes: "many" is not a number of nodes/],
  ['up --log-level loud', /^orrery: --log-level: "loud" is not one of fatal, error, /],
  ['up --config nosuch.yaml', /^orrery: cannot read the config file \S+nosuch\.yaml: ENOENT/],
  ['up --kubeconfig /dev/null/kubeconfig', /^orrery: cannot write the kubeconfig \/dev\/null\/kubeconfig: E/],
]

for (const [line, complaint] of mistakes) {
  t.test(`orrery ${line}`, async (t) => {
    const { code, out, err } = await call(...line.split(' '))
    t.equal(code, 1)
    t.equal(out, '')
    t.match(err, complaint)
  })
}
