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

export function listenDatagrams({ host, port, clock, connect, failed }: DatagramOptions): { close(): Promise<void> } {
  const socket = dgram.createSocket('udp4')
  const peers = new Map<string, Peer>()
  const end = (key: string) => {
    const peer = peers.get(key)
    peers.delete(key)
    peer?.idle.cancel()
    peer?.stream?.destroy()
  }
  const begin = (key: string, from: dgram.RemoteInfo): Peer => {
    const peer: Peer = { waiting: [], idle: clock.after(IDLE_MS, () => end(key)) }
    peers.set(key, peer)
    if (peers.size > MAX_PEERS) end(peers.keys().next().value ?? '')
    void connect().then((stream) => {
      if (peers.get(key) !== peer) return stream.destroy()
      peer.stream = stream
      stream.on('error', () => end(key)).on('close', () => end(key))
      stream.on('data', (datagram: Buffer) => socket.send(datagram, from.port, from.address))
      for (const datagram of peer.waiting.splice(0)) stream.write(datagram)
    }, () => end(key))
    return peer
  }
  socket.on('message', (datagram, from) => {
    const key = `${from.address} ${from.port}`
    const peer = peers.get(key) ?? begin(key, from)
    peer.idle.cancel()
    peer.idle = clock.after(IDLE_MS, () => end(key))
    if (peer.stream) peer.stream.write(datagram)
    else if (peer.waiting.length < MAX_WAITING) peer.waiting.push(datagram)
  })
  const closed = new Promise<void>((resolve) => socket.once('close', resolve))
  let isOpen = true
  const close = () => {
    if (isOpen) socket.close()
    isOpen = false
    for (const key of [...peers.keys()]) end(key)
    return closed
  }
  socket.once('error', (error) => {
    failed(error)
    void close()
  })
  socket.bind({ address: host, port })
  return { close }
}
