/**
 * Ports of the host that lead to Services: node ports on the loopback address, balancers on loopback addresses of their own
 * (127.0.0.0/8, where the system has them). What cannot be listened on is told as an event of the Service.
 */
import net from 'node:net'
import { pipeline } from 'node:stream'
import type { Service, ServicePort } from '../../schemas/types.ts'
import type { EventRecorder } from '../client/events.ts'
import type { Informers } from '../client/lister.ts'
import type { ClusterNetwork } from './cluster-network.ts'
import type { Party } from './network.ts'

const LOOPBACK = '127.0.0.1'
const CLIENT: Party = { name: 'host', ip: LOOPBACK, nodeName: '' }
/** What one Service's listener serves at a time. */
const MAX_CONNECTIONS = 1000

interface Wanted {
  host: string
  port: number
  service: Service
  servicePort: ServicePort
}

interface Open {
  server: net.Server
  sockets: Set<net.Socket>
}

export class HostListeners {
  readonly #network: ClusterNetwork
  readonly #events: EventRecorder
  readonly #open = new Map<string, Open>()
  readonly #wanted = new Map<string, Wanted>()
  readonly #unsubscribe: () => void

  constructor({ network, informers, events }: { network: ClusterNetwork; informers: Informers; events: EventRecorder }) {
    this.#network = network
    this.#events = events
    this.#unsubscribe = informers.for<Service>('v1/Service').subscribe({
      add: (service) => this.#change(service, undefined),
      update: (service, old) => this.#change(service, old),
      delete: (service) => this.#change(undefined, service),
    })
  }

  async close(): Promise<void> {
    this.#unsubscribe()
    this.#wanted.clear()
    await Promise.all([...this.#open.keys()].map((key) => this.#shut(key)))
  }

  #change(service: Service | undefined, old: Service | undefined): void {
    const wanted = new Map(service ? placesOf(service).map((place) => [keyOf(place), place]) : [])
    for (const place of old ? placesOf(old) : []) {
      const key = keyOf(place)
      if (wanted.has(key) || this.#wanted.get(key)?.service.metadata.uid !== old?.metadata.uid) continue
      this.#wanted.delete(key)
      void this.#shut(key)
    }
    for (const [key, place] of wanted) {
      const isNew = !this.#wanted.has(key)
      this.#wanted.set(key, place)
      if (isNew) this.#listen(key, place)
    }
  }

  #listen(key: string, { host, port, service }: Wanted): void {
    const sockets = new Set<net.Socket>()
    const server = net.createServer({ noDelay: true }, (socket) => {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
      void this.#serve(key, socket)
    })
    server.maxConnections = MAX_CONNECTIONS
    server.once('error', (error: NodeJS.ErrnoException) => {
      this.#open.delete(key)
      this.#events.event(service, 'Warning', 'FailedToListen', `Port ${port} of ${host} cannot be listened on: ${error.code ?? error.message}`)
    })
    this.#open.set(key, { server, sockets })
    server.listen({ host, port })
  }

  async #serve(key: string, socket: net.Socket): Promise<void> {
    socket.on('error', () => socket.destroy())
    const wanted = this.#wanted.get(key)
    try {
      if (!wanted) throw new Error('the service is gone')
      const backend = await this.#network.connectToService(CLIENT, wanted.service, wanted.servicePort)
      pipeline(socket, backend, () => socket.destroy())
      pipeline(backend, socket, () => backend.destroy())
    } catch {
      // Refused after it was accepted: there is no other way to say so.
      socket.resetAndDestroy()
    }
  }

  #shut(key: string): Promise<void> {
    const open = this.#open.get(key)
    this.#open.delete(key)
    if (!open) return Promise.resolve()
    return new Promise((resolve) => {
      open.server.close(() => resolve())
      for (const socket of open.sockets) socket.destroy()
    })
  }
}

const keyOf = ({ host, port }: Wanted): string => `${host}:${port}`

/** Where the host should listen for a Service. */
function placesOf(service: Service): Wanted[] {
  if (service.metadata.deletionTimestamp) return []
  const ports = (service.spec?.ports ?? []).filter((p) => (p.protocol ?? 'TCP') === 'TCP')
  const balancers = (service.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => (ip?.startsWith('127.') ? [ip] : []))
  return ports.flatMap((servicePort) => [
    ...(servicePort.nodePort ? [{ host: LOOPBACK, port: servicePort.nodePort, service, servicePort }] : []),
    ...balancers.map((host) => ({ host, port: servicePort.port ?? 0, service, servicePort })),
  ])
}
