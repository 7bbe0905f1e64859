/** The gRPC health protocol over the virtual network, both sides: what probes ask and what agnhost answers. */
import http2 from 'node:http2'
import type { Duplex } from 'node:stream'
import type { Clock } from '../../clock.ts'

export type HealthStatus = 'SERVING' | 'NOT_SERVING' | 'SERVICE_UNKNOWN' | 'UNKNOWN' | 'UNIMPLEMENTED' | 'UNREACHABLE' | 'TIMEOUT'

const METHOD = '/grpc.health.v1.Health/Check'
const STATUSES: readonly HealthStatus[] = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN']
const UNIMPLEMENTED = '12'
const NOT_FOUND = '5'

export interface HealthCheck {
  connect(): Promise<Duplex>
  clock: Clock
  timeoutMs: number
  service: string
}

export async function checkGrpcHealth({ connect, clock, timeoutMs, service }: HealthCheck): Promise<HealthStatus> {
  let stream: Duplex
  try {
    stream = await connect()
  } catch {
    return 'UNREACHABLE'
  }
  const session = http2.connect('http://grpc', { createConnection: () => stream })
  return new Promise<HealthStatus>((resolve) => {
    const timer = clock.after(timeoutMs, () => finish('TIMEOUT'))
    const finish = (status: HealthStatus) => {
      timer.cancel()
      session.destroy()
      stream.destroy()
      resolve(status)
    }
    session.on('error', () => finish('UNREACHABLE'))
    const request = session.request({ ':method': 'POST', ':path': METHOD, 'content-type': 'application/grpc', te: 'trailers' })
    const chunks: Buffer[] = []
    let code: string | undefined
    request.on('response', (headers) => (code = headerText(headers['grpc-status'])))
    request.on('trailers', (trailers) => (code = headerText(trailers['grpc-status']) ?? code))
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => finish(code === UNIMPLEMENTED ? 'UNIMPLEMENTED' : code === NOT_FOUND ? 'SERVICE_UNKNOWN' : (STATUSES[Buffer.concat(chunks)[6] ?? 0] ?? 'UNKNOWN')))
    request.on('error', () => finish('UNREACHABLE'))
    const name = Buffer.from(service)
    request.end(frame(name.length > 0 ? Buffer.concat([Buffer.from([0x0a, name.length]), name]) : Buffer.alloc(0)))
  })
}

function headerText(value: string | string[] | number | undefined): string | undefined {
  return value === undefined ? undefined : String(value)
}

function frame(message: Buffer): Buffer {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(message.length, 1)
  return Buffer.concat([head, message])
}

/** Serves health checks on a connection. @param statusOf undefined for a service that is not known */
export function serveGrpcHealth(stream: Duplex, statusOf: (service: string) => 'SERVING' | 'NOT_SERVING' | undefined): void {
  stream.on('error', () => stream.destroy())
  const session = http2.performServerHandshake(stream)
  session.on('error', () => stream.destroy())
  session.on('stream', (request, headers) => {
    request.on('error', () => request.destroy())
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const status = headers[':path'] === METHOD ? statusOf(Buffer.concat(chunks).subarray(7).toString()) : undefined
      const code = headers[':path'] !== METHOD ? UNIMPLEMENTED : status === undefined ? NOT_FOUND : '0'
      request.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
      request.on('wantTrailers', () => request.sendTrailers({ 'grpc-status': code }))
      request.end(status === undefined ? undefined : frame(Buffer.from([0x08, STATUSES.indexOf(status)])))
    })
  })
}
