/**
 * A program outside that has a say in where pods go, asked over HTTP. Models pkg/scheduler/extender.go and the messages of
 * k8s.io/kube-scheduler/extender/v1.
 */
import fs from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import type { Container } from '../../schemas/types.ts'
import { readBounded } from '../apimachinery/read-bounded.ts'
import { networkErrorText } from '../apimachinery/network-errors.ts'
import { parseDuration } from '../apimachinery/go-duration.ts'
import { isRecord } from '../apimachinery/json.ts'
import type { Clock } from '../clock.ts'
import { quote } from '../errors.ts'
import type { ExtenderConfig, ExtenderTLS } from './config/types.ts'
import type { NodeInfo } from './node-info.ts'
import type { PodInfo } from './pod-info.ts'
import type { Victims } from './victims.ts'

const DEFAULT_TIMEOUT_MS = 5000
const MAX_BODY_BYTES = 64 * 1024 * 1024

export interface ExtenderVerdict {
  nodes: readonly NodeInfo[]
  /** Messages by node name. */
  failed: Readonly<Record<string, string>>
  unresolvable: Readonly<Record<string, string>>
}

export class Extender {
  readonly name: string
  readonly isIgnorable: boolean
  readonly weight: number
  readonly #config: ExtenderConfig
  readonly #clock: Clock
  readonly #managed: ReadonlySet<string>
  readonly #agent: http.Agent
  readonly #timeoutMs: number

  constructor(config: ExtenderConfig, clock: Clock) {
    this.#config = config
    this.#clock = clock
    this.name = config.urlPrefix
    this.isIgnorable = config.ignorable ?? false
    this.weight = config.weight ?? 0
    this.#managed = new Set((config.managedResources ?? []).map((r) => r.name))
    this.#timeoutMs = Number(parseDuration(config.httpTimeout ?? '0s') / 1_000_000n) || DEFAULT_TIMEOUT_MS
    this.#agent = config.urlPrefix.startsWith('https:') ? new https.Agent({ keepAlive: true, ...tlsOptions(config.tlsConfig) }) : new http.Agent({ keepAlive: true })
  }

  get isFilter(): boolean {
    return Boolean(this.#config.filterVerb)
  }

  get isPrioritizer(): boolean {
    return Boolean(this.#config.prioritizeVerb)
  }

  get isBinder(): boolean {
    return Boolean(this.#config.bindVerb)
  }

  get supportsPreemption(): boolean {
    return Boolean(this.#config.preemptVerb)
  }

  /** Pods that ask for none of the resources it manages are none of its business. */
  isInterested({ pod }: PodInfo): boolean {
    const { containers = [], initContainers = [] } = pod.spec
    return this.#managed.size === 0 || [...containers, ...initContainers].some((c) => this.#manages(c))
  }

  #manages({ resources }: Container): boolean {
    return Object.keys({ ...resources?.requests, ...resources?.limits }).some((name) => this.#managed.has(name))
  }

  async filter({ pod }: PodInfo, nodes: readonly NodeInfo[]): Promise<ExtenderVerdict> {
    const { filterVerb } = this.#config
    if (!filterVerb) return { nodes, failed: {}, unresolvable: {} }
    const result = await this.#send(filterVerb, { Pod: pod, ...this.#nodesFor(nodes) })
    if (!isRecord(result)) throw new Error('unexpected end of JSON input')
    const error = member(result, 'Error')
    if (typeof error === 'string' && error) throw new Error(error)
    return { nodes: this.#chosen(result, nodes), failed: texts(member(result, 'FailedNodes')), unresolvable: texts(member(result, 'FailedAndUnresolvableNodes')) }
  }

  #chosen(result: Record<string, unknown>, nodes: readonly NodeInfo[]): NodeInfo[] {
    const names = member(result, 'NodeNames')
    if (this.#config.nodeCacheCapable && Array.isArray(names)) {
      return names.map((name) => {
        const node = nodes.find((n) => n.name === name)
        if (!node) throw new Error(`extender ${quote(this.name)} claims a filtered node ${quote(String(name))} which is not found in the input node list`)
        return node
      })
    }
    const list = member(result, 'Nodes')
    const items: unknown[] = isRecord(list) && Array.isArray(list.items) ? list.items : []
    return items.flatMap((item) => nodes.find((n) => isRecord(item) && isRecord(item.metadata) && n.name === item.metadata.name) ?? [])
  }

  /** Scores of 0 to 10 by node name. */
  async prioritize({ pod }: PodInfo, nodes: readonly NodeInfo[]): Promise<Map<string, number>> {
    const { prioritizeVerb } = this.#config
    if (!prioritizeVerb) return new Map()
    const result = await this.#send(prioritizeVerb, { Pod: pod, ...this.#nodesFor(nodes) })
    const list: unknown[] = Array.isArray(result) ? result : []
    return new Map(list.filter(isRecord).map((entry) => [String(member(entry, 'Host')), Number(member(entry, 'Score') ?? 0)]))
  }

  async bind({ namespace, name, uid }: PodInfo, node: string): Promise<void> {
    const result = await this.#send(this.#config.bindVerb ?? '', { PodName: name, PodNamespace: namespace, PodUID: uid, Node: node })
    const error = isRecord(result) ? member(result, 'Error') : undefined
    if (typeof error === 'string' && error) throw new Error(error)
  }

  /** Which of the candidates are left, with the victims it wants. */
  async preempt({ pod }: PodInfo, candidates: readonly Victims[]): Promise<Victims[]> {
    const isNamed = this.#config.nodeCacheCapable
    const toVictims = Object.fromEntries(candidates.map(({ node, pods, violations }) => [node.name, { Pods: pods.map((p) => (isNamed ? { UID: p.uid } : p.pod)), NumPDBViolations: violations }]))
    const result = await this.#send(this.#config.preemptVerb ?? '', { Pod: pod, NodeNameToVictims: isNamed ? null : toVictims, NodeNameToMetaVictims: isNamed ? toVictims : null })
    const left = isRecord(result) ? member(result, 'NodeNameToMetaVictims') : undefined
    return Object.entries(isRecord(left) ? left : {}).map(([name, victims]) => this.#victimsOf(name, victims, candidates))
  }

  #victimsOf(name: string, victims: unknown, candidates: readonly Victims[]): Victims {
    const node = candidates.find((c) => c.node.name === name)?.node
    if (!node) throw new Error(`nodeinfo not found for node name ${quote(name)}`)
    const given = isRecord(victims) ? member(victims, 'Pods') : undefined
    const pods = (Array.isArray(given) ? given : []).filter(isRecord).map((p) => {
      const uid = String(member(p, 'UID'))
      const pod = node.pods.get(uid)
      if (!pod) throw new Error(`extender: ${this.name} claims to preempt pod (UID: &MetaPod{UID:${uid},}) on node: ${name}, but the pod is not found on that node`)
      return pod
    })
    return { node, pods, violations: Number((isRecord(victims) && member(victims, 'NumPDBViolations')) || 0) }
  }

  close(): void {
    this.#agent.destroy()
  }

  #nodesFor(nodes: readonly NodeInfo[]): object {
    if (this.#config.nodeCacheCapable) return { Nodes: null, NodeNames: nodes.map((n) => n.name) }
    return { Nodes: { metadata: {}, items: nodes.map((n) => n.node) }, NodeNames: null }
  }

  #send(verb: string, args: object): Promise<unknown> {
    const url = `${this.name.replace(/\/+$/, '')}/${verb}`
    const { hostname, port, protocol } = new URL(url)
    const body = JSON.stringify(args)
    return new Promise((resolve, reject) => {
      const fail = (why: string) => reject(new Error(`Post ${quote(url)}: ${why}`))
      const module = protocol === 'https:' ? https : http
      const request = module.request(url, { method: 'POST', agent: this.#agent, timeout: this.#timeoutMs, headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) } })
      const timer = this.#clock.after(this.#timeoutMs, () => request.destroy(new Error(TIMEOUT)))
      request.on('timeout', () => request.destroy(new Error(TIMEOUT)))
      request.on('close', () => timer.cancel())
      request.on('error', (error) => fail(error.message === TIMEOUT ? TIMEOUT : networkErrorText(error, { host: hostname, port: Number(port) || (protocol === 'https:' ? 443 : 80) }, this.#clock.now())))
      request.on('response', (response) => {
        if (response.statusCode !== 200) {
          response.resume()
          return reject(new Error(`failed ${verb} with extender at URL ${url}, code ${response.statusCode}`))
        }
        read(response).then(resolve, reject)
      })
      request.end(body)
    })
  }
}

const TIMEOUT = 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)'

async function read(response: http.IncomingMessage): Promise<unknown> {
  return JSON.parse((await readBounded(response, MAX_BODY_BYTES)).toString())
}

/** Go's decoder takes members in any case. */
function member(object: Record<string, unknown>, name: string): unknown {
  if (name in object) return object[name]
  const key = Object.keys(object).find((k) => k.toLowerCase() === name.toLowerCase())
  return key === undefined ? undefined : object[key]
}

function texts(value: unknown): Record<string, string> {
  return isRecord(value) ? Object.fromEntries(Object.entries(value).map(([name, text]) => [name, String(text)])) : {}
}

function tlsOptions({ insecure, serverName, certFile, keyFile, caFile, certData, keyData, caData }: ExtenderTLS = {}): https.AgentOptions {
  const pem = (data: string | undefined, file: string | undefined) => (data ? Buffer.from(data, 'base64') : file ? fs.readFileSync(file) : undefined)
  const [cert, key, ca] = [pem(certData, certFile), pem(keyData, keyFile), pem(caData, caFile)]
  // Without an authority to go by upstream trusts whoever answers.
  return { rejectUnauthorized: !insecure && ca !== undefined, ...(serverName ? { servername: serverName } : {}), ...(cert ? { cert } : {}), ...(key ? { key } : {}), ...(ca ? { ca } : {}) }
}
