/**
 * OpenAPI v3 for API servers that tell of themselves in v2 alone, made of what they say there: lossy, but enough for
 * `kubectl explain`. Models k8s.io/kube-openapi/pkg/openapiconv.
 */
import { isRecord } from '../../apimachinery/json.ts'
import { openAPIDocument, type OpenAPIDocument } from '../openapi-document.ts'
import type { Swagger } from './merge-openapi-v2.ts'

type Members = Record<string, unknown>

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch']

const record = (value: unknown): Members => (isRecord(value) ? value : {})
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])
const mapped = (value: unknown, convert: (member: unknown) => unknown): Members => Object.fromEntries(Object.entries(record(value)).map(([key, member]) => [key, convert(member)]))
const moved = (reference: unknown, from: string, to: string): unknown => (typeof reference === 'string' ? reference.replace(`#/${from}/`, `#/components/${to}/`) : reference)
/** A copy without what is undefined. */
const only = (members: Members): Members => Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))
const extensions = (value: Members): Members => Object.fromEntries(Object.entries(value).filter(([name]) => name.startsWith('x-')))

export function convertOpenAPIV2({ info, externalDocs, paths, definitions, securityDefinitions, responses, produces }: Swagger): OpenAPIDocument {
  const components = only({
    schemas: definitions && mapped(definitions, schemaOf),
    responses: responses && mapped(responses, (response) => responseOf(response, list(produces))),
    securitySchemes: securityDefinitions && mapped(securityDefinitions, (scheme) => only({ type: record(scheme).type, description: record(scheme).description, name: record(scheme).name, in: record(scheme).in })),
  })
  return openAPIDocument(only({ openapi: '3.0.0', info, externalDocs, paths: paths && mapped(paths, pathOf), components }))
}

/** What stands beside a reference is kept by wrapping the reference. */
function schemaOf(value: unknown): unknown {
  if (!isRecord(value)) return value
  const { $ref, properties, items, additionalProperties, ...rest } = value
  const others = {
    ...rest,
    ...only({ properties: properties && mapped(properties, schemaOf), items: Array.isArray(items) ? items.map(schemaOf) : schemaOf(items), additionalProperties: schemaOf(additionalProperties) }),
  }
  if ($ref === undefined) return others
  const reference = { $ref: moved($ref, 'definitions', 'schemas') }
  return Object.keys(others).length > 0 ? { ...others, allOf: [reference] } : reference
}

function pathOf(value: unknown): unknown {
  const path = record(value)
  const operations = METHODS.flatMap((method): [string, unknown][] => (isRecord(path[method]) ? [[method, operationOf(path[method])]] : []))
  return only({ ...Object.fromEntries(operations), parameters: path.parameters && list(path.parameters).map(parameterOf), ...extensions(path) })
}

function operationOf(operation: Members): unknown {
  const { tags, summary, description, externalDocs, operationId, deprecated } = operation
  const parameters = list(operation.parameters)
  const isBody = (parameter: unknown): boolean => record(parameter).name === 'body' && isRecord(record(parameter).schema)
  const body = parameters.find(isBody)
  const others = parameters.filter((parameter) => !isBody(parameter)).map(parameterOf)
  return only({
    tags, summary, description, externalDocs, operationId,
    parameters: others.length > 0 ? others : undefined,
    requestBody: body && { content: contentOfSchema(record(body).schema, list(operation.consumes)) },
    responses: mapped(operation.responses, (response) => responseOf(response, list(operation.produces))),
    deprecated,
    ...extensions(operation),
  })
}

function contentOfSchema(schema: unknown, mediaTypes: readonly unknown[]): Members {
  return Object.fromEntries(mediaTypes.map((mediaType) => [String(mediaType), { schema: schemaOf(schema) }]))
}

function responseOf(value: unknown, produces: readonly unknown[]): unknown {
  const { $ref, description, schema } = record(value)
  return only({ $ref: moved($ref, 'responses', 'responses'), description, content: schema && produces.length > 0 ? contentOfSchema(schema, produces) : undefined })
}

function parameterOf(value: unknown): unknown {
  const { $ref, name, description, in: place, required, schema, allowEmptyValue, type, format, uniqueItems } = record(value)
  const simple = only({ type: type ?? '', format, uniqueItems })
  return only({ $ref: moved($ref, 'parameters', 'parameters'), name, in: place, description, required, allowEmptyValue, schema: schema === undefined ? simple : schemaOf(schema) })
}

