/** OpenAPI v2: one document of everything served. Models k8s.io/kube-openapi/pkg/builder, its parameter sharing included. */
import { createHash } from 'node:crypto'
import { typeFacts } from '../../schemas/facts.ts'
import { bearerToken, info, type OpenAPIDocument, responseDescription } from './openapi-document.ts'
import { optionTypes, type Parameter } from './openapi-parameters.ts'
import { rootRoutes } from './openapi-roots.ts'
import {
  commonParameters, compareParameters, type Operation, patchType, type Routes, type ServedGroupVersion, text, typesOf,
} from './openapi-routes.ts'
import { routesOf } from './openapi-custom-routes.ts'
import { collectSchemas, type ExtraSchemas, type JsonSchema, referencesOf, schemaRef } from './openapi-schema.ts'

interface BodyParameter {
  readonly name: 'body'
  readonly in: 'body'
  readonly required?: true
  readonly schema: JsonSchema
}

/** The bodies that are the same for every resource are shared like parameters. */
const sharedBodies: Readonly<Record<string, string>> = { [optionTypes.delete]: 'body-2Y1dVQaQ', [patchType]: 'body-78PwaGsr' }

class V2Writer {
  readonly parameters: Record<string, unknown> = {}

  paths(routes: Routes): Record<string, unknown> {
    return Object.fromEntries([...routes].map(([path, operations]) => [path, this.#pathItem(operations)]))
  }

  #pathItem(operations: readonly Operation[]): unknown {
    const common = commonParameters(operations)
    const item: Record<string, unknown> = {}
    for (const operation of operations) item[operation.method] = this.#operation(operation, common)
    if (common.length > 0) item['parameters'] = common.map((p) => this.#parameter(p))
    return item
  }

  #operation(operation: Operation, common: readonly Parameter[]): unknown {
    const own = operation.parameters.filter((p) => !common.some((c) => c.name === p.name && c.in === p.in))
    const all = [...own, ...bodyParameters(operation)].sort(compareParameters)
    return {
      ...(operation.consumes.length > 0 ? { consumes: operation.consumes } : {}),
      ...(operation.produces.length > 0 ? { produces: operation.produces } : {}),
      schemes: ['https'],
      tags: [operation.tag],
      operationId: operation.id,
      ...(all.length > 0 ? { parameters: all.map((p) => (p.in === 'body' ? this.#body(operation, p) : this.#parameter(p))) } : {}),
      responses: responses(operation),
      ...(operation.action === undefined ? {} : { 'x-kubernetes-action': operation.action }),
      ...(operation.gvk === undefined ? {} : { 'x-kubernetes-group-version-kind': operation.gvk }),
    }
  }

  #parameter(p: Parameter): unknown {
    const object = { uniqueItems: true, type: p.type, name: p.name, in: p.in, ...(p.in === 'path' ? { required: true } : {}) }
    return p.shared === undefined ? object : this.#share(p.shared, object)
  }

  #body(operation: Operation, body: BodyParameter): unknown {
    const shared = sharedBodies[operation.body?.typeName ?? '']
    return shared === undefined ? body : this.#share(shared, body)
  }

  #share(name: string, parameter: unknown): { $ref: string } {
    this.parameters[name] = parameter
    return { $ref: `#/parameters/${name}` }
  }
}

function bodyParameters({ body }: Operation): BodyParameter[] {
  if (body === undefined) return []
  return [{ name: 'body', in: 'body', ...(body.required ? { required: true } : {}), schema: schemaRef('v2', body.typeName) }]
}

function responses(operation: Operation): Record<string, unknown> {
  const answers = Object.entries(operation.responses).map(([code, type]): [string, unknown] => [
    code,
    { description: responseDescription(code), schema: type === text ? { type: 'string' } : schemaRef('v2', type) },
  ])
  return Object.fromEntries([...answers, ['401', { description: responseDescription('401') }]])
}

/** The part of the document that one group and version brings, as bytes: it is made once, however often others change. */
interface Fragment {
  /** `"path":{…},…` */
  readonly paths: Buffer
  /** `"name":{…},…` of the types of custom resources. */
  readonly definitions: Buffer
  /** The built-in types it refers to. */
  readonly types: readonly string[]
  readonly parameters: Readonly<Record<string, unknown>>
  readonly hash: string
}

const fragments = new WeakMap<ServedGroupVersion, Fragment>()

function fragmentOf(served: ServedGroupVersion): Fragment {
  const known = fragments.get(served)
  if (known) return known
  const made = makeFragment([routesOf(served)], served.schemas?.v2)
  fragments.set(served, made)
  return made
}

function makeFragment(all: readonly Routes[], custom: ExtraSchemas = {}): Fragment {
  const writer = new V2Writer()
  const paths = Buffer.from(all.map((routes) => members(writer.paths(routes))).filter(Boolean).join(','))
  const roots = all.flatMap((routes) => [...typesOf(routes)])
  const types = [...new Set([...roots, ...referencesOf(custom)])].filter((name) => !Object.hasOwn(custom, name) && typeFacts(name) !== undefined)
  const definitions = Buffer.from(members(custom))
  return { paths, definitions, types, parameters: writer.parameters, hash: createHash('sha256').update(paths).update(definitions).digest('base64') }
}

/** The members of an object in JSON, without its braces. */
const members = (value: object): string => JSON.stringify(value).slice(1, -1)

/** Of the built-in types with all that they refer to; what is asked for hardly ever changes. */
let builtIn: { key: string; text: Buffer } | undefined

function builtInDefinitions(types: ReadonlySet<string>): Buffer {
  const key = [...types].sort().join()
  if (builtIn?.key !== key) builtIn = { key, text: Buffer.from(members(collectSchemas('v2', types))) }
  return builtIn.text
}

const COMMA = Buffer.from(',')
const joined = (parts: readonly Buffer[]): Buffer[] => parts.filter(({ length }) => length > 0).flatMap((part, i) => (i > 0 ? [COMMA, part] : [part]))

const known = new WeakMap<readonly ServedGroupVersion[], OpenAPIDocument>()

function build(served: readonly ServedGroupVersion[]): OpenAPIDocument {
  const parts = [makeFragment([...rootRoutes(served).values()]), ...served.map(fragmentOf)]
  const definitions = [builtInDefinitions(new Set(parts.flatMap(({ types }) => types))), ...parts.map((part) => part.definitions)]
  const rest = members({
    parameters: Object.assign({}, ...parts.map(({ parameters }) => parameters)) as object,
    securityDefinitions: { BearerToken: bearerToken },
    security: [{ BearerToken: [] }],
  })
  const head = `{${members({ swagger: '2.0', info })},"paths":{`
  const body = [Buffer.from(head), ...joined(parts.map(({ paths }) => paths)), Buffer.from('},"definitions":{'), ...joined(definitions), Buffer.from(`},${rest}}`)]
  return { body, hash: createHash('sha512').update(parts.map(({ hash }) => hash).join()).digest('hex').toUpperCase() }
}

/** The document at /openapi/v2. It is made when first asked for and kept as long as the list of what is served is the same one. */
export function openAPIV2Document(served: readonly ServedGroupVersion[]): OpenAPIDocument {
  let document = known.get(served)
  if (document === undefined) {
    document = build(served)
    known.set(served, document)
  }
  return document
}
