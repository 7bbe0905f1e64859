/** The program of upstream's test image: each subcommand is a program of its own. Models test/images/agnhost. */
import { mounttest } from '../agnhost/mounttest.ts'
import { netexec } from '../agnhost/netexec.ts'
import { grpcHealthChecking, liveness, nonewprivs, porter, serveHostname, testWebserver } from '../agnhost/servers.ts'
import { webhook } from '../agnhost/webhook.ts'
import { connect, dnsServerList, dnsSuffix, etcHosts, logsGenerator, pause } from '../agnhost/simple.ts'
import type { Process, Program } from '../process.ts'

const subcommands: Readonly<Record<string, Program>> = {
  connect,
  'dns-server-list': dnsServerList,
  'dns-suffix': dnsSuffix,
  'etc-hosts': etcHosts,
  'grpc-health-checking': grpcHealthChecking,
  liveness,
  'logs-generator': logsGenerator,
  mounttest,
  netexec,
  nonewprivs,
  pause,
  porter,
  'serve-hostname': serveHostname,
  'test-webserver': testWebserver,
  webhook,
}

async function agnhost(process: Process): Promise<number> {
  const [name, ...args] = process.args
  if (name === 'entrypoint-tester') {
    await process.out(`[${process.argv.join(' ')}]\n`)
    return 0
  }
  const run = name === undefined ? undefined : subcommands[name]
  if (!run) {
    await process.err(name === undefined ? 'Usage:\n  app [command]\n' : `Error: unknown command "${name}" for "app"\nRun 'app --help' for usage.\n`)
    return name === undefined ? 0 : 1
  }
  const { argv } = process
  process.argv = [name ?? '', ...args]
  const code = await run(process)
  process.argv = argv
  return code
}

export default { agnhost } satisfies Record<string, Program>
