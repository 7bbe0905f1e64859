/** Flag over variable over config file over default; and what a config file may not say. */
import fs from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { UserError } from '../../src/cli/command.ts'
import { parseConfig } from '../../src/cli/config.ts'
import { upFlags } from '../../src/cli/flags.ts'
import { configSchema } from '../../src/cli/config-schema.ts'
import { resolveSettings } from '../../src/cli/settings.ts'

t.test('defaults', async (t) => {
  const { flags: _all, ...settings } = resolveSettings({ flags: {}, args: [] }, { env: {}, cwd: '/home/me' })
  t.same(settings, {
    host: '127.0.0.1',
    port: 6443,
    dataDir: '/home/me/.orrery',
    kubeconfig: '/home/me/.orrery/kubeconfig',
    adminToken: undefined,
    nodes: [{ name: 'node-1' }, { name: 'node-2' }, { name: 'node-3' }],
    addresses: {},
    allowPrivileged: undefined,
    controllers: ['*'],
    scheduler: true,
    schedulerConfig: undefined,
    hostAccess: { ingressPort: 8080, ingressTlsPort: 8443 },
    server: {},
    logLevel: 'warn',
  })
})

t.test('the first that says something wins', async (t) => {
  const dir = t.testdir({ 'orrery.yaml': 'port: 1\nhost: "::1"\ndataDir: state\nkubeconfig: none-of-that\nnodes: 1\nlogLevel: error\nadminToken: abc\nallowPrivileged: false\ncontrollers: ["*", -job-controller]\nscheduler: false\ndnsPort: 0\n' })
  const config = path.join(dir, 'orrery.yaml')
  const { flags, ...fromConfig } = resolveSettings({ flags: { config }, args: [] }, { env: {}, cwd: '/' })
  t.same(fromConfig, { host: '::1', port: 1, dataDir: `${dir}/state`, kubeconfig: `${dir}/none-of-that`, adminToken: 'abc', nodes: [{ name: 'node-1' }], addresses: {}, allowPrivileged: false, controllers: ['*', '-job-controller'], scheduler: false, schedulerConfig: undefined, hostAccess: { ingressPort: 8080, ingressTlsPort: 8443, dnsPort: 0 }, server: {}, logLevel: 'error' })
  t.match(flags, { config, port: '1', 'admin-token': 'CLASSIFIED', controllers: '["*","-job-controller"]', images: '', 'authorization-mode': '[Node,RBAC]' }, 'secrets are not told')
  const env = { ORRERY_CONFIG: config, ORRERY_PORT: '2', ORRERY_DATA_DIR: 'here', ORRERY_NODES: '0', ORRERY_ADMIN_TOKEN: '', ORRERY_LOG_LEVEL: 'info' }
  const fromEnv = resolveSettings({ flags: {}, args: [] }, { env, cwd: '/work' })
  t.match(fromEnv, { host: '::1', port: 2, dataDir: '/work/here', adminToken: 'abc', nodes: [], logLevel: 'info' })
  const fromFlags = resolveSettings({ flags: { 'allow-privileged': 'true', controllers: '-*,ttl-controller', port: '3', 'data-dir': 'none', host: 'localhost', 'admin-token': 'xyz', nodes: '2' }, args: [] }, { env, cwd: '/work' })
  t.match(fromFlags, { host: 'localhost', port: 3, adminToken: 'xyz', allowPrivileged: true, controllers: ['-*', 'ttl-controller'], logLevel: 'info' })
  t.equal(fromFlags.dataDir, undefined)
  t.equal(fromFlags.nodes.length, 2)
  t.throws(() => resolveSettings({ flags: {}, args: [] }, { env: { ORRERY_PROT: '1' }, cwd: '/' }), /^unknown environment variable ORRERY_PROT \(did you mean "ORRERY_PORT"\?\)/)
})

t.test('ranges of addresses', async (t) => {
  const dir = t.testdir({ 'orrery.yaml': 'serviceClusterIPRange: fd00:10:96::7/112,10.96.0.0/16\n' })
  const ranges = (flags: Record<string, string>) => resolveSettings({ flags, args: [] }, { env: {}, cwd: dir }).addresses
  t.same(ranges({ config: 'orrery.yaml' }), { serviceCIDRs: ['fd00:10:96::/112', '10.96.0.0/16'] })
  t.same(ranges({ 'cluster-cidr': '10.0.0.0/12' }), { podCIDRs: ['10.0.0.0/12'] })
  const refused: readonly (readonly [services: string, pods: string, complaint: string])[] = [
    ['10.96.0.0/16,10.97.0.0/16', '10.244.0.0/16', '--service-cluster-ip-range: "10.96.0.0/16,10.97.0.0/16" has two ranges of one IP family'],
    ['10.96.0.0/16,fd00::/112,fd01::/112', '10.244.0.0/16', '--service-cluster-ip-range: "10.96.0.0/16,fd00::/112,fd01::/112" has more than two ranges'],
    ['10.96.0.0/31', '10.244.0.0/16', '--service-cluster-ip-range: not a service range of /8 to /30: 10.96.0.0/31'],
    ['fd00::/112', '10.244.0.0/16', '--service-cluster-ip-range: "fd00::/112" has no IPv4 range: Services with IPv6 addresses alone are not supported'],
    ['10.96.0.0/16', 'fd00::/56', '--cluster-cidr: "fd00::/56" has no IPv4 range: pods with IPv6 addresses alone are not supported'],
    ['10.96.0.0/16', '10.244.0.0/25', '--cluster-cidr: not a range of /8 to /24 for pods: 10.244.0.0/25'],
    ['10.96.0.0/16,fd00::/112', '10.244.0.0/16', '--cluster-cidr: "10.244.0.0/16" has no IPv6 range, of which --service-cluster-ip-range has one'],
  ]
  for (const [services, pods, complaint] of refused) t.throws(() => ranges({ 'service-cluster-ip-range': services, 'cluster-cidr': pods }), new UserError(complaint))
})

t.test('nodes of the config', async (t) => {
  const dir = t.testdir({
    'orrery.yaml': 'nodes:\n- name: big\n  count: 2\n  capacity: {cpu: 8, memory: 32Gi}\n  labels: {disk: ssd}\n- name: odd\n  taints: [{key: dedicated, effect: NoSchedule}]\n',
  })
  t.same(resolveSettings({ flags: { config: 'orrery.yaml' }, args: [] }, { env: {}, cwd: dir }).nodes, [
    { name: 'big-1', capacity: { cpu: '8', memory: '32Gi' }, labels: { disk: 'ssd' } },
    { name: 'big-2', capacity: { cpu: '8', memory: '32Gi' }, labels: { disk: 'ssd' } },
    { name: 'odd', taints: [{ key: 'dedicated', effect: 'NoSchedule' }] },
  ])
})

/** A config file → the complaint, which begins with file and line. */
const faulty: readonly (readonly [string, string])[] = [
  ['prot: 1', 'f:1: unknown key "prot" (did you mean "port"?); known here: host, port, dataDir, kubeconfig, adminToken, serviceClusterIPRange, clusterCIDR, allowPrivileged, controllers, scheduler, schedulerConfig, images, stages, runtimeHost, hostAccess, ingressPort, ingressTlsPort, dnsPort, logLevel, apiserver, nodes'],
  ['host: a\nport: many', 'f:2: "port" must be of type integer'],
  ['port: 70000', 'f:1: "port" must be <= 65535'],
  ['# a comment\n\nlogLevel: loud', 'f:3: "logLevel" must be one of fatal, error, warn, info, debug, trace, silent'],
  ['nodes: three', 'f:1: "nodes" must be of type integer or array'],
  ['nodes:\n- name: a\n- nam: b', 'f:3: unknown key "nodes[1].nam" (did you mean "name"?); known here: name, count, capacity, labels, staticPods, taints'],
  ['nodes:\n- capacity: {cpu: 1}', 'f:2: nodes[0] lacks "name"'],
  ['nodes:\n- name: a\n  capacity:\n    cpu: 1\n    memory: lots', 'f:5: "nodes[0].capacity.memory": "lots" is no quantity such as 500m, 4 or 16Gi'],
  ['nodes:\n- name: a\n  taints:\n  - key: k\n    effect: Never', 'f:5: "nodes[0].taints[0].effect" must be one of NoSchedule, PreferNoSchedule, NoExecute'],
  ['nodes:\n- name: a\n- name: a', 'f:3: "nodes[1].name": there are two nodes called a'],
  ['- a list', 'f:1: "the configuration" must be of type object'],
]

t.test('faulty config files', async (t) => {
  for (const [text, complaint] of faulty) t.throws(() => parseConfig(text, 'f'), new UserError(complaint), text)
  t.throws(() => parseConfig('nodes:\n- name: Not_a_name', 'f'), /^f:2: "nodes\[0\]\.name": a lowercase RFC 1123 subdomain must consist of/)
  t.throws(() => parseConfig('port: 1\nport: 2', 'f'), /^f:2: Map keys must be unique/)
  t.throws(() => parseConfig('port: [1', 'f'), /^f:\d: /)
  t.same(parseConfig('', 'f'), {})
})

t.test('flags, config keys and README name the same settings', async (t) => {
  t.same([...upFlags.flatMap((f) => f.key ?? []), 'apiserver'].sort(), Object.keys(configSchema.properties).sort())
  const readme = fs.readFileSync('README.md', 'utf8')
  for (const { name, value, env, key, default: fallback, summary } of upFlags) {
    const row = readme.split('\n').find((line) => line.startsWith(`| \`--${name} ${value}\``))
    t.ok(row, `--${name} is in the README`)
    t.same(row?.split('|').slice(2, -1).map((cell) => cell.trim()), [`\`${env}\``, key ? `\`${key}\`` : '', fallback ? `\`${fallback}\`` : '', summary])
  }
  t.equal(readme.split('\n').filter((line) => line.startsWith('| `--')).length, upFlags.length)
})

t.test('docker-compose.yml sets variables that exist', async (t) => {
  const compose = parse(fs.readFileSync('docker-compose.yml', 'utf8')) as { services: { orrery: { environment: Record<string, string> } } }
  const known = upFlags.map((f) => f.env)
  t.same(Object.keys(compose.services.orrery.environment).filter((name) => !known.includes(name)), [])
})
