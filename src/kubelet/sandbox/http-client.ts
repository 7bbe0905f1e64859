/** An HTTP request over a connection of the virtual network, with Go's words for what goes wrong. */
import http from 'node:http'
import type { Duplex } from 'node:stream'
import tls from 'node:tls'
import type { Clock } from '../../clock.ts'

export interface HttpRequest {
  connect(): Promise<Duplex>
  clock: Clock
  timeoutMs: number
  path: string
  method?: string
  headers: Readonly<Record<string, string>>
  body?: Buffer
  isTLS?: boolean
  servername?: string
  /** A client's certificate, and whom to trust; nobody is verified without `ca`, unless the world's authorities are to be trusted. */
  credentials?: { cert?: string; key?: string; ca?: string; trustsWorld?: boolean }
  maxBytes: number
}

export interface HttpResult {
  status: number
  statusText: string
  headers: http.IncomingHttpHeaders
  rawHeaders: readonly string[]
  body: Buffer
}

const TIMED_OUT = 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)'

/** Rejects with an Error whose message says why. */
export async function requestHttp(options: HttpRequest): Promise<HttpResult> {
  const { clock, timeoutMs } = options
  let stream: Duplex | undefined
  let timedOut: (error: Error) => void = () => {}
  const timeout = new Promise<never>((_, reject) => (timedOut = reject))
  const timer = clock.after(timeoutMs, () => timedOut(new Error(TIMED_OUT)))
  try {
    stream = await Promise.race([options.connect(), timeout])
    return await Promise.race([exchange(stream, options), timeout])
  } finally {
    timer.cancel()
    stream?.destroy()
  }
}

function exchange(stream: Duplex, request: HttpRequest): Promise<HttpResult> {
  const { path, method = 'GET', headers, body, isTLS = false, maxBytes } = request
  return new Promise((resolve, reject) => {
    const socket = isTLS ? secured(stream, request) : stream
    socket.on('error', reject)
    // Why it ended is told before it is told that it did.
    const ended = () => socket.errored ?? new Error('EOF')
    stream.on('close', () => reject(ended()))
    const sent = http.request({ createConnection: () => socket as never, path, method, headers: { ...headers, ...(body ? { 'Content-Length': String(body.length) } : {}) } }, (response) => {
      const chunks: Buffer[] = []
      let bytes = 0
      const done = () => resolve({ status: response.statusCode ?? 0, statusText: response.statusMessage ?? '', headers: response.headers, rawHeaders: response.rawHeaders, body: Buffer.concat(chunks) })
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        chunks.push(bytes > maxBytes ? chunk.subarray(0, Math.max(0, chunk.length - (bytes - maxBytes))) : chunk)
        if (bytes > maxBytes) done()
      })
      response.on('end', done)
      response.on('error', reject)
    })
    sent.on('error', (error: NodeJS.ErrnoException) => reject(error.code === 'ECONNRESET' ? ended() : error))
    sent.end(body)
  })
}

function secured(socket: Duplex, { servername, credentials: { trustsWorld = false, ...credentials } = {} }: HttpRequest): tls.TLSSocket {
  const isName = servername !== undefined && !/^[\d.:]+$/.test(servername)
  return tls.connect({ socket, rejectUnauthorized: trustsWorld || credentials.ca !== undefined, ...(servername === undefined ? {} : { host: servername }), ...(isName ? { servername } : {}), ...credentials })
}
