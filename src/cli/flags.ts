/** The flags of `orrery up`: the one list that parsing, help, the config file's keys and the README go by. */
import { POD_CIDRS } from '../cluster/options.ts'
import { DEFAULT_SERVICE_CIDR } from '../registry/allocators.ts'
import type { Flag } from './command.ts'

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
export const DEFAULTS = { host: '127.0.0.1', port: 6443, dataDir: '.orrery', nodes: 3, logLevel: 'warn', ingressPort: 8080, ingressTlsPort: 8443 } as const
/** As a data directory: keep everything in memory. */
export const NO_DATA_DIR = 'none'

export interface UpFlag extends Flag {
  value: string
  env: string
  /** The same in the config file; the config file itself has none. */
  key?: string
}

export const upFlags: readonly UpFlag[] = [
  { name: 'port', value: 'N', env: 'ORRERY_PORT', key: 'port', default: String(DEFAULTS.port), summary: 'port of the API server; 0 takes a free one' },
  { name: 'host', value: 'ADDRESS', env: 'ORRERY_HOST', key: 'host', default: DEFAULTS.host, summary: 'address to listen on' },
  { name: 'data-dir', value: 'DIR', env: 'ORRERY_DATA_DIR', key: 'dataDir', default: DEFAULTS.dataDir, summary: 'where the cluster\'s state is kept; "none" keeps it in memory' },
  { name: 'kubeconfig', value: 'FILE', env: 'ORRERY_KUBECONFIG', key: 'kubeconfig', default: 'DIR/kubeconfig', summary: 'where to write the kubeconfig; into an existing one the context "orrery" is merged' },
  { name: 'admin-token', value: 'TOKEN', env: 'ORRERY_ADMIN_TOKEN', key: 'adminToken', summary: 'a bearer token that is an administrator, besides the client certificate' },
  { name: 'nodes', value: 'N', env: 'ORRERY_NODES', key: 'nodes', default: String(DEFAULTS.nodes), summary: 'how many virtual nodes; the config file can say more about them' },
  { name: 'service-cluster-ip-range', value: 'CIDRS', env: 'ORRERY_SERVICE_CLUSTER_IP_RANGE', key: 'serviceClusterIPRange', default: DEFAULT_SERVICE_CIDR, summary: 'from which Services get addresses, as the flag of kube-apiserver; an IPv4 and an IPv6 range, comma-separated, make the cluster dual-stack' },
  { name: 'cluster-cidr', value: 'CIDRS', env: 'ORRERY_CLUSTER_CIDR', key: 'clusterCIDR', default: POD_CIDRS.IPv4, summary: `from which nodes get blocks of addresses for pods, as the flag of kube-controller-manager; with ${POD_CIDRS.IPv6} where Services have IPv6 addresses` },
  { name: 'allow-privileged', value: 'BOOL', env: 'ORRERY_ALLOW_PRIVILEGED', key: 'allowPrivileged', default: 'true with nodes', summary: 'true or false: whether containers may be privileged, as the flag of kube-apiserver' },
  { name: 'controllers', value: 'LIST', env: 'ORRERY_CONTROLLERS', key: 'controllers', default: '*', summary: 'which controllers run, as the flag of kube-controller-manager: "*" is all, "name" one, "-name" all but one, comma-separated' },
  { name: 'scheduler', value: 'BOOL', env: 'ORRERY_SCHEDULER', key: 'scheduler', default: 'true', summary: 'true or false: whether the scheduler runs; false leaves pods to one of your own' },
  { name: 'scheduler-config', value: 'FILE', env: 'ORRERY_SCHEDULER_CONFIG', key: 'schedulerConfig', summary: 'a KubeSchedulerConfiguration, as kube-scheduler takes it' },
  { name: 'images', value: 'FILE', env: 'ORRERY_IMAGES', key: 'images', summary: 'what images do, besides those that are known (docs/images.md); read again when it changes' },
  { name: 'stages', value: 'FILE', env: 'ORRERY_STAGES', key: 'stages', summary: 'what becomes of pods that run nothing, over what is known (docs/images.md)' },
  { name: 'runtime-host', value: 'BOOL', env: 'ORRERY_RUNTIME_HOST', key: 'runtimeHost', default: 'false', summary: 'true or false: whether pods with the annotation orrery.io/runtime: host run as processes of this machine, with your rights (docs/images.md)' },
  { name: 'host-access', value: 'BOOL', env: 'ORRERY_HOST_ACCESS', key: 'hostAccess', default: 'true with nodes', summary: 'true or false: whether node ports, load balancers and Ingresses listen on the loopback address' },
  { name: 'ingress-port', value: 'N', env: 'ORRERY_INGRESS_PORT', key: 'ingressPort', default: String(DEFAULTS.ingressPort), summary: 'where Ingresses are served; a free port when it is taken' },
  { name: 'ingress-tls-port', value: 'N', env: 'ORRERY_INGRESS_TLS_PORT', key: 'ingressTlsPort', default: String(DEFAULTS.ingressTlsPort), summary: 'the same with TLS' },
  { name: 'dns-port', value: 'N', env: 'ORRERY_DNS_PORT', key: 'dnsPort', summary: "where the cluster's names are answered on the loopback address, over UDP and TCP; 0 takes a free one" },
  { name: 'log-level', value: 'LEVEL', env: 'ORRERY_LOG_LEVEL', key: 'logLevel', default: DEFAULTS.logLevel, summary: LOG_LEVELS.join(', ') },
  { name: 'config', value: 'FILE', env: 'ORRERY_CONFIG', summary: 'a YAML file with these settings; flags and variables win over it' },
]
