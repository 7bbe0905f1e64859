/** What `orrery up` runs with: of flag, variable, config file and default the first that says something. */
import fs from 'node:fs'
import path from 'node:path'
import type { NodeOptions } from '../cluster.ts'
import type { HostAccessOptions } from '../network/host-access.ts'
import { buildProfiles } from '../scheduler/build.ts'
import { loadSchedulerConfig } from '../scheduler/config/load.ts'
import type { SchedulerConfig } from '../scheduler/config/types.ts'
import { plugins } from '../scheduler/registry.ts'
import type { AddressRanges } from '../cluster/options.ts'
import { addressRangesOf } from './address-ranges.ts'
import { UserError, type Call, type Io } from './command.ts'
import { nodeNames, readConfig } from './config.ts'
import type { Config, NodeConfig } from './config-schema.ts'
import { serverFlagValues, upFlagValues } from './flag-values.ts'
import { DEFAULTS, LOG_LEVELS, NO_DATA_DIR, upFlags } from './flags.ts'
import { serverFlags } from './server-flags.ts'
import { serverOptions, type ServerOptions } from './server-options.ts'
import { suggestion } from '../apimachinery/suggestion.ts'

export interface Settings {
  host: string
  port: number
  /** Absolute; undefined is memory. */
  dataDir: string | undefined
  /** Absolute. */
  kubeconfig: string
  adminToken: string | undefined
  nodes: NodeOptions[]
  /** Where Services and pods get addresses; the usual ranges where nothing is said. */
  addresses: Partial<AddressRanges>
  /** undefined: where there are nodes. */
  allowPrivileged: boolean | undefined
  /** As `--controllers` of kube-controller-manager. */
  controllers: readonly string[]
  scheduler: boolean
  /** undefined: upstream's defaults. */
  schedulerConfig: SchedulerConfig | undefined
  /** Absolute: a file that says what images do. */
  images: string | undefined
  /** Absolute: a file that says what becomes of pods that run nothing. */
  stages: string | undefined
  /** Whether containers may run as processes of this machine. */
  runtimeHost: boolean | undefined
  /** undefined: nothing listens but the API server. */
  hostAccess: HostAccessOptions | undefined
  /** What flags of kube-apiserver say. */
  server: ServerOptions
  logLevel: string
  /** What was set, by flag, as one may show it. */
  flags: Readonly<Record<string, string>>
}

/** A value and where it was said, for error messages. */
interface Given {
  text: string
  origin: string
}

export function resolveSettings({ flags }: Call, { env, cwd }: Pick<Io, 'env' | 'cwd'>): Settings {
  refuseUnknownVariables(env)
  const given = (name: string): Given | undefined => {
    const flag = upFlags.find((f) => f.name === name)
    const said = flags[name]
    if (typeof said === 'string') return { text: said, origin: `--${name}` }
    const variable = flag && env[flag.env]
    return variable ? { text: variable, origin: flag.env } : undefined
  }
  const configFile = given('config')
  const configPath = configFile && path.resolve(cwd, configFile.text)
  const config = configPath ? readConfig(configPath) : {}
  const configDir = configPath ? path.dirname(configPath) : cwd
  const said = Object.fromEntries(serverFlags.map(({ name, value }) => [name, serverText(flags[name], cwd, value) ?? serverText(config.apiserver?.[name], configDir, value)] as const))
  const server = serverOptions(said)
  return { ...combine(given, config, { server, cwd, configDir }), flags: { ...upFlagValues((name) => given(name)?.text, config), ...serverFlagValues(said) } }
}

/** A file is relative to where it was written down. */
function serverText(said: unknown, dir: string, kind: string): string | undefined {
  if (said === undefined || typeof said === 'object') return Array.isArray(said) ? said.join(',') : undefined
  return kind === 'FILE' && said !== '-' ? path.resolve(dir, String(said)) : String(said)
}

type Lookup = (name: string) => Given | undefined

function combine(given: Lookup, config: Config, { cwd, configDir, server }: { cwd: string; configDir: string; server: ServerOptions }): Omit<Settings, 'flags'> {
  /** A path is relative to where it was written: the working directory, or the config file's own. */
  const place = (name: string, configured: string | undefined) => {
    const said = given(name)
    if (said) return said.text === NO_DATA_DIR ? NO_DATA_DIR : path.resolve(cwd, checked(said, said.text !== '', 'a path'))
    return configured === undefined || configured === NO_DATA_DIR ? configured : path.resolve(configDir, configured)
  }
  const stateDir = place('data-dir', config.dataDir) ?? path.resolve(cwd, DEFAULTS.dataDir)
  const dataDir = stateDir === NO_DATA_DIR ? undefined : stateDir
  const nodes = nodesOf(integerOf(given('nodes'), { max: 100_000, what: 'a number of nodes' }) ?? config.nodes ?? DEFAULTS.nodes, configDir)
  return {
    host: textOf(given('host'), 'an address') ?? config.host ?? DEFAULTS.host,
    port: integerOf(given('port'), { max: 65535, what: 'a port' }) ?? config.port ?? DEFAULTS.port,
    dataDir,
    kubeconfig: place('kubeconfig', config.kubeconfig) ?? path.join(dataDir ?? path.resolve(cwd, DEFAULTS.dataDir), 'kubeconfig'),
    adminToken: textOf(given('admin-token'), 'a token') ?? config.adminToken,
    nodes,
    addresses: addressRangesOf(saidOf(given('service-cluster-ip-range'), config.serviceClusterIPRange, 'serviceClusterIPRange'), saidOf(given('cluster-cidr'), config.clusterCIDR, 'clusterCIDR')),
    allowPrivileged: booleanOf(given('allow-privileged')) ?? config.allowPrivileged,
    controllers: textOf(given('controllers'), 'a list of controllers')?.split(',') ?? config.controllers ?? ['*'],
    scheduler: booleanOf(given('scheduler')) ?? config.scheduler ?? true,
    schedulerConfig: schedulerConfigOf(place('scheduler-config', config.schedulerConfig)),
    images: place('images', config.images),
    stages: place('stages', config.stages),
    runtimeHost: booleanOf(given('runtime-host')) ?? config.runtimeHost,
    hostAccess: hostAccessOf(given, config, nodes.length > 0),
    server,
    logLevel: oneOf(given('log-level'), LOG_LEVELS) ?? config.logLevel ?? DEFAULTS.logLevel,
  }
}

function hostAccessOf(given: Lookup, config: Config, byDefault: boolean): HostAccessOptions | undefined {
  const port = (name: string) => integerOf(given(name), { max: 65535, what: 'a port' })
  const dnsPort = port('dns-port') ?? config.dnsPort
  const options = {
    ingressPort: port('ingress-port') ?? config.ingressPort ?? DEFAULTS.ingressPort,
    ingressTlsPort: port('ingress-tls-port') ?? config.ingressTlsPort ?? DEFAULTS.ingressTlsPort,
    ...(dnsPort === undefined ? {} : { dnsPort }),
  }
  return (booleanOf(given('host-access')) ?? config.hostAccess ?? byDefault) ? options : undefined
}

function checked(given: Given, isGood: boolean, what: string): string {
  if (isGood) return given.text
  throw new UserError(`${given.origin}: "${given.text}" is not ${what}`)
}

function booleanOf(given: Given | undefined): boolean | undefined {
  return given && checked(given, given.text === 'true' || given.text === 'false', 'true or false') === 'true'
}

function saidOf(given: Given | undefined, configured: string | undefined, key: string): Given | undefined {
  return given ?? (configured === undefined ? undefined : { text: configured, origin: key })
}

function textOf(given: Given | undefined, what: string): string | undefined {
  return given && checked(given, /^\S+$/.test(given.text), what)
}

function integerOf(given: Given | undefined, { max, what }: { max: number; what: string }): number | undefined {
  return given && Number(checked(given, /^\d{1,6}$/.test(given.text) && Number(given.text) <= max, `${what} (0 to ${max})`))
}

function oneOf(given: Given | undefined, known: readonly string[]): string | undefined {
  return given && checked(given, known.includes(given.text), `one of ${known.join(', ')}`)
}

function nodesOf(nodes: number | NodeConfig[], dir: string): NodeOptions[] {
  if (typeof nodes === 'number') return nodes > 0 ? nodeOptions({ name: 'node', count: nodes }, dir) : []
  return nodes.flatMap((node) => nodeOptions(node, dir))
}

function nodeOptions(node: NodeConfig, dir: string): NodeOptions[] {
  const { capacity, labels, taints, staticPods } = node
  const quantities = capacity && Object.fromEntries(Object.entries(capacity).map(([name, quantity]) => [name, String(quantity)]))
  const rest = { ...(quantities ? { capacity: quantities } : {}), ...(labels ? { labels } : {}), ...(taints ? { taints } : {}), ...(staticPods === undefined ? {} : { staticPods: path.resolve(dir, staticPods) }) }
  return nodeNames(node).map((name) => ({ name, ...rest }))
}

function schedulerConfigOf(file: string | undefined): SchedulerConfig | undefined {
  if (file === undefined) return undefined
  try {
    const config = loadSchedulerConfig(fs.readFileSync(file, 'utf8'), plugins)
    buildProfiles(config, plugins)
    return config
  } catch (error) {
    throw new UserError(`the scheduler's configuration ${file}: ${error instanceof Error ? error.message : error}`, { cause: error })
  }
}

function refuseUnknownVariables(env: Io['env']): void {
  const known = upFlags.map((f) => f.env)
  const unknown = Object.keys(env).find((name) => name.startsWith('ORRERY_') && !known.includes(name))
  if (unknown) throw new UserError(`unknown environment variable ${unknown}${suggestion(unknown, known)}; known are ${known.join(', ')}`)
}
