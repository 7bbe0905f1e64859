/**
 * Conversion webhooks of CustomResourceDefinitions: what they are asked, and what of their answer is taken. Models
 * k8s.io/apiextensions-apiserver/pkg/apiserver/conversion/webhook_converter.go.
 */
import type { CustomResourceDefinition } from '../../../schemas/types.ts'
import { jsonKind } from '../../apimachinery/decode-context.ts'
import { goTypeOf } from '../../apimachinery/go-format.ts'
import { cloneJSON, isRecord } from '../../apimachinery/json.ts'
import { sortedJSON } from '../../apimachinery/sorted-json.ts'
import { validateAnnotations, validateLabels } from '../../apimachinery/validate-meta.ts'
import { goJSON, quote, StatusError, type FieldError } from '../../errors.ts'
import type { ResourceConverter } from '../../registry/custom-resource-schema.ts'
import type { KubeObject } from '../../registry/kind.ts'
import type { RequestContext } from '../../registry/request-context.ts'
import { parseApiVersion } from '../../registry/scheme.ts'
import type { WebhookClient } from './client.ts'
import { TYPE_META } from './review.ts'

const GROUP = 'apiextensions.k8s.io'
const VERSIONS = ['v1', 'v1beta1']
const TIMEOUT_SECONDS = 30

/** Why an answer cannot be used. */
class Unusable extends Error {}

export function conversionWebhooks(client: WebhookClient, context: () => RequestContext): ResourceConverter {
  return async (crd, objects, apiVersion) => {
    const [first] = objects
    if (!first) return []
    const kind = goGVK(first)
    // Where one object is asked for, upstream's words are others than for a list.
    const isList = objects.length > 1
    try {
      const converted = await ask(crd, { objects, apiVersion, client, ctx: context() }).catch((error: unknown) => {
        throw new Unusable(`failed: ${error instanceof Error ? error.message : String(error)}`)
      })
      if (converted.length !== objects.length) throw new Unusable(`returned ${converted.length} objects, expected ${objects.length}`)
      return converted.map((object, i) => accepted(objects[i] ?? first, object, { apiVersion, place: isList ? `converted object at index ${i}` : 'object' }))
    } catch (error) {
      if (error instanceof Unusable) throw new StatusError({ code: 500, message: `conversion webhook for ${kind} ${error.message}` })
      throw error
    }
  }
}

/** As Go prints a GroupVersionKind. */
function goGVK({ apiVersion = '', kind = '' }: KubeObject): string {
  const { group, version } = parseApiVersion(apiVersion)
  return `${group}/${version}, Kind=${kind}`
}

interface Question {
  objects: readonly KubeObject[]
  apiVersion: string
  client: WebhookClient
  ctx: RequestContext
}

async function ask({ spec }: CustomResourceDefinition, { objects, apiVersion, client, ctx }: Question): Promise<unknown[]> {
  const { clientConfig = {}, conversionReviewVersions = [] } = spec.conversion?.webhook ?? {}
  const version = conversionReviewVersions.find((v) => VERSIONS.includes(v))
  if (!version) throw new Error('no supported conversion review versions')
  const uid = ctx.random.uuid()
  const review = { kind: 'ConversionReview', apiVersion: `${GROUP}/${version}`, request: { uid, desiredAPIVersion: apiVersion, objects } }
  return readAnswer(await client.post(clientConfig, review, { timeoutSeconds: TIMEOUT_SECONDS, ctx }), { uid, version })
}

function readAnswer(json: unknown, { uid, version }: { uid: string; version: string }): unknown[] {
  if (!isRecord(json)) throw new Error(`couldn't get version/kind; json parse error: json: cannot unmarshal ${jsonKind(json)} into Go value of type ${TYPE_META}`)
  const text = (value: unknown): string => (typeof value === 'string' ? value : '')
  const { apiVersion, kind, response } = json
  if ((kind && kind !== 'ConversionReview') || (apiVersion && !VERSIONS.some((v) => apiVersion === `${GROUP}/${v}`))) {
    throw new Error(`no kind ${quote(text(kind))} is registered for version ${quote(text(apiVersion))} in scheme "pkg/runtime/scheme.go:111"`)
  }
  if (version === 'v1' && (apiVersion !== `${GROUP}/v1` || !kind)) throw new Error(`expected webhook response of ${GROUP}/v1, Kind=ConversionReview, got ${text(apiVersion) || '/'}, Kind=${text(kind)}`)
  if (!isRecord(response)) throw new Error('no response provided')
  if (version === 'v1' && text(response.uid) !== uid) throw new Error(`expected response.uid=${quote(uid)}, got ${quote(text(response.uid))}`)
  const result = isRecord(response.result) ? response.result : {}
  if (result.status !== 'Success') throw new Error(text(result.message) || `response.result.status was '${text(result.status)}', not 'Success'`)
  return Array.isArray(response.convertedObjects) ? response.convertedObjects : []
}

/** The converted object with the metadata that no webhook may change. @throws Unusable */
function accepted(original: KubeObject, converted: unknown, { apiVersion, place }: { apiVersion: string; place: string }): KubeObject {
  if (!isRecord(converted) || typeof converted.kind !== 'string') {
    const problem = `Object 'Kind' is missing in '${goJSON(sortedJSON(converted))}'`
    throw place === 'object' ? new StatusError({ code: 500, message: problem }) : new Unusable(`returned invalid ${place}: ${problem}`)
  }
  const at = place === 'object' ? 'object at index 0' : place
  if (converted.apiVersion !== apiVersion) throw new Unusable(`returned invalid ${at}: invalid groupVersion (expected ${apiVersion}, received ${goText(converted.apiVersion)})`)
  if (converted.kind !== original.kind) throw new Unusable(`returned invalid ${at}: invalid kind (expected ${original.kind ?? ''}, received ${converted.kind})`)
  const metadata: Record<string, unknown> = isRecord(converted.metadata) ? converted.metadata : {}
  for (const [name, member] of [['name', 'name'], ['namespace', 'namespace'], ['UID', 'uid']] as const) {
    const before = original.metadata[member] ?? ''
    const now = goText(metadata[member])
    if (now !== before) throw new Unusable(`returned invalid ${place}: must have the same ${name}: ${before} != ${now}`)
  }
  const inMetadata = place === 'object' ? 'returned invalid metadata' : `returned invalid metadata in ${place.replace('converted ', '')}`
  return { ...converted, metadata: restoredMetadata(original, converted.metadata, inMetadata) } as unknown as KubeObject
}

const goText = (value: unknown): string => (typeof value === 'string' ? value : '')

/** Of metadata, labels and annotations may be others. */
function restoredMetadata(original: KubeObject, given: unknown, problem: string): KubeObject['metadata'] {
  if (given === undefined) throw new Unusable(`${problem}: missing metadata in converted object`)
  if (!isRecord(given)) throw new Unusable(`${problem}: invalid metadata of type ${goTypeOf(given)} in converted object`)
  const { labels: _labels, annotations: _annotations, ...rest } = cloneJSON(original.metadata)
  const metadata: KubeObject['metadata'] = rest
  for (const name of ['labels', 'annotations'] as const) {
    const texts = given[name]
    if (texts === undefined || texts === null) continue
    if (!isRecord(texts)) throw new Unusable(`${problem}: invalid metadata.${name} of type ${goTypeOf(texts)} in converted object`)
    for (const [key, value] of Object.entries(texts)) {
      if (typeof value !== 'string') throw new Unusable(`${problem}: metadata.${name}[${key}] must be a string, but is ${value === null ? '<nil>' : goTypeOf(value)} in converted object`)
    }
    const errors = name === 'labels' ? validateLabels(texts as Record<string, string>, 'metadata.labels') : validateAnnotations(texts as Record<string, string>, 'metadata.annotation')
    if (errors.length > 0) throw new Unusable(`${problem}: ${aggregateText(errors)}`)
    metadata[name] = texts as Record<string, string>
  }
  return metadata
}

function aggregateText(errors: readonly FieldError[]): string {
  const texts = [...new Set(errors.map(({ field, body }) => `${field}: ${body}`))]
  return texts.length === 1 ? (texts[0] ?? '') : `[${texts.join(', ')}]`
}
