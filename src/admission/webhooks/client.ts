/**
 * Posts to webhooks over HTTPS: certificates, reused connections, timeouts, and the ways in which it can fail. Models
 * k8s.io/apiserver/pkg/util/webhook/client.go.
 */
import type { IncomingMessage } from 'node:http'
import https from 'node:https'
import net from 'node:net'
import { posix } from 'node:path'
import tls from 'node:tls'
import type { Duplex } from 'node:stream'
import type { WebhookClientConfig } from '../../../schemas/types.ts'
import { networkErrorText } from '../../apimachinery/network-errors.ts'
import { parseJSON, parseYAML } from '../../apimachinery/parse.ts'
import { readBounded } from '../../apimachinery/read-bounded.ts'
import { trustOf } from '../../apimachinery/stand-in-authority.ts'
import { resolveService, serviceHost, type Address, type Dial, type ServiceEndpoint } from '../../apiserver/service-endpoint.ts'
import type { RemoteUser, UsersByServer } from '../../auth/kubeconfig-remote.ts'
import { quote } from '../../errors.ts'
import type { RequestContext } from '../../registry/request-context.ts'
import { failureText } from './server-response.ts'

const MAX_AGENTS = 200
const MAX_SOCKETS = 256
const MAX_FREE_SOCKETS = 8
const MAX_BODY_BYTES = 8 * 1024 * 1024
const DEADLINE = 'context deadline exceeded'

interface Endpoint {
  /** As errors show it. */
  url: string
  path: string
  /** What the certificate must be for. */
  host: Address
}

interface Answer {
  status: number
  contentType: string
  body: Buffer
}

export class WebhookClient {
  readonly #dial: Dial | undefined
  /** By certificate authority; the one used last is at the end. */
  readonly #agents = new Map<string, https.Agent>()

  readonly #users: UsersByServer | undefined

  /** @param dial how Services are reached. @param users who asks which webhook; nobody unless told */
  constructor(dial: Dial | undefined, users?: UsersByServer) {
    this.#dial = dial
    this.#users = users
  }

  /** What the webhook answered, as plain JSON. Rejects with an Error in the words that follow "failed to call webhook: ". */
  async post(config: WebhookClientConfig, review: object, { timeoutSeconds, ctx }: { timeoutSeconds: number; ctx: RequestContext }): Promise<unknown> {
    const endpoint = endpointOf(config, timeoutSeconds)
    const address: ServiceEndpoint = config.service ? this.#resolve(config, endpoint.url, ctx) : endpoint.host
    const inner = await address.dial?.().catch((error: unknown) => {
      throw failed(endpoint.url, error instanceof Error ? error.message : String(error))
    })
    const body = Buffer.from(JSON.stringify(review))
    const send = () => this.#send(endpoint, { address, inner, body, ca: config.caBundle ?? '', timeoutMs: timeoutSeconds * 1000, ctx })
    const answer = await send().catch((error: unknown) => {
      if (error instanceof StaleConnection) return send()
      throw error
    })
    if (answer.status < 200 || answer.status > 206) throw new Error(failureText(answer))
    if (answer.body.length === 0) throw new Error(`0-length response with status code: ${answer.status} and content type: ${answer.contentType}`)
    return parse(answer.body)
  }

  close(): void {
    for (const agent of this.#agents.values()) agent.destroy()
    this.#agents.clear()
  }

  #resolve({ service = {} }: WebhookClientConfig, url: string, { system }: RequestContext): ServiceEndpoint {
    try {
      return resolveService(system, service, this.#dial)
    } catch (error) {
      throw failed(url, error instanceof Error ? error.message : String(error))
    }
  }

  #agent(ca: string): https.Agent {
    const known = this.#agents.get(ca)
    const agent = known ?? new https.Agent({ keepAlive: true, maxSockets: MAX_SOCKETS, maxFreeSockets: MAX_FREE_SOCKETS, ...(ca ? { ca: Buffer.from(ca, 'base64') } : {}) })
    this.#agents.delete(ca)
    this.#agents.set(ca, agent)
    const [oldest] = this.#agents.size > MAX_AGENTS ? this.#agents : []
    if (oldest) {
      this.#agents.delete(oldest[0])
      oldest[1].destroy()
    }
    return agent
  }

  #send({ url, path, host }: Endpoint, { address, inner, body, ca, timeoutMs, ctx }: { address: Address; inner: Duplex | undefined; body: Buffer; ca: string; timeoutMs: number; ctx: RequestContext }): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const fail = (why: string) => reject(failed(url, why))
      const servername = net.isIP(host.host) ? '' : host.host
      const user = this.#users?.(host.host, host.port)
      const identity = user?.cert && user.key ? { cert: user.cert, key: user.key } : {}
      const secured = () => tls.connect({ socket: inner, servername, ALPNProtocols: ['http/1.1'], ...identity, ...trustOf(ca) })
      const request = https.request({
        method: 'POST',
        host: address.host,
        port: address.port,
        servername,
        path,
        ...identity,
        ...(inner ? { createConnection: secured } : { agent: this.#agent(ca) }),
        // The cluster's clock may stand still; a connection on which nothing comes ends by the host's time.
        timeout: timeoutMs,
        headers: { host: `${host.host}:${host.port}`, 'content-type': 'application/json', accept: 'application/json, */*', 'user-agent': 'kube-apiserver-admission', 'content-length': body.length, ...authorization(user) },
      })
      const timer = ctx.clock.after(timeoutMs, () => request.destroy(new Error(DEADLINE)))
      request.on('timeout', () => request.destroy(new Error(DEADLINE)))
      request.on('close', () => timer.cancel())
      request.on('error', (error: Error & { code?: string }) => {
        if (request.reusedSocket && error.code === 'ECONNRESET') return reject(new StaleConnection())
        fail(error.message === DEADLINE ? DEADLINE : networkErrorText(error, host, ctx.clock.now()))
      })
      request.on('response', (response) => void read(response).then(resolve, (error: unknown) => fail(error instanceof Error ? error.message : String(error))))
      request.end(body)
    })
  }
}

function authorization({ token, username, password = '' }: RemoteUser = {}): { authorization?: string } {
  if (token) return { authorization: `Bearer ${token}` }
  return username ? { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` } : {}
}

/** The server closed a connection that was kept for later; a new one will do. */
class StaleConnection extends Error {}

function failed(url: string, why: string): Error {
  return new Error(`Post ${quote(url)}: ${why}`)
}

async function read(response: IncomingMessage): Promise<Answer> {
  const body = await readBounded(response, MAX_BODY_BYTES).catch((error: Error & { code?: string }) => {
    throw new Error(error.code === 'ECONNRESET' ? 'unexpected EOF' : error.message, { cause: error })
  })
  return { status: response.statusCode ?? 0, contentType: response.headers['content-type'] ?? '', body }
}

function endpointOf({ url = '', service }: WebhookClientConfig, timeoutSeconds: number): Endpoint {
  const query = timeoutSeconds > 0 ? `?timeout=${timeoutSeconds}s` : ''
  const at = (pathname: string) => posix.normalize(`/${pathname}`).replace(/(?<=.)\/$/, '') + query
  if (service) {
    const host = serviceHost(service)
    const full = at(service.path ?? '')
    return { url: `https://${host.host}:${host.port}${full}`, path: full, host }
  }
  if (!url) throw new Error('webhook configuration must have either service or URL')
  const { hostname, port, pathname } = new URL(url)
  const full = at(pathname)
  // The origin is shown as it was written, with the scheme's own port or without.
  const [origin] = /^[^:]*:\/\/[^/?#]*/.exec(url) ?? ['']
  return { url: origin + full, path: full, host: { host: hostname.replace(/^\[|\]$/g, ''), port: port ? Number(port) : 443 } }
}

/** Upstream takes YAML too where it does not look like JSON. */
function parse(body: Buffer): unknown {
  const isJSON = /^\s*\{/.test(body.subarray(0, 64).toString('latin1'))
  try {
    return (isJSON ? parseJSON(body) : parseYAML(body)).value
  } catch (error) {
    throw new Error(`couldn't get version/kind; json parse error: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}
