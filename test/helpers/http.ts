/** A small HTTP client for the API, over HTTP/2 or HTTP/1.1, that shows what is on the wire. */
import http2 from 'node:http2'
import https from 'node:https'
import type { Test } from 'tap'
import { SystemClock } from '../../src/clock.ts'
import { startCluster, type Cluster, type ClusterOptions } from '../../src/cluster.ts'

export const TOKEN = 'test-admin'
const TIMEOUT_MS = 20_000
const clock = new SystemClock()

/** What came back: members of it are looked at with `t.match` and the like. */
export interface Answer {
  status: number
  headers: Readonly<Record<string, string | string[] | undefined>>
  bytes: Buffer
  text: string
  /** The body as JSON; an empty object when it is none. */
  body: Body
  /** The texts of the Warning headers. */
  warnings: string[]
}

export interface Body {
  kind?: string
  apiVersion?: string
  metadata: Record<string, unknown> & { name?: string; uid?: string; resourceVersion?: string; continue?: string; generation?: number }
  items?: Body[]
  [member: string]: unknown
}

export interface RequestOptions {
  body?: unknown
  headers?: Record<string, string>
  /** null sends no token. */
  token?: string | null
  http1?: boolean
}

const decode = (bytes: Buffer): Body => {
  try {
    return JSON.parse(bytes.toString()) as Body
  } catch {
    return { metadata: {} }
  }
}

export class ApiTester {
  readonly #url: string
  readonly #agent = new https.Agent({ keepAlive: true, rejectUnauthorized: false })
  #session: http2.ClientHttp2Session | undefined

  constructor(readonly cluster: Pick<Cluster, 'url' | 'port'>) {
    this.#url = cluster.url
  }

  get(path: string, options: RequestOptions = {}): Promise<Answer> {
    return this.request('GET', path, options)
  }

  post(path: string, body: unknown, options: RequestOptions = {}): Promise<Answer> {
    return this.request('POST', path, { body, ...options })
  }

  put(path: string, body: unknown, options: RequestOptions = {}): Promise<Answer> {
    return this.request('PUT', path, { body, ...options })
  }

  /** A merge patch unless the headers tell. */
  patch(path: string, body: unknown, { headers, ...options }: RequestOptions = {}): Promise<Answer> {
    return this.request('PATCH', path, { body, headers: { 'content-type': 'application/merge-patch+json', ...headers }, ...options })
  }

  delete(path: string, body?: unknown, options: RequestOptions = {}): Promise<Answer> {
    return this.request('DELETE', path, { ...(body === undefined ? {} : { body }), ...options })
  }

  /** Creates an object that must be accepted. */
  async make(path: string, object: unknown): Promise<Body> {
    const { status, body, text } = await this.post(path, object)
    if (status !== 201) throw new Error(`POST ${path} answered ${status}: ${text}`)
    return body
  }

  async request(method: string, path: string, { body, headers = {}, token = TOKEN, http1 = false }: RequestOptions = {}): Promise<Answer> {
    const bytes = body === undefined || Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
    const all = { ...(token === null ? {} : { authorization: `Bearer ${token}` }), ...(bytes ? { 'content-type': 'application/json' } : {}), ...headers }
    const { status, headers: answered, chunks } = await timely(`${method} ${path}`, http1 ? this.#http1(method, path, { headers: all, bytes }) : this.#http2(method, path, { headers: all, bytes }))
    const whole = Buffer.concat(chunks)
    const warning = answered.warning
    const warnings = (Array.isArray(warning) ? warning : warning ? warning.split(/, (?=299 )/) : []).map((line) => Buffer.from(line, 'latin1').toString().replace(/^299 - "(.*)"$/s, '$1').replaceAll(/\\(["\\])/g, '$1'))
    return { status, headers: answered, bytes: whole, text: whole.toString(), body: decode(whole), warnings }
  }

  /** Opens a watch and resolves when it is answered. */
  async watch(path: string, { headers = {} }: { headers?: Record<string, string> } = {}): Promise<WatchStream> {
    const stream = this.session().request({ ':path': path, authorization: `Bearer ${TOKEN}`, ...headers })
    const watch = new WatchStream(stream)
    await timely(path, watch.answered)
    return watch
  }

  session(): http2.ClientHttp2Session {
    if (!this.#session || this.#session.destroyed) {
      this.#session = http2.connect(this.#url, { rejectUnauthorized: false })
      this.#session.on('error', () => {})
    }
    return this.#session
  }

  close(): void {
    this.#session?.destroy()
    this.#agent.destroy()
  }

  #http2(method: string, path: string, { headers, bytes }: { headers: Record<string, string>; bytes: Buffer | undefined }): Promise<Raw> {
    return new Promise((resolve, reject) => {
      const stream = this.session().request({ ':method': method, ':path': path, ...headers }, { endStream: !bytes })
      const raw: Raw = { status: 0, headers: {}, chunks: [] }
      stream.on('response', (answered) => Object.assign(raw, { status: answered[':status'], headers: answered }))
      stream.on('data', (chunk: Buffer) => raw.chunks.push(chunk))
      stream.on('end', () => resolve(raw))
      stream.on('error', reject)
      stream.on('close', () => reject(new Error(`${method} ${path}: the connection was closed`)))
      if (bytes) stream.end(bytes)
    })
  }

  #http1(method: string, path: string, { headers, bytes }: { headers: Record<string, string>; bytes: Buffer | undefined }): Promise<Raw> {
    return new Promise((resolve, reject) => {
      const { hostname, port } = new URL(this.#url)
      const request = https.request({ host: hostname, port, method, path, agent: this.#agent, headers: { ...headers, ...(bytes ? { 'content-length': String(bytes.length) } : {}) } }, (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, chunks }))
        response.on('error', reject)
      })
      request.on('error', reject)
      request.end(bytes)
    })
  }
}

interface Raw {
  status: number
  headers: Readonly<Record<string, string | string[] | undefined>>
  chunks: Buffer[]
}

export interface WatchEvent {
  type: string
  object: Body
}

/** The events of a watch, in JSON. */
export class WatchStream {
  readonly stream: http2.ClientHttp2Stream
  readonly answered: Promise<void>
  status = 0
  headers: http2.IncomingHttpHeaders = {}
  /** Set when the server has ended the watch. */
  ended = false
  readonly #events: WatchEvent[] = []
  #rest = ''
  #wake: (() => void)[] = []

  constructor(stream: http2.ClientHttp2Stream) {
    this.stream = stream
    this.answered = new Promise((resolve, reject) => {
      stream.on('response', (headers) => {
        this.headers = headers
        this.status = headers[':status'] ?? 0
        resolve()
      })
      stream.on('error', reject)
    })
    stream.setEncoding('utf8')
    stream.on('data', (text: string) => this.#take(text))
    stream.on('close', () => {
      this.ended = true
      this.#wakeAll()
    })
  }

  /** The next event; fails when none comes. */
  async next(): Promise<WatchEvent> {
    const [event] = await this.take(1)
    if (!event) throw new Error('no event')
    return event
  }

  /** That many events. */
  async take(count: number): Promise<WatchEvent[]> {
    const deadline = clock.now() + TIMEOUT_MS
    while (this.#events.length < count) {
      if (this.ended) throw new Error(`the watch ended with ${this.#events.length} of ${count} events`)
      await this.#more(deadline)
    }
    return this.#events.splice(0, count)
  }

  /** Everything until the server ends the watch. */
  async all(): Promise<WatchEvent[]> {
    const deadline = clock.now() + TIMEOUT_MS
    while (!this.ended) await this.#more(deadline)
    return this.#events.splice(0)
  }

  close(): void {
    this.stream.close(http2.constants.NGHTTP2_CANCEL)
  }

  async #more(deadline: number): Promise<void> {
    await timely('the next event', new Promise<void>((resolve) => this.#wake.push(resolve)), deadline - clock.now())
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) this.#events.push(JSON.parse(line) as WatchEvent)
    this.#wakeAll()
  }

  #wakeAll(): void {
    for (const wake of this.#wake.splice(0)) wake()
  }
}

/** Fails instead of waiting for ever. */
export async function timely<T>(what: string, pending: Promise<T>, timeoutMs = TIMEOUT_MS): Promise<T> {
  const controller = new AbortController()
  const late = clock.sleep(timeoutMs, controller.signal).then(
    () => Promise.reject(new Error(`no answer after ${timeoutMs} ms: ${what}`)),
    () => new Promise<never>(() => {}),
  )
  try {
    return await Promise.race([pending, late])
  } finally {
    controller.abort()
  }
}

/** A cluster without nodes, in memory, on a free port, and a client for it; both end with the test. */
export async function startApiCluster(t: Test, options: Partial<ClusterOptions> = {}): Promise<ApiTester> {
  const cluster = await startCluster({ host: '127.0.0.1', port: 0, dataDir: undefined, nodes: [], logLevel: 'silent', freeze: true, adminToken: TOKEN, ...options })
  const api = new ApiTester(cluster)
  t.teardown(async () => {
    api.close()
    await cluster.close()
  })
  return api
}

export const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps'

export function configMap(name: string, extra: Record<string, unknown> = {}): Record<string, unknown> {
  const { metadata, ...rest } = extra as { metadata?: object }
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...metadata }, ...rest }
}
