/** A UDP port of the host that leads into the cluster: a connection inside for each peer outside, as long as they talk. */
import dgram from 'node:dgram'
import type { Duplex } from 'node:stream'
import type { Clock, Timer } from '../clock.ts'

const IDLE_MS = 30_000
const MAX_PEERS = 1000
/** What is kept of a peer's datagrams until its connection is there. */
const MAX_WAITING = 64

export interface DatagramOptions {
  host: string
  port: number
  clock: Clock
  connect(): Promise<Duplex>
  failed(error: NodeJS.ErrnoException): void
}

interface Peer {
  stream?: Duplex
  waiting: Buffer[]
  idle: Timer
}

export class DatagramListener {
  readonly #options: DatagramOptions
  readonly #socket = dgram.createSocket('udp4')
  readonly #peers = new Map<string, Peer>()
  #closing: Promise<void> | undefined

  constructor(options: DatagramOptions) {
    this.#options = options
    this.#socket.on('message', (datagram, from) => this.#receive(datagram, from))
    this.#socket.once('error', (error) => {
      options.failed(error)
      void this.close()
    })
    this.#socket.bind({ address: options.host, port: options.port })
  }

  close(): Promise<void> {
    return (this.#closing ??= new Promise((resolve) => {
      for (const key of [...this.#peers.keys()]) this.#end(key)
      this.#socket.close(() => resolve())
    }))
  }

  #receive(datagram: Buffer, from: dgram.RemoteInfo): void {
    const key = `${from.address} ${from.port}`
    const peer = this.#peers.get(key) ?? this.#begin(key, from)
    peer.idle.cancel()
    peer.idle = this.#idle(key)
    if (peer.stream) peer.stream.write(datagram)
    else if (peer.waiting.length < MAX_WAITING) peer.waiting.push(datagram)
  }

  #begin(key: string, { address, port }: dgram.RemoteInfo): Peer {
    const peer: Peer = { waiting: [], idle: this.#idle(key) }
    this.#peers.set(key, peer)
    if (this.#peers.size > MAX_PEERS) this.#end(this.#peers.keys().next().value ?? '')
    const joined = (stream: Duplex) => {
      if (this.#peers.get(key) !== peer) return void stream.destroy()
      peer.stream = stream
      stream.on('error', () => this.#end(key)).on('close', () => this.#end(key))
      stream.on('data', (datagram: Buffer) => this.#closing ?? this.#socket.send(datagram, port, address))
      for (const datagram of peer.waiting.splice(0)) stream.write(datagram)
    }
    this.#options.connect().then(joined, () => this.#end(key))
    return peer
  }

  #idle(key: string): Timer {
    return this.#options.clock.after(IDLE_MS, () => this.#end(key))
  }

  #end(key: string): void {
    const peer = this.#peers.get(key)
    this.#peers.delete(key)
    peer?.idle.cancel()
    peer?.stream?.destroy()
  }
}
