/** A client of whatever cluster a kubeconfig names, for cases that hold Orrery and a real control plane to the same. */
import http2 from 'node:http2'
import { readAccess } from '../../bench/_client.ts'
import { timely } from '../helpers/http.ts'

export type Json = Record<string, unknown>

export interface Answer {
  status: number
  headers: http2.IncomingHttpHeaders
  text: string
  bytes: Buffer
  /** Empty where the answer is no JSON. */
  body: Json
  warnings: string[]
}

export interface Call {
  body?: unknown
  headers?: Record<string, string | undefined>
}

export class Client {
  readonly #connect: () => http2.ClientHttp2Session
  #session: http2.ClientHttp2Session | undefined
  readonly #headers: Record<string, string>

  constructor(readonly kubeconfig: string) {
    const { server, tls, authorization } = readAccess(kubeconfig)
    this.#headers = { accept: 'application/json', ...(authorization ? { authorization } : {}) }
    this.#connect = () => http2.connect(server, tls)
  }

  /** @param request method and path: `GET /api/v1/pods` */
  call(request: string, { body, headers = {} }: Call = {}): Promise<Answer> {
    const method = request.slice(0, request.indexOf(' '))
    const path = request.slice(method.length + 1)
    const bytes = body === undefined || Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
    return timely(request, new Promise((resolve, reject) => {
      const stream = this.#open().request({ ...this.#headers, ':method': method, ':path': encodeURI(path), ...(bytes ? { 'content-type': 'application/json' } : {}), ...headers }, { endStream: !bytes })
      const chunks: Buffer[] = []
      let answered: http2.IncomingHttpHeaders = {}
      stream.on('response', (received) => (answered = received))
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => resolve(answerOf(answered, Buffer.concat(chunks))))
      stream.on('error', reject)
      if (bytes) stream.end(bytes)
    }))
  }

  /** The events of a watch that the server ends. */
  async events(path: string, headers: Record<string, string> = {}): Promise<Json[]> {
    const { text } = await this.call(`GET ${path}`, { headers })
    return text.split('\n').filter(Boolean).map((line) => JSON.parse(line) as Json)
  }

  close(): void {
    this.#session?.destroy()
  }

  /** A session, and another once the server wants no more of it. */
  #open(): http2.ClientHttp2Session {
    if (this.#session) return this.#session
    const session = this.#connect()
    const forget = (): void => {
      if (this.#session === session) this.#session = undefined
    }
    for (const event of ['goaway', 'close', 'error']) session.on(event, forget)
    return (this.#session = session)
  }
}

function answerOf(headers: http2.IncomingHttpHeaders, bytes: Buffer): Answer {
  const text = bytes.toString()
  const warning = headers.warning as string | string[] | undefined
  return {
    status: Number(headers[':status']),
    headers,
    text,
    bytes,
    body: /json/.test(headers['content-type'] ?? '') ? parsed(text) : {},
    warnings: (Array.isArray(warning) ? warning : warning ? warning.split(/, (?=299 )/) : []).map((line) => line.replace(/^299 - "(.*)"$/s, '$1').replaceAll('\\"', '"')),
  }
}

/** A watch is a JSON document a line. */
function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch {
    return {}
  }
}
