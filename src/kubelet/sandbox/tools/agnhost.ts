/** The program of upstream's test image: each subcommand is a program of its own. Models test/images/agnhost. */
import { auditProxy } from '../agnhost/audit-proxy.ts'
import { net, portForwardTester, tcpReset } from '../agnhost/connections.ts'
import { resourceConsumer, resourceConsumerController, allocatingStress, stress } from '../agnhost/consumer.ts'
import { conversionWebhook } from '../agnhost/conversion.ts'
import { externalMetrics, fakeGitServer, fakeRegistryServer } from '../agnhost/fakes.ts'
import { guestbook } from '../agnhost/guestbook.ts'
import { inClusterClient } from '../agnhost/in-cluster-client.ts'
import { issuerDiscovery } from '../agnhost/issuer-discovery.ts'
import { mounttest } from '../agnhost/mounttest.ts'
import { mtlsClient, mtlsServer } from '../agnhost/mtls.ts'
import { netexec } from '../agnhost/netexec.ts'
import { nettest } from '../agnhost/nettest.ts'
import { noSnatTest, noSnatTestProxy } from '../agnhost/no-snat.ts'
import { grpcHealthChecking, liveness, nonewprivs, porter, serveHostname, testWebserver } from '../agnhost/servers.ts'
import { webhook } from '../agnhost/webhook.ts'
import { connect, dnsServerList, dnsSuffix, etcHosts, logsGenerator, pause } from '../agnhost/simple.ts'
import type { Process, Program } from '../process.ts'

const subcommands: Readonly<Record<string, Program>> = {
  'audit-proxy': auditProxy,
  connect,
  'crd-conversion-webhook': conversionWebhook,
  'dns-server-list': dnsServerList,
  'dns-suffix': dnsSuffix,
  'etc-hosts': etcHosts,
  'external-metrics': externalMetrics,
  'fake-gitserver': fakeGitServer,
  'fake-registry-server': fakeRegistryServer,
  'grpc-health-checking': grpcHealthChecking,
  guestbook,
  inclusterclient: inClusterClient,
  liveness,
  'logs-generator': logsGenerator,
  mounttest,
  mtlsclient: mtlsClient,
  mtlsserver: mtlsServer,
  net,
  netexec,
  nettest,
  'no-snat-test': noSnatTest,
  'no-snat-test-proxy': noSnatTestProxy,
  nonewprivs,
  pause,
  'port-forward-tester': portForwardTester,
  porter,
  'resource-consumer-controller': resourceConsumerController,
  'serve-hostname': serveHostname,
  stress: allocatingStress,
  'tcp-reset': tcpReset,
  'test-service-account-issuer-discovery': issuerDiscovery,
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
  process.shownArgv = argv
  process.argv = [name ?? '', ...args]
  const code = await run(process)
  process.argv = argv
  return code
}

export default { agnhost, 'resource-consumer': resourceConsumer, 'allocating-stress': allocatingStress, stress } satisfies Record<string, Program>
