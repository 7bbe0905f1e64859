/** `orrery up`: one cluster, from its start to Ctrl-C. */
import path from 'node:path'
import { version } from '../../../package.json'
import { KUBERNETES_VERSION } from '../../apiserver/version.ts'
import { startCluster, type Cluster } from '../../cluster.ts'
import { defineCommand, type Call, type Io } from '../command.ts'
import { upFlags } from '../flags.ts'
import { serverFlags } from '../server-flags.ts'
import { prepareKubeconfig } from '../kubeconfig-file.ts'
import { resolveSettings, type Settings } from '../settings.ts'
import { explainStartError } from '../start-error.ts'

export default defineCommand({
  name: 'up',
  summary: 'Start a cluster and serve it until Ctrl-C',
  description: 'A setting comes from its flag, else its variable, else the config file, else the default. What the\ncluster holds is kept in the data directory and is there again on the next start.',
  flags: [...upFlags, ...serverFlags],
  run: up,
})

async function up(call: Call, io: Io): Promise<number> {
  const settings = resolveSettings(call, io)
  const writeKubeconfig = prepareKubeconfig(settings.kubeconfig)
  const cluster = await start(settings)
  try {
    writeKubeconfig(cluster.kubeconfig())
    io.out(welcome(settings, cluster, io))
    await io.stopped
    io.out('Stopping …')
  } finally {
    await cluster.close()
  }
  io.out(settings.dataDir ? `Stopped. The state is in ${shown(settings.dataDir, io)}.` : 'Stopped.')
  return 0
}

async function start(settings: Settings): Promise<Cluster> {
  const { host, port, dataDir, adminToken, nodes, addresses, allowPrivileged, controllers, scheduler, schedulerConfig, images, stages, runtimeHost, hostAccess, logLevel, server, flags } = settings
  try {
    return await startCluster({ ...server, host, port, dataDir, nodes, addresses, controllers, scheduler, logLevel, flags, runsOnHost: runtimeHost ?? false, ...(adminToken ? { adminToken } : {}), ...(allowPrivileged === undefined ? {} : { allowPrivileged }), ...(schedulerConfig ? { schedulerConfig } : {}), ...(images ? { images } : {}), ...(stages ? { stages } : {}), ...(hostAccess ? { hostAccess } : {}) })
  } catch (error) {
    throw explainStartError(error, settings)
  }
}

function welcome({ dataDir, kubeconfig, nodes }: Settings, cluster: Cluster, io: Io): string {
  return [
    `Orrery ${version}, Kubernetes ${KUBERNETES_VERSION}: ready in ${(io.uptimeMs() / 1000).toFixed(1)} s`,
    '',
    `  server  ${cluster.url}`,
    `  nodes   ${nodes.length}`,
    ...(cluster.hostAccess ? [`  ingress http://127.0.0.1:${cluster.hostAccess.ingress.httpPort}, https://127.0.0.1:${cluster.hostAccess.ingress.httpsPort}`] : []),
    ...(cluster.hostAccess?.dnsPort ? [`  dns     127.0.0.1:${cluster.hostAccess.dnsPort}`] : []),
    `  state   ${dataDir ? shown(dataDir, io) : 'in memory'}`,
    '',
    'In another terminal:',
    '',
    `  export KUBECONFIG=${shellWord(kubeconfig)}`,
    '  kubectl get nodes',
    '',
    'Ctrl-C stops the cluster.',
  ].join('\n')
}

/** A path as the user would type it. */
function shown(file: string, { cwd }: Io): string {
  const relative = path.relative(cwd, file)
  return relative.startsWith('..') || relative === '' ? file : relative
}

function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
