/** What an answer that is no success says. Models NewGenericServerResponse of k8s.io/apimachinery/pkg/api/errors. */
import { isRecord } from '../../apimachinery/json.ts'
import { parseJSON } from '../../apimachinery/parse.ts'
import { ParseError } from '../../apimachinery/parse-error.ts'
import { quote } from '../../errors.ts'

const MAX_SHOWN = 2048

const MESSAGES: Readonly<Record<number, string>> = {
  400: 'the server rejected our request for an unknown reason',
  401: 'the server has asked for the client to provide credentials',
  404: 'the server could not find the requested resource',
  405: 'the server does not allow this method on the requested resource',
  406: 'the server was unable to respond with a content type that the client supports',
  409: 'the server reported a conflict',
  415: 'the server was unable to respond with a content type that the client supports',
  422: 'the server rejected our request due to an error in our request',
  429: 'the server has received too many requests and has asked us to try again later',
  503: 'the server is currently unable to handle the request',
  504: 'the server was unable to return a response in the time allotted, but may still be processing the request',
}

export function failureText({ status, contentType, body }: { status: number; contentType: string; body: Buffer }): string {
  const told = statusMessage(body)
  if (told !== undefined) return told
  const isText = contentType === '' || contentType.startsWith('text/')
  const text = isText ? body.subarray(0, MAX_SHOWN).toString().trim() : 'unknown'
  if (status === 403) return text
  if (status === 406 || status === 415) return text === 'unknown' ? (MESSAGES[status] ?? '') : text
  if (MESSAGES[status]) return MESSAGES[status]
  return status >= 500 ? `an error on the server (${quote(text)}) has prevented the request from succeeding` : `the server responded with the status code ${status} but did not return more information`
}

/** A webhook may fail with a Status of its own. */
function statusMessage(body: Buffer): string | undefined {
  if (body[0] !== 0x7b) return undefined
  try {
    const { value } = parseJSON(body)
    if (!isRecord(value) || value.status !== 'Failure' || (value.kind !== undefined && value.kind !== 'Status')) return undefined
    return typeof value.message === 'string' ? value.message : undefined
  } catch (error) {
    if (error instanceof ParseError) return undefined
    throw error
  }
}
