/**
 * Which form of answer a client wants and which form of body it sent. Models
 * k8s.io/apiserver/pkg/endpoints/handlers/negotiation and the content types of the serializers.
 */
import { notAcceptable, StatusError, unsupportedMediaType } from '../errors.ts'

export type Encoding = 'json' | 'yaml' | 'protobuf'

export const MEDIA_TYPES: Readonly<Record<Encoding, string>> = {
  json: 'application/json',
  yaml: 'application/yaml',
  protobuf: 'application/vnd.kubernetes.protobuf',
}

const ENCODINGS = Object.entries(MEDIA_TYPES) as [Encoding, string][]
const ALL_ENCODINGS: readonly Encoding[] = ['json', 'yaml', 'protobuf']
const PATCH_TYPES = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
  'application/apply-patch+yaml': 'apply',
} as const
export type PatchMediaType = (typeof PATCH_TYPES)[keyof typeof PATCH_TYPES]

/** A form of answer other than the object itself. */
export interface Conversion {
  kind: 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList' | 'APIGroupDiscoveryList'
  group: string
  version: string
}

export interface Accepted {
  encoding: Encoding
  /** JSON with line breaks and indents. */
  pretty: boolean
  as: Conversion | undefined
}

interface Clause {
  type: string
  subtype: string
  quality: number
  parameters: ReadonlyMap<string, string>
  readonly matches: WeakMap<Offer, Matched | null>
}

type Matched = Omit<Accepted, 'pretty'>

/** Which conversions a path offers, by kind, group and version. */
export type OffersConversion = (conversion: { kind: string; group: string; version: string }) => boolean

const TABLE_VERSIONS = new Set(['v1', 'v1beta1'])
/** Every resource can be had as a table or as its metadata. */
export const metadataConversions: OffersConversion = ({ kind, group, version }) =>
  group === 'meta.k8s.io' && TABLE_VERSIONS.has(version) && (kind === 'Table' || kind === 'PartialObjectMetadata' || kind === 'PartialObjectMetadataList')
/** Reviews and bindings have no columns. */
export const partialConversions: OffersConversion = (conversion) => conversion.kind !== 'Table' && metadataConversions(conversion)

export interface Offer {
  encodings?: readonly Encoding[]
  /** Encodings that are offered without a conversion, where not all are (custom resources have no protobuf). */
  plain?: readonly Encoding[]
  conversions?: OffersConversion
  /** What the router lets through though no serializer makes it. */
  routed?: readonly string[]
  /** Custom resources are served past the router that has words of its own for what nobody makes or takes. */
  isCustom?: boolean
}

const ANY_ENCODING: Offer = {}

/** @throws StatusError 406 */
export function negotiateOutput(accept: string | undefined, query: { get(name: string): string | null; has(name: string): boolean }, userAgent: string, offer: Offer = ANY_ENCODING): Accepted {
  const encodings = offer.encodings ?? ALL_ENCODINGS
  const clauses = acceptClauses(accept)
  for (const clause of clauses) {
    const accepted = matchOnce(clause, encodings, offer)
    if (accepted) return { encoding: accepted.encoding, as: accepted.as, pretty: accepted.encoding === 'json' && isPretty(query, clause.parameters, userAgent) }
  }
  const mediaTypes = ENCODINGS.map(([, mediaType]) => mediaType)
  const { routed = [] } = offer
  // A known type in an unknown form has words of its own.
  if (offer.isCustom || clauses.some((clause) => routed.includes(`${clause.type}/${clause.subtype}`) || match({ ...clause, parameters: NO_PARAMETERS }, encodings, {}))) throw notAcceptable(mediaTypes)
  throw noRepresentation([...routed, ...mediaTypes])
}

/** 406 for a client that takes none of the types that a path has. */
export function noRepresentation(mediaTypes: readonly string[]): StatusError {
  return new StatusError({ code: 406, reason: 'NotAcceptable', message: `406: Not Acceptable\n\nAvailable representations: ${mediaTypes.join(', ')}`, details: {} })
}

const NO_PARAMETERS: ReadonlyMap<string, string> = new Map()

/** What may follow a media type, as Go's mime package reads it. */
const TOKEN = "[!#$%&'*+.^`|~\\w-]+"
const PARAMETERS = new RegExp(`^[^;]*(?:;\\s*${TOKEN}\\s*=\\s*(?:${TOKEN}|"(?:\\\\.|[^"\\\\\\r\\n])*")\\s*)*(?:;\\s*)?$`)

/** @throws StatusError 415 */
export function negotiateInput(contentType: string | undefined): Encoding {
  if (!contentType) return 'json'
  const mediaType = PARAMETERS.test(contentType) ? mediaTypeOf(contentType) : ''
  const found = ENCODINGS.find(([, name]) => name === mediaType)
  if (!found) throw unsupportedMediaType(ENCODINGS.map(([, name]) => name))
  return found[0]
}

/** @throws StatusError 415 */
export function negotiatePatch(contentType: string | undefined, supported: readonly PatchMediaType[], { isCustom = false } = {}): PatchMediaType {
  const mediaType = mediaTypeOf(contentType ?? '')
  const type = Object.hasOwn(PATCH_TYPES, mediaType) ? PATCH_TYPES[mediaType as keyof typeof PATCH_TYPES] : undefined
  if (type && supported.includes(type)) return type
  if (!type && !isCustom) throw new StatusError({ code: 415, reason: 'UnsupportedMediaType', message: '415: Unsupported Media Type', details: {} })
  throw unsupportedMediaType(Object.entries(PATCH_TYPES).filter(([, t]) => supported.includes(t)).map(([name]) => name))
}

export function mediaTypeOf(contentType: string): string {
  return (contentType.split(';')[0] ?? '').trim().toLowerCase()
}

/** What a clause comes to for an offer; both are the same from request to request. */
function matchOnce(clause: Clause, encodings: readonly Encoding[], offer: Offer): Matched | undefined {
  let found = clause.matches.get(offer)
  if (found === undefined) clause.matches.set(offer, (found = match(clause, encodings, offer) ?? null))
  return found ?? undefined
}

function match(clause: Pick<Clause, 'type' | 'subtype' | 'parameters'>, encodings: readonly Encoding[], { plain = encodings, conversions, isCustom = false }: Offer): Matched | undefined {
  const { type, subtype, parameters } = clause
  const stream = parameters.get('stream')
  if (stream && stream !== 'watch') return undefined
  const as = parameters.has('as') || parameters.has('g') || parameters.has('v') ? { kind: parameters.get('as') ?? '', group: parameters.get('g') ?? '', version: parameters.get('v') ?? '' } : undefined
  if (as && !conversions?.(as)) return undefined
  const offered = as ? encodings.filter((e) => e !== 'protobuf' || as.kind !== 'Table') : plain
  const encoding = offered.find((e) => {
    const [mainType, mainSubtype] = MEDIA_TYPES[e].split('/')
    // Upstream's router, which custom resources do not pass, does not know what a star for the subtype means.
    return (type === mainType && (subtype === mainSubtype || (subtype === '*' && isCustom))) || (type === '*' && subtype === '*')
  })
  return encoding && { encoding, as: as as Conversion | undefined }
}

/** The first of these media types, in the order in which the client wants them. */
export function firstAccepted<T extends string>(accept: string | undefined, offered: readonly T[]): T | undefined {
  for (const { type, subtype } of acceptClauses(accept)) {
    const found = offered.find((name) => {
      const [mainType, mainSubtype] = name.split('/')
      return (type === '*' || type === mainType) && (subtype === '*' || subtype === mainSubtype)
    })
    if (found !== undefined) return found
  }
  return undefined
}

const TRUE = new Set(['1', 't', 'T', 'TRUE', 'true', 'True'])

/** Whether JSON is to have line breaks: people ask for it, and some of their programs need not. */
export function isPretty(query: { get(name: string): string | null }, parameters: ReadonlyMap<string, string>, userAgent: string): boolean {
  if (parameters.get('pretty') === '1') return true
  const asked = query.get('pretty')
  return asked ? TRUE.has(asked) : /^(curl|Wget|Mozilla\/5\.0)/.test(userAgent)
}

const ACCEPT_CACHE_SIZE = 200
const ACCEPT_CACHE_LENGTH = 1000
const cache = new Map<string, Clause[]>()

/** What a client takes, in order of preference; headers repeat, so they are parsed once. */
export function acceptClauses(accept: string | undefined): Clause[] {
  const text = accept?.trim() || '*/*'
  const known = cache.get(text)
  if (known) return known
  const clauses = text.split(',').map(parseClause).sort((a, b) => b.quality - a.quality || breadth(a) - breadth(b))
  if (text.length > ACCEPT_CACHE_LENGTH) return clauses
  if (cache.size >= ACCEPT_CACHE_SIZE) cache.clear()
  cache.set(text, clauses)
  return clauses
}

/** Of equal quality, what is named counts before what is meant by a star. */
function breadth({ type, subtype }: Clause): number {
  return type === '*' ? 2 : subtype === '*' ? 1 : 0
}

function parseClause(text: string): Clause {
  const [range = '', ...rest] = text.split(';').map((part) => part.trim())
  const [type = '', subtype = ''] = range.toLowerCase().split('/')
  const parameters = new Map(rest.map((part) => {
    const [name = '', value = ''] = part.split('=')
    return [name.trim().toLowerCase(), value.trim().replace(/^"|"$/g, '')] as const
  }))
  const quality = Number(parameters.get('q') ?? 1)
  return { type, subtype, quality: Number.isNaN(quality) ? 0 : quality, parameters, matches: new WeakMap() }
}
