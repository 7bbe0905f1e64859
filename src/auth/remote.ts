/**
 * JSON over HTTP with those who are asked about identities and rights: issuers of tokens and webhooks. Bounds on time and
 * size; a redirect is not followed.
 */
import http from 'node:http'
import https from 'node:https'

const TIMEOUT_MS = 30_000
const MAX_BYTES = 4 * 1024 * 1024

export interface RemoteOptions {
  url: string
  /** PEM of the authorities that are trusted; those of the system unless told. */
  ca?: string | undefined
  cert?: string | undefined
  key?: string | undefined
  token?: string | undefined
  insecure?: boolean | undefined
}

/** Rejects with an Error whose text says what went wrong. @param body posted when there is one */
export function askJSON({ url, ca, cert, key, token, insecure = false }: RemoteOptions, body?: object): Promise<unknown> {
  const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
  const { protocol } = new URL(url)
  const headers = {
    accept: 'application/json',
    ...(bytes ? { 'content-type': 'application/json', 'content-length': bytes.length } : {}),
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  }
  return new Promise((resolve, reject) => {
    const options = { method: bytes ? 'POST' : 'GET', headers, timeout: TIMEOUT_MS, signal: AbortSignal.timeout(TIMEOUT_MS) }
    const request = protocol === 'http:' ? http.request(url, options) : https.request(url, { ...options, ca, cert, key, rejectUnauthorized: !insecure })
    request.on('error', reject)
    request.on('timeout', () => request.destroy(new Error('context deadline exceeded')))
    request.on('response', (response) => void read(response).then(resolve, reject))
    request.end(bytes)
  })
}

async function read(response: http.IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_BYTES) {
      response.destroy()
      throw new Error(`the answer is larger than ${MAX_BYTES} bytes`)
    }
    chunks.push(chunk)
  }
  const text = Buffer.concat(chunks, size).toString()
  if ((response.statusCode ?? 0) < 200 || (response.statusCode ?? 0) > 299) throw new Error(`the server answered ${response.statusCode}`)
  return JSON.parse(text)
}
