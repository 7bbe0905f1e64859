/**
 * The checks behind /livez, /readyz and /healthz, by upstream's names. A cluster starts as one here, so what upstream calls
 * its hooks after start has ended when the cluster is ready. Models k8s.io/apiserver/pkg/server/healthz.go.
 */
import { quote } from '../errors.ts'
import type { ApiRequest, ApiResponse } from './request.ts'

const HOOKS = [
  'start-apiserver-admission-initializer', 'generic-apiserver-start-informers', 'priority-and-fairness-config-consumer', 'priority-and-fairness-filter', 'storage-object-count-tracker-hook',
  'start-apiextensions-informers', 'start-apiextensions-controllers', 'crd-informer-synced', 'start-system-namespaces-controller', 'peer-endpoint-reconciler-controller',
  'start-cluster-authentication-info-controller', 'start-kube-apiserver-identity-lease-controller', 'start-kube-apiserver-identity-lease-garbage-collector', 'storage-readiness',
  'start-legacy-token-tracking-controller', 'start-service-ip-repair-controllers', 'rbac/bootstrap-roles', 'scheduling/bootstrap-system-priority-classes', 'priority-and-fairness-config-producer',
  'bootstrap-controller', 'start-kubernetes-service-cidr-controller', 'aggregator-reload-proxy-client-cert', 'start-kube-aggregator-informers', 'apiservice-status-local-available-controller',
  'apiservice-status-remote-available-controller', 'apiservice-registration-controller', 'apiservice-discovery-controller', 'kube-apiserver-autoregistration',
].map((name) => `poststarthook/${name}`)
const AFTER_START = [...HOOKS, 'autoregister-completion', 'poststarthook/apiservice-openapi-controller', 'poststarthook/apiservice-openapiv3-controller']
const LIVE = ['ping', 'log', 'loopback-serving-certificate', 'etcd', ...AFTER_START]
const CHECKS: Readonly<Record<string, readonly string[]>> = {
  healthz: LIVE,
  livez: LIVE,
  readyz: ['ping', 'log', 'etcd', 'etcd-readiness', 'informer-sync', ...AFTER_START, 'shutdown'],
}
const ALL_CHECKS = Object.entries(CHECKS).flatMap(([kind, names]) => names.map((name) => ({ kind, name })))

/** What a check needs: nothing but a server that answers, a cluster that has started, or one that is not ending. */
export interface ServerState {
  ready: boolean
}

const NEEDS_NOTHING = new Set(['ping', 'log', 'loopback-serving-certificate', 'etcd', 'etcd-readiness', 'shutdown'])
const HEALTH = /^\/(healthz|livez|readyz)(?:\/(.+))?$/

export class Health {
  readonly #state: ServerState

  constructor(state: ServerState) {
    this.#state = state
  }

  static readonly paths: readonly string[] = [...Object.keys(CHECKS).map((kind) => `/${kind}`), ...ALL_CHECKS.map(({ kind, name }) => `/${kind}/${name}`)]

  /** undefined for another path, or a check that there is not */
  respond({ path, query }: Pick<ApiRequest, 'path' | 'query'>): ApiResponse | undefined {
    const [, kind = '', only] = HEALTH.exec(path) ?? []
    const names = CHECKS[kind]
    if (!names) return undefined
    if (only === undefined) return this.#respondAll(kind, names, query)
    if (!names.includes(only)) return undefined
    const problem = this.problem(only)
    return problem === undefined ? plain('ok', 200) : refused(`internal server error: ${problem}\n`)
  }

  /** Why a check fails. */
  problem(name: string): string | undefined {
    return this.#state.ready || NEEDS_NOTHING.has(name) ? undefined : 'not finished'
  }

  /** Each check and whether it passes, for the metrics about them. */
  get results(): { kind: string; name: string; passes: boolean }[] {
    return ALL_CHECKS.map(({ kind, name }) => ({ kind, name, passes: this.problem(name) === undefined }))
  }

  #respondAll(kind: string, names: readonly string[], query: ApiRequest['query']): ApiResponse {
    const excluded = new Set(query.getAll('exclude').filter((name) => name !== ''))
    let hasFailed = false
    let text = ''
    for (const name of names) {
      if (excluded.delete(name)) text += `[+]${name} excluded: ok\n`
      else if (this.problem(name) === undefined) text += `[+]${name} ok\n`
      else {
        hasFailed = true
        text += `[-]${name} failed: reason withheld\n`
      }
    }
    if (excluded.size > 0) text += `warn: some health checks cannot be excluded: no matches for ${[...excluded].sort().map(quote).join(',')}\n`
    if (hasFailed) return refused(`${text}${kind} check failed\n`)
    return { ...plain(query.has('verbose') ? `${text}${kind} check passed\n` : 'ok', 200), headers: { ...TEXT, ...NO_SNIFF } }
  }
}

const TEXT = { 'content-type': 'text/plain; charset=utf-8' }
const NO_SNIFF = { 'x-content-type-options': 'nosniff' }

function plain(text: string, status: number): ApiResponse {
  return { status, headers: { ...TEXT }, body: [Buffer.from(text)] }
}

const refused = (text: string): ApiResponse => ({ ...plain(text, 500), headers: { ...TEXT, ...NO_SNIFF } })
