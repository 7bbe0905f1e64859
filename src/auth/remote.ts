/**
 * HTTP with those who are asked about identities and rights: issuers of tokens and webhooks. Bounds on time and size; a
 * redirect is not followed.
 */
import http from 'node:http'
import https from 'node:https'
import { readBounded } from '../apimachinery/read-bounded.ts'
import type { Clock } from '../clock.ts'

const TIMEOUT_MS = 30_000
const MAX_BYTES = 4 * 1024 * 1024

/** A server that is only just starting is asked again. Models DefaultRetryBackoffWithInitialDelay and DefaultShouldRetry of k8s.io/apiserver/pkg/util/webhook. */
const ATTEMPTS = 5
const FIRST_DELAY_MS = 500
const DELAY_FACTOR = 1.5
const TRANSIENT_CODES = [429, 500]

export interface RemoteOptions {
  url: string
  /** PEM of the authorities that are trusted; those of the system unless told. */
  ca?: string | undefined
  cert?: string | undefined
  key?: string | undefined
  token?: string | undefined
  insecure?: boolean | undefined
  /** Half a minute unless told. */
  timeoutMs?: number | undefined
}

export interface RemoteAnswer {
  status: number
  body: Buffer
}

/** A server that did answer, but not with what it was asked for. */
export class RemoteRefusal extends Error {
  readonly status: number
  constructor(status: number) {
    super(`the server answered ${status}`)
    this.status = status
  }
}

/** Rejects with an Error whose text says what went wrong. @param body posted when there is one */
export function ask({ url, ca, cert, key, token, insecure = false, timeoutMs = TIMEOUT_MS }: RemoteOptions, body?: object): Promise<RemoteAnswer> {
  const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
  const headers = {
    accept: 'application/json',
    ...(bytes ? { 'content-type': 'application/json', 'content-length': bytes.length } : {}),
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  }
  return new Promise((resolve, reject) => {
    const options = { method: bytes ? 'POST' : 'GET', headers, timeout: timeoutMs, signal: AbortSignal.timeout(timeoutMs) }
    // A URL that is none must reject as well.
    const request = new URL(url).protocol === 'http:' ? http.request(url, options) : https.request(url, { ...options, ca, cert, key, rejectUnauthorized: !insecure })
    request.on('error', (error) => reject(error.name === 'TimeoutError' || error.name === 'AbortError' ? new Error('context deadline exceeded', { cause: error }) : error))
    request.on('timeout', () => request.destroy(new Error('context deadline exceeded')))
    request.on('response', (response) => void readBounded(response, MAX_BYTES).then((read) => resolve({ status: response.statusCode ?? 0, body: read }), reject))
    request.end(bytes)
  })
}

export const textOf = ({ body }: RemoteAnswer): string => body.toString()

/** Rejects with a RemoteRefusal for any other answer than a success. */
export async function askJSON(options: RemoteOptions, body?: object): Promise<unknown> {
  const answer = await ask(options, body)
  if (answer.status < 200 || answer.status > 299) throw new RemoteRefusal(answer.status)
  return JSON.parse(textOf(answer))
}

/** The same, again and again for a while where that may help. */
export async function askPatiently(remote: RemoteOptions, body: object, { clock, firstDelayMs = FIRST_DELAY_MS }: { clock: Clock; firstDelayMs?: number }): Promise<unknown> {
  for (let attempt = 1, delayMs = firstDelayMs; ; attempt++, delayMs *= DELAY_FACTOR) {
    try {
      return await askJSON(remote, body)
    } catch (error) {
      if (attempt === ATTEMPTS || !isTransient(error)) throw error
      await clock.sleep(delayMs)
    }
  }
}

function isTransient(error: unknown): boolean {
  if (error instanceof RemoteRefusal) return TRANSIENT_CODES.includes(error.status)
  return (error as { code?: unknown }).code === 'ECONNRESET'
}
