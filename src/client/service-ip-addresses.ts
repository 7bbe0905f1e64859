/**
 * Keeps an IPAddress for each cluster IP that a Service holds, as upstream's allocator does, which takes an address by making
 * its object. Here the pools in memory decide and the objects follow: the writes for one address run one after another.
 * Models k8s.io/kubernetes/pkg/registry/core/service/ipallocator/ipallocator.go.
 */
import type { IPAddress } from '../../schemas/types.ts'
import { familyOf } from '../apimachinery/ip-address.ts'
import { StatusError } from '../errors.ts'
import type { ServiceIPListener } from '../registry/allocators.ts'
import type { Client } from './client.ts'

const KIND = 'networking.k8s.io/v1/IPAddress'
const labelsOf = (ip: string) => ({ 'ipaddress.kubernetes.io/ip-family': familyOf(ip), 'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io' })

interface Options {
  /** Asked for when it is needed: the API is made after its allocators. */
  client(): Pick<Client, 'create' | 'delete'>
  /** Told of what went wrong, but for objects that are there or gone already. */
  onError(error: unknown): void
}

export class ServiceIPAddresses implements ServiceIPListener {
  readonly #options: Options
  /** By address; there are no more than addresses in the pool. */
  readonly #pending = new Map<string, Promise<void>>()

  constructor(options: Options) {
    this.#options = options
  }

  allocated(ip: string, { namespace, name }: { namespace: string; name: string }): void {
    const address: IPAddress = {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'IPAddress',
      metadata: { name: ip, labels: labelsOf(ip) },
      spec: { parentRef: { resource: 'services', namespace, name } },
    }
    this.#after(ip, async () => void (await this.#options.client().create(address)))
  }

  released(ip: string): void {
    this.#after(ip, () => this.#options.client().delete(KIND, { name: ip }))
  }

  /** Resolves when the objects are as the pools were when it was asked. */
  async settled(): Promise<void> {
    await Promise.all(this.#pending.values())
  }

  #after(ip: string, write: () => Promise<void>): void {
    const before = this.#pending.get(ip)
    const written = (before ? before.then(write) : write()).catch((error: unknown) => {
      if (!(error instanceof StatusError) || (error.reason !== 'AlreadyExists' && error.reason !== 'NotFound')) this.#options.onError(error)
    })
    const done = written.then(() => {
      if (this.#pending.get(ip) === done) this.#pending.delete(ip)
    })
    this.#pending.set(ip, done)
  }
}
