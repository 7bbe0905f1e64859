/** What both OpenAPI versions are served as: bytes and the hash of them, made once. */
import { createHash } from 'node:crypto'
import { MAJOR, MINOR } from './version.ts'

export interface OpenAPIDocument {
  /** In parts: those of large documents are shared with the ones before and after it. */
  readonly body: readonly Buffer[]
  /** Of the body, in upper case as upstream writes it. */
  readonly hash: string
}

/** @param hash of what the content is made from, where that is known beforehand */
export function openAPIDocument(content: unknown, hash?: string): OpenAPIDocument {
  const body = Buffer.from(JSON.stringify(content))
  return { body: [body], hash: hash ?? createHash('sha512').update(body).digest('hex').toUpperCase() }
}

export const contentOf = ({ body }: OpenAPIDocument): unknown => JSON.parse(Buffer.concat(body).toString())

export const info = { title: 'Kubernetes', version: `${MAJOR}.${MINOR}` }

export const bearerToken = { type: 'apiKey', description: 'Bearer Token authentication', name: 'authorization', in: 'header' }

const descriptions: Readonly<Record<string, string>> = { 200: 'OK', 201: 'Created', 202: 'Accepted', 401: 'Unauthorized' }

export function responseDescription(code: string): string {
  return descriptions[code] ?? code
}
