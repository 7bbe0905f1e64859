/**
 * A port of a program that nobody knows: what whoever connects speaks first tells what they expect, HTTP, HTTP within TLS, or
 * gRPC, whose health checks are answered well.
 */
import type { Duplex } from 'node:stream'
import tls from 'node:tls'
import { standInContext } from '../../apimachinery/stand-in-authority.ts'
import { serveGrpcHealth } from './grpc-health.ts'
import { accept, addressed, type HttpHandler } from './http-server.ts'
import type { Sandbox } from './sandbox.ts'

/** How a client of TLS begins its greeting, and one of HTTP/2. */
const TLS_HANDSHAKE = 0x16
const HTTP2_PREFACE = Buffer.from('PRI *')

/** Shown to clients that do not say whom they want. */
const ANY_NAME = 'localhost'

/** @throws NetworkError EADDRINUSE */
export function serveAnyProtocol(sandbox: Sandbox, port: number, handler: HttpHandler): void {
  // Made before anybody asks: who connects trusts the authority that there is by then.
  const standard = standInContext(ANY_NAME, sandbox.random)
  sandbox.listen(port, 'TCP', (accepted) => {
    const stream = addressed(accepted)
    whenSpoken(stream, (first) => {
      if (HTTP2_PREFACE.equals(first.subarray(0, HTTP2_PREFACE.length))) return serveGrpcHealth(stream, () => 'SERVING')
      if (first[0] !== TLS_HANDSHAKE) return accept(stream, handler)
      standard.then((secureContext) => accept(secured(stream, secureContext, sandbox), handler), () => stream.destroy())
    })
  })
}

function secured(stream: Duplex, secureContext: tls.SecureContext, sandbox: Sandbox): tls.TLSSocket {
  const SNICallback = (name: string, done: (error: Error | null, context?: tls.SecureContext) => void) => void standInContext(name, sandbox.random).then((context) => done(null, context), done)
  const socket = new tls.TLSSocket(stream as never, { isServer: true, secureContext, SNICallback })
  socket.on('error', () => stream.destroy())
  return socket
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
