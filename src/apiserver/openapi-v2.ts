/** OpenAPI v2: one document of everything served. Models k8s.io/kube-openapi/pkg/builder, its parameter sharing included. */
import { bearerToken, info, openAPIDocument, type OpenAPIDocument, responseDescription } from './openapi-document.ts'
import { optionTypes, type Parameter } from './openapi-parameters.ts'
import { rootRoutes } from './openapi-roots.ts'
import {
  commonParameters, compareParameters, type Operation, patchType, type Routes, type ServedGroupVersion, text, typesOf,
} from './openapi-routes.ts'
import { routesOf } from './openapi-custom-routes.ts'
import { collectSchemas, type JsonSchema, schemaRef } from './openapi-schema.ts'

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

const known = new WeakMap<readonly ServedGroupVersion[], OpenAPIDocument>()

function build(served: readonly ServedGroupVersion[]): OpenAPIDocument {
  const writer = new V2Writer()
  const all = [...rootRoutes(served).values(), ...served.map(routesOf)]
  const paths = Object.assign({}, ...all.map((routes) => writer.paths(routes)))
  const extra = Object.assign({}, ...served.map((gv) => gv.schemas?.v2 ?? {}))
  return openAPIDocument({
    swagger: '2.0',
    info,
    paths,
    definitions: collectSchemas('v2', new Set(all.flatMap((routes) => [...typesOf(routes)])), extra),
    parameters: writer.parameters,
    securityDefinitions: { BearerToken: bearerToken },
    security: [{ BearerToken: [] }],
  })
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
