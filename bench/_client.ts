/** A client of any cluster for the benchmarks: HTTP/2 by a kubeconfig, nothing parsed that is not asked for. */
import fs from 'node:fs'
import http2 from 'node:http2'
import path from 'node:path'
import { parse } from 'yaml'

interface Named<T> {
  name: string
  cluster?: T
  user?: T
  context?: T
}

interface Kubeconfig {
  'current-context': string
  contexts: Named<{ cluster: string; user: string }>[]
  clusters: Named<Record<string, string>>[]
  users: Named<Record<string, string>>[]
}

interface Access {
  server: string
  tls: http2.SecureClientSessionOptions
  authorization: string | undefined
}

/** What a kubeconfig says of its current context. */
export function readAccess(file: string): Access {
  const config = parse(fs.readFileSync(file, 'utf8')) as Kubeconfig
  const named = <T>(list: Named<T>[], name: string | undefined, key: 'cluster' | 'user' | 'context'): T => {
    const found = list.find((entry) => entry.name === name)?.[key]
    if (!found) throw new Error(`${file} has no ${key} ${name}`)
    return found
  }
  const context = named(config.contexts, config['current-context'], 'context')
  const cluster = named(config.clusters, context.cluster, 'cluster')
  const user = named(config.users, context.user, 'user')
  const pem = (from: Record<string, string>, key: string): Buffer | undefined => {
    const data = from[`${key}-data`]
    const place = from[key]
    return data ? Buffer.from(data, 'base64') : place ? fs.readFileSync(path.resolve(path.dirname(file), place)) : undefined
  }
  const isInsecure = String(cluster['insecure-skip-tls-verify']) === 'true'
  return {
    server: cluster.server ?? '',
    tls: { ca: pem(cluster, 'certificate-authority'), cert: pem(user, 'client-certificate'), key: pem(user, 'client-key'), rejectUnauthorized: !isInsecure },
    authorization: user.token ? `Bearer ${user.token}` : undefined,
  }
}

export interface Answer {
  status: number
  body: Buffer
}

/** Calls over `connections` HTTP/2 sessions in turn. */
export class BenchClient {
  readonly #sessions: http2.ClientHttp2Session[]
  readonly #headers: Record<string, string>
  #next = 0

  constructor(kubeconfig: string, connections = 1) {
    const { server, tls, authorization } = readAccess(kubeconfig)
    this.#headers = { accept: 'application/json', ...(authorization ? { authorization } : {}) }
    this.#sessions = Array.from({ length: connections }, () => http2.connect(server, tls))
  }

  call(method: string, url: string, { body, type = 'application/json' }: { body?: unknown; type?: string } = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const stream = this.#open(method, url, body === undefined ? {} : { 'content-type': type })
      const chunks: Buffer[] = []
      let status = 0
      stream.on('response', (headers) => (status = Number(headers[':status'])))
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => resolve({ status, body: Buffer.concat(chunks) }))
      stream.on('error', reject)
      stream.end(body === undefined ? undefined : JSON.stringify(body))
    })
  }

  /** As `call`, but anything else than success is an error, and the body is parsed. */
  async json<T>(method: string, url: string, options: { body?: unknown; type?: string } = {}): Promise<T> {
    const { status, body } = await this.call(method, url, options)
    if (status >= 300) throw new Error(`${method} ${url}: ${status} ${body}`)
    return JSON.parse(body.toString()) as T
  }

  /** Calls `onChunk` with every piece of a watch's answer; resolves, once it is open, to the function that ends it. */
  watch(url: string, onChunk: (chunk: Buffer) => void): Promise<() => void> {
    return new Promise((resolve, reject) => {
      const stream = this.#open('GET', url, {})
      stream.on('response', (headers) => {
        if (headers[':status'] === 200) resolve(() => stream.close(http2.constants.NGHTTP2_CANCEL))
        else reject(new Error(`watch ${url}: ${headers[':status']}`))
      })
      stream.on('data', onChunk)
      stream.on('error', reject)
      stream.end()
    })
  }

  close(): void {
    for (const session of this.#sessions) session.destroy()
  }

  #open(method: string, url: string, headers: Record<string, string>): http2.ClientHttp2Stream {
    const session = this.#sessions[this.#next++ % this.#sessions.length]
    if (!session) throw new Error('no connection')
    return session.request({ ':method': method, ':path': url, ...this.#headers, ...headers })
  }
}
