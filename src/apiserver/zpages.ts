/**
 * Pages that tell administrators of a component: as text, or as an object where a client names its kind and version. Models
 * what k8s.io/apiserver/pkg/server/{statusz,flagz} have in common.
 */
import { notAcceptable } from '../errors.ts'
import { valueResponse } from './handlers.ts'
import { acceptClauses, isPretty, MEDIA_TYPES } from './negotiate.ts'
import type { ApiRequest, ApiResponse } from './request.ts'

const GROUP = 'config.k8s.io'
const DEPRECATED = 'v1alpha1'
const VERSIONS = ['v1beta1', DEPRECATED]
const TEXT = 'text/plain'
const ENCODINGS = ['json', 'yaml'] as const
const WARNING = 'Warning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is for debugging purposes only.'

export interface Zpage {
  kind: 'Statusz' | 'Flagz'
  /** Of what it tells. */
  component: string
  /** What follows the heading. */
  text(): string
  /** What follows kind, version and name. */
  fields(): object
}

interface Form {
  encoding: (typeof ENCODINGS)[number]
  version: string
  parameters: ReadonlyMap<string, string>
}

/** @throws StatusError 406 */
export function respondZpage({ headers, query }: Pick<ApiRequest, 'headers' | 'query'>, page: Zpage): ApiResponse {
  const name = page.kind.toLowerCase()
  const form = formOf(headers.accept, page.kind)
  if (form === 'text') return { status: 200, headers: { 'content-type': `${TEXT}; charset=utf-8` }, body: [Buffer.from(`\n${page.component} ${name}\n${WARNING}\n${page.text()}`)] }
  const { encoding, version, parameters } = form
  const response = valueResponse({ kind: page.kind, apiVersion: `${GROUP}/${version}`, metadata: { name: page.component }, ...page.fields() }, { encoding, pretty: isPretty(query, parameters, headers['user-agent'] ?? ''), as: undefined })
  response.headers['content-type'] = `${MEDIA_TYPES[encoding]};g=${GROUP};v=${version};as=${page.kind}`
  if (version === DEPRECATED) response.headers.warning = `299 - "This version of the ${name} endpoint is deprecated. Please use a newer version."`
  return response
}

function formOf(accept: string | undefined, kind: string): Form | 'text' {
  for (const { type, subtype, parameters } of acceptClauses(accept)) {
    const isOf = (mediaType: string) => (type === '*' || mediaType.startsWith(`${type}/`)) && (subtype === '*' || mediaType.endsWith(`/${subtype}`))
    const converts = ['as', 'g', 'v'].some((name) => parameters.has(name))
    const version = parameters.get('v') ?? ''
    const isKnown = parameters.get('as') === kind && parameters.get('g') === GROUP && VERSIONS.includes(version)
    const encoding = isKnown ? ENCODINGS.find((name) => isOf(MEDIA_TYPES[name])) : undefined
    if (encoding) return { encoding, version, parameters }
    if (!converts && isOf(TEXT)) return 'text'
  }
  throw notAcceptable([...ENCODINGS.map((name) => MEDIA_TYPES[name]), TEXT])
}
