/** What a cluster is told when it starts, and what is the same in each. */
import type { Logger } from 'pino'
import type { AdmissionOptions } from '../admission/plugins.ts'
import { familyOf, nthAddress } from '../apimachinery/ip-address.ts'
import { ADMIN_GROUP } from '../auth/authenticate.ts'
import type { AuthenticationOptions } from '../auth/authentication.ts'
import type { AuthorizationOptions } from '../auth/modes.ts'
import type { Clock, Random } from '../clock.ts'
import type { ControllerSettings } from '../controller/controller.ts'
import type { HostAccessOptions } from '../network/host-access.ts'
import { DEFAULT_SERVICE_CIDR } from '../registry/allocators.ts'
import type { UserInfo } from '../registry/kind.ts'
import type { SchedulerConfig } from '../scheduler/config/types.ts'
import type { AuditOptions } from './auditing.ts'

export interface NodeOptions {
  name: string
  capacity?: Record<string, string>
  labels?: Record<string, string>
  taints?: { key: string; value?: string; effect: string }[]
  /** A folder of the host with manifests of static pods. */
  staticPods?: string
}

export interface ClusterOptions {
  host: string
  /** 0 takes a free one. */
  port: number
  /** Where state and keys are kept; undefined keeps all in memory. */
  dataDir: string | undefined
  /** Where Services and pods get their addresses; with ranges of both families the cluster is dual-stack. */
  addresses?: Partial<AddressRanges>
  /** A bearer token of an administrator, besides the client certificate. */
  adminToken?: string
  nodes: NodeOptions[]
  logLevel: string
  /** Containers may be privileged. Unless told: where there are nodes, as distributions set it; upstream's own default is no. */
  allowPrivileged?: boolean
  /** Which controllers run, as `--controllers` of kube-controller-manager says it; all unless told. */
  controllers?: readonly string[]
  /** Whether the scheduler runs; it does unless told. */
  scheduler?: boolean
  /** Admission plugins to switch on or off, and what they are configured with. */
  admission?: AdmissionOptions
  /** Which requests are written down, and where. */
  audit?: AuditOptions
  /** How users are known. */
  authentication?: AuthenticationOptions
  /** Who decides what a user may do. */
  authorization?: AuthorizationOptions
  /** How it places pods; by upstream's defaults unless told. */
  schedulerConfig?: SchedulerConfig
  /** Services, Ingresses and names on ports of the host's loopback address; nothing unless told. */
  hostAccess?: HostAccessOptions
  /** Containers may run as processes of this machine, with its user's rights, where they ask for it. Never unless told. */
  runsOnHost?: boolean
  /** A file that says what images do, besides those that are known. */
  images?: string
  /** A file that says what becomes of pods that run nothing, over what is known. */
  stages?: string
  /** What was set from outside, by flag, for whoever asks `/flagz`. */
  flags?: Readonly<Record<string, string>>
  clock?: Clock
  random?: Random
  log?: Logger
  /** Freezes objects that are shared, so that a stray write throws (tests). */
  freeze?: boolean
}

/** Where the parts of the cluster find each other. */
export const SETTINGS: Omit<ControllerSettings, 'rootCA' | 'clusterDNS' | keyof AddressRanges> = {
  loadBalancerCIDR: '172.18.255.0/24',
  clusterName: 'orrery',
}

/** One range each, or two of different families; the first is the default one. */
export type AddressRanges = Pick<ControllerSettings, 'serviceCIDRs' | 'podCIDRs'>

/** Where pods get addresses unless told, by family. */
export const POD_CIDRS = { IPv4: '10.244.0.0/16', IPv6: 'fd00:10:244::/56' } as const

/** The tenth address of the Services' range, as kubeadm gives it to the cluster's DNS. */
export function clusterDNS({ serviceCIDRs: [range = ''] }: Pick<AddressRanges, 'serviceCIDRs'>): string {
  return nthAddress(range, 10)
}

/** Those asked for; pods have addresses of the families of the Services unless told. */
export function addressRanges({ serviceCIDRs = [DEFAULT_SERVICE_CIDR], podCIDRs = serviceCIDRs.map((text) => POD_CIDRS[familyOf(text)]) }: Partial<AddressRanges> = {}): AddressRanges {
  return { serviceCIDRs, podCIDRs }
}

/** The API server's own user, and that of the parts it trusts. */
export const SYSTEM: UserInfo = { name: 'system:apiserver', groups: [ADMIN_GROUP] }

/** Where pods find the API server, on the network of the nodes. */
export const ADVERTISED = { IPv4: '172.18.0.1', IPv6: 'fc00:f853:ccd:e793::1' } as const
