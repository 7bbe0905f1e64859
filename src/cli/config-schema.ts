/** What may stand in the config file, as a JSON schema. */
import { LOG_LEVELS } from './flags.ts'
import { serverFlags } from './server-flags.ts'

const texts = { type: 'object', additionalProperties: { type: 'string' } }

export const configSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    host: { type: 'string', minLength: 1 },
    port: { type: 'integer', minimum: 0, maximum: 65535 },
    dataDir: { type: 'string', minLength: 1 },
    kubeconfig: { type: 'string', minLength: 1 },
    adminToken: { type: 'string', minLength: 1 },
    serviceClusterIPRange: { type: 'string', minLength: 1 },
    clusterCIDR: { type: 'string', minLength: 1 },
    allowPrivileged: { type: 'boolean' },
    controllers: { type: 'array', items: { type: 'string', minLength: 1 } },
    scheduler: { type: 'boolean' },
    schedulerConfig: { type: 'string', minLength: 1 },
    images: { type: 'string', minLength: 1 },
    stages: { type: 'string', minLength: 1 },
    runtimeHost: { type: 'boolean' },
    hostAccess: { type: 'boolean' },
    ingressPort: { type: 'integer', minimum: 0, maximum: 65535 },
    ingressTlsPort: { type: 'integer', minimum: 0, maximum: 65535 },
    dnsPort: { type: 'integer', minimum: 0, maximum: 65535 },
    logLevel: { enum: LOG_LEVELS },
    apiserver: { type: 'object', additionalProperties: false, properties: Object.fromEntries(serverFlags.map(({ name }) => [name, { type: ['string', 'boolean', 'array'], items: { type: 'string' } }])) },
    nodes: {
      type: ['integer', 'array'],
      minimum: 0,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['name'],
        properties: {
          name: { type: 'string', minLength: 1 },
          count: { type: 'integer', minimum: 1 },
          capacity: { type: 'object', additionalProperties: { type: ['string', 'number'] } },
          labels: texts,
          staticPods: { type: 'string', minLength: 1 },
          taints: {
            type: 'array',
            items: {
              type: 'object',
              additionalProperties: false,
              required: ['key', 'effect'],
              properties: { key: { type: 'string' }, value: { type: 'string' }, effect: { enum: ['NoSchedule', 'PreferNoSchedule', 'NoExecute'] } },
            },
          },
        },
      },
    },
  },
} as const

/** What the schema lets through. */
export interface Config {
  host?: string
  port?: number
  dataDir?: string
  kubeconfig?: string
  adminToken?: string
  serviceClusterIPRange?: string
  clusterCIDR?: string
  allowPrivileged?: boolean
  controllers?: string[]
  scheduler?: boolean
  schedulerConfig?: string
  images?: string
  stages?: string
  runtimeHost?: boolean
  hostAccess?: boolean
  ingressPort?: number
  ingressTlsPort?: number
  dnsPort?: number
  logLevel?: string
  /** Flags of kube-apiserver. */
  apiserver?: Record<string, string | boolean | string[]>
  nodes?: number | NodeConfig[]
}

export interface NodeConfig {
  name: string
  /** Makes NAME-1 to NAME-count instead of one NAME. */
  count?: number
  capacity?: Record<string, string | number>
  labels?: Record<string, string>
  taints?: { key: string; value?: string; effect: string }[]
  /** A folder with manifests of static pods. */
  staticPods?: string
}
