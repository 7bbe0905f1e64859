/** A webhook that nobody knows: what it is asked to review is allowed, what it is asked to convert gets the version that is wanted. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { isRecord } from '../apimachinery/json.ts'
import { readBounded } from '../apimachinery/read-bounded.ts'

const MAX_BODY_BYTES = 8 * 1024 * 1024

/** What the request was about where it was a review, which is answered then. */
export async function answerReview(request: IncomingMessage, response: ServerResponse): Promise<string | undefined> {
  if (request.method !== 'POST' || !request.headers['content-type']?.startsWith('application/json')) return undefined
  const review = parsed(await readBounded(request, MAX_BODY_BYTES))
  if (!isRecord(review) || !isRecord(review.request)) return undefined
  const told = review.kind === 'AdmissionReview' ? allowed(review.request) : review.kind === 'ConversionReview' ? converted(review.request) : undefined
  if (!told) return undefined
  response.setHeader('Content-Type', 'application/json')
  response.end(JSON.stringify({ apiVersion: review.apiVersion, kind: review.kind, response: told }))
  return String(review.kind)
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString())
  } catch {
    return undefined
  }
}

const allowed = ({ uid }: Record<string, unknown>) => ({ uid, allowed: true })

function converted({ uid, desiredAPIVersion, objects }: Record<string, unknown>): object {
  const list: unknown[] = Array.isArray(objects) ? objects : []
  return { uid, convertedObjects: list.map((object) => (isRecord(object) ? { ...object, apiVersion: desiredAPIVersion } : object)), result: { status: 'Success' } }
}
