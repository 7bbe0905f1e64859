/**
 * A port of a program that nobody knows: what whoever connects speaks first tells what they expect, HTTP, HTTP within TLS, or
 * gRPC, whose health checks are answered well.
 */
import type { Duplex } from 'node:stream'
import { issueCertificate, type KeyPair } from '../../apimachinery/certificate.ts'
import { serveGrpcHealth } from './grpc-health.ts'
import { accept, secured, type HttpHandler } from './http-server.ts'
import type { Sandbox } from './sandbox.ts'

/** How a client of TLS begins its greeting, and one of HTTP/2. */
const TLS_HANDSHAKE = 0x16
const HTTP2_PREFACE = Buffer.from('PRI *')

/** Tells nothing of who shows it, so one is enough; made when the first client wants one. */
let certificate: Promise<KeyPair> | undefined

/** @throws NetworkError EADDRINUSE */
export function serveAnyProtocol(sandbox: Sandbox, port: number, handler: HttpHandler): void {
  sandbox.listen(port, 'TCP', ({ stream, remoteAddress, remotePort, localAddress, localPort }) => {
    Object.assign(stream, { remoteAddress, remotePort, localAddress, localPort })
    whenSpoken(stream, (first) => {
      if (HTTP2_PREFACE.equals(first.subarray(0, HTTP2_PREFACE.length))) return serveGrpcHealth(stream, () => 'SERVING')
      if (first[0] !== TLS_HANDSHAKE) return accept(stream, handler)
      certificate ??= issueCertificate({ subject: 'CN=localhost', years: 1, names: ['localhost'], now: sandbox.clock.now(), random: sandbox.random })
      certificate.then((pair) => accept(secured(stream, pair), handler), () => stream.destroy())
    })
  })
}

/** Calls back with what a client says first, which stays to be read; with nothing when it leaves before. */
function whenSpoken(stream: Duplex, act: (first: Buffer) => void): void {
  stream.on('error', () => stream.destroy())
  stream.once('readable', () => {
    const first = stream.read() as Buffer | null
    if (first) stream.unshift(first)
    act(first ?? Buffer.alloc(0))
  })
}
