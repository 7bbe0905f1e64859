/**
 * Ports of the host that lead into the cluster: node ports of Services and host ports of pods on the loopback address, balancers on
 * loopback addresses of their own (127.0.0.0/8, where the system has them). Where several pods have the same host port, on nodes
 * of their own, the first has it. What cannot be listened on is told as an event.
 */
import net from 'node:net'
import type { Duplex } from 'node:stream'
import type { Pod, Service } from '../../schemas/types.ts'
import { joinConnections } from '../apimachinery/http-proxying.ts'
import type { EventRecorder } from '../client/events.ts'
import type { Informers } from '../client/lister.ts'
import type { Clock } from '../clock.ts'
import { isPodTerminal } from '../controller/pods.ts'
import type { ClusterNetwork } from './cluster-network.ts'
import { DatagramListener } from './host-datagrams.ts'
import type { Party, Protocol } from './network.ts'

const LOOPBACK = '127.0.0.1'
const CLIENT: Party = { name: 'host', ip: LOOPBACK, nodeName: '' }
/** What one listener serves at a time. */
const MAX_CONNECTIONS = 1000

interface Wanted {
  host: string
  port: number
  protocol: Protocol
  owner: Service | Pod
  open(network: ClusterNetwork): Promise<Duplex>
}

interface Open {
  close(): Promise<void>
}

export class HostListeners {
  readonly #network: ClusterNetwork
  readonly #events: EventRecorder
  readonly #clock: Clock
  readonly #open = new Map<string, Open>()
  /** Who wants a port, the one that has it first. */
  readonly #wanted = new Map<string, Wanted[]>()
  readonly #unsubscribe: (() => void)[]

  constructor({ network, informers, events, clock }: { network: ClusterNetwork; informers: Informers; events: EventRecorder; clock: Clock }) {
    this.#network = network
    this.#events = events
    this.#clock = clock
    const follow = <T extends Service | Pod>(kind: string, placesOf: (object: T) => Wanted[]) =>
      informers.for<T>(kind).subscribe({
        add: (object) => this.#change(placesOf(object), []),
        update: (object, old) => this.#change(placesOf(object), placesOf(old)),
        delete: (object) => this.#change([], placesOf(object)),
      })
    this.#unsubscribe = [follow<Service>('v1/Service', placesOfService), follow<Pod>('v1/Pod', placesOfPod)]
  }

  async close(): Promise<void> {
    for (const unsubscribe of this.#unsubscribe) unsubscribe()
    this.#wanted.clear()
    await Promise.all([...this.#open.keys()].map((key) => this.#shut(key)))
  }

  #change(now: readonly Wanted[], before: readonly Wanted[]): void {
    const keys = new Set(now.map(keyOf))
    for (const place of before) {
      const key = keyOf(place)
      if (keys.has(key)) continue
      const others = (this.#wanted.get(key) ?? []).filter((w) => w.owner.metadata.uid !== place.owner.metadata.uid)
      if (others.length > 0) this.#wanted.set(key, others)
      else {
        this.#wanted.delete(key)
        void this.#shut(key)
      }
    }
    for (const place of now) {
      const key = keyOf(place)
      const known = this.#wanted.get(key) ?? []
      const at = known.findIndex((w) => w.owner.metadata.uid === place.owner.metadata.uid)
      this.#wanted.set(key, at < 0 ? [...known, place] : known.with(at, place))
      if (known.length === 0) this.#listen(key, place)
    }
  }

  #listen(key: string, { host, port, protocol, owner }: Wanted): void {
    const failed = (error: NodeJS.ErrnoException) => {
      this.#open.delete(key)
      this.#events.event(owner, 'Warning', 'FailedToListen', `Port ${port} of ${host} cannot be listened on: ${error.code ?? error.message}`)
    }
    if (protocol === 'SCTP') return failed(new Error('SCTP is carried inside the cluster alone'))
    const connect = () => this.#connect(key)
    this.#open.set(key, protocol === 'UDP' ? new DatagramListener({ host, port, clock: this.#clock, connect, failed }) : listenStreams({ host, port, connect, failed }))
  }

  #connect(key: string): Promise<Duplex> {
    const [wanted] = this.#wanted.get(key) ?? []
    return wanted ? wanted.open(this.#network) : Promise.reject(new Error('nobody has the port any more'))
  }

  #shut(key: string): Promise<void> {
    const open = this.#open.get(key)
    this.#open.delete(key)
    return open?.close() ?? Promise.resolve()
  }
}

interface StreamOptions {
  host: string
  port: number
  connect(): Promise<Duplex>
  failed(error: NodeJS.ErrnoException): void
}

function listenStreams({ host, port, connect, failed }: StreamOptions): Open {
  const sockets = new Set<net.Socket>()
  const server = net.createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    // Refused after it was accepted: a reset is the only way to say so.
    void connect().then((backend) => joinConnections(socket, backend), () => socket.resetAndDestroy())
  })
  server.maxConnections = MAX_CONNECTIONS
  server.once('error', failed)
  server.listen({ host, port })
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}

const keyOf = ({ host, port, protocol }: Wanted): string => `${protocol} ${host}:${port}`

/** Where the host should listen for a Service. */
function placesOfService(service: Service): Wanted[] {
  if (service.metadata.deletionTimestamp) return []
  const balancers = (service.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => (ip?.startsWith('127.') ? [ip] : []))
  return (service.spec?.ports ?? []).flatMap((servicePort) => {
    const place = (host: string, port: number, isBalanced: boolean): Wanted => ({ host, port, protocol: (servicePort.protocol ?? 'TCP') as Protocol, owner: service, open: (network) => network.connectToService(CLIENT, service, { port: servicePort, isBalanced }) })
    return [...(servicePort.nodePort ? [place(LOOPBACK, servicePort.nodePort, false)] : []), ...balancers.map((host) => place(host, servicePort.port ?? 0, true))]
  })
}

/** Where it should for a pod, once that has an address. */
function placesOfPod(pod: Pod): Wanted[] {
  const ip = pod.status?.podIP
  if (!ip || pod.spec.hostNetwork || isPodTerminal(pod)) return []
  return (pod.spec.containers ?? []).flatMap(({ ports = [] }) =>
    ports.flatMap(({ hostPort, hostIP = '', containerPort = 0, protocol = 'TCP' }): Wanted[] => {
      if (!hostPort || !['', '0.0.0.0', LOOPBACK].includes(hostIP)) return []
      return [{ host: LOOPBACK, port: hostPort, protocol: protocol as Protocol, owner: pod, open: (network) => network.connect(CLIENT, { host: ip, port: containerPort }, { protocol: protocol as Protocol }) }]
    }),
  )
}
