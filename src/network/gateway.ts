/** Processes beside the cluster that are reached at an address of it: the API server itself, for one. */
import net from 'node:net'
import type { Duplex } from 'node:stream'
import type { Pod } from '../../schemas/types.ts'
import { NetworkError, type Protocol } from './network.ts'

export interface Address {
  ip: string
  port: number
}

export interface Gateway extends Address {
  protocol: Protocol
  /** What policies take it for. */
  pod?: Pod
  /** Rejects with a NetworkError. */
  open(): Promise<Duplex>
}

export function tcpGateway({ ip, port }: Address, target: { host: string; port: number }): Gateway {
  return { ip, port, protocol: 'TCP', open: () => openTcp(target) }
}

export function openTcp({ host, port }: { host: string; port: number }): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host: host.replace(/^\[|\]$/g, ''), port, noDelay: true })
    socket.once('connect', () => resolve(socket))
    socket.once('error', () => reject(new NetworkError('ECONNREFUSED', `dial tcp ${host}:${port}: connect: connection refused`)))
  })
}
