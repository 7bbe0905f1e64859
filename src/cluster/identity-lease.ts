/**
 * The Lease by which other servers, and clients that ask, see that this API server is there. Leases of servers that ended
 * long ago are removed. Models the identity lease of k8s.io/kubernetes/pkg/controlplane/apiserver/server.go.
 */
import { createHash } from 'node:crypto'
import os from 'node:os'
import type { Logger } from 'pino'
import type { Lease } from '../../schemas/types.ts'
import type { ApiClient } from '../client/api-client.ts'
import { formatMicroTime, type Clock, type Random, type Timer } from '../clock.ts'
import { isStatusError } from '../errors.ts'
import type { KubeObject } from '../registry/kind.ts'

const KIND = 'coordination.k8s.io/v1/Lease'
const NAMESPACE = 'kube-system'
const IDENTITY = 'apiserver.kubernetes.io/identity'
const SERVER = 'kube-apiserver'
const DURATION_SECONDS = 3600
const RENEW_MS = 10_000

interface IdentityLeaseParts {
  client: ApiClient
  clock: Clock
  random: Random
  log: Logger
  /** Where peers reach this server. */
  address: string
}

export class IdentityLease {
  readonly #parts: IdentityLeaseParts
  readonly #name: string
  readonly #holder: string
  #timer: Timer | undefined
  #writing: Promise<void> | undefined
  #isClosed = false

  constructor(parts: IdentityLeaseParts) {
    this.#parts = parts
    this.#name = apiServerID(os.hostname())
    this.#holder = `${this.#name}_${parts.random.uuid()}`
  }

  async start(): Promise<void> {
    await this.#removeExpired()
    await this.#renew()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#timer?.cancel()
    await this.#writing
  }

  async #renew(): Promise<void> {
    const { clock, log } = this.#parts
    try {
      await this.#write()
    } catch (error) {
      log.warn({ err: error }, 'the lease of the API server was not renewed')
    }
    if (!this.#isClosed) this.#timer = clock.after(RENEW_MS, () => void (this.#writing = this.#renew()))
  }

  async #write(): Promise<void> {
    const { client, clock, address } = this.#parts
    const spec = { holderIdentity: this.#holder, leaseDurationSeconds: DURATION_SECONDS, renewTime: formatMicroTime(clock.now()) }
    try {
      await client.change<Lease & KubeObject>(KIND, { namespace: NAMESPACE, name: this.#name }, (lease) => void (lease.spec = { ...lease.spec, ...spec }))
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error
      const labels = { [IDENTITY]: SERVER, 'kubernetes.io/hostname': os.hostname() }
      await client.create({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: this.#name, namespace: NAMESPACE, labels, annotations: { 'kubernetes.io/peer-advertise-address': address } }, spec })
    }
  }

  /** Servers on other hosts had other names; nobody else would take theirs away. */
  async #removeExpired(): Promise<void> {
    const { client, clock } = this.#parts
    const leases = await client.list<Lease & KubeObject>(KIND, { namespace: NAMESPACE })
    const isExpired = ({ spec }: Lease): boolean => Date.parse(spec?.renewTime ?? '') + (spec?.leaseDurationSeconds ?? 0) * 1000 < clock.now()
    for (const lease of leases) {
      if (lease.metadata.labels?.[IDENTITY] === SERVER && lease.metadata.name !== this.#name && isExpired(lease)) await client.delete(KIND, { namespace: NAMESPACE, name: lease.metadata.name ?? '' })
    }
  }
}

/** The name of an API server, the same after every start on its host. */
export function apiServerID(hostname: string): string {
  const parts = [hostname, SERVER].flatMap((text) => {
    const bytes = Buffer.from(text)
    return [Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]
  })
  return `apiserver-${base32(createHash('sha256').update(Buffer.concat(parts)).digest().subarray(0, 16))}`
}

/** RFC 4648 in lower case, without padding. */
function base32(bytes: Buffer): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  return (bits.match(/.{1,5}/g) ?? []).map((five) => 'abcdefghijklmnopqrstuvwxyz234567'[parseInt(five.padEnd(5, '0'), 2)]).join('')
}
