/** OpenAPI v3 documents as gnostic's protobuf message. Models openapiv3/OpenAPIv3.proto of github.com/google/gnostic-models. */
import { BinaryWriter } from '@bufbuild/protobuf/wire'
import { any, double, each, fillShape, flag, integer, members, message, namedMembers, orReference, shaped, text, type Shape, type Write } from './gnostic-writer.ts'

export const V3_PROTOBUF = 'application/com.github.proto-openapi.spec.v3.v1.0+protobuf'

/** Schemas hold schemas. */
const schema: Write = (writer, number, value) => writeSchema(writer, number, value)
const schemaOrReference = orReference(schema)

const defaultValue = message((writer, value) => {
  if (typeof value === 'number') double(writer, 1, value)
  else if (typeof value === 'boolean') flag(writer, 2, value)
  else if (typeof value === 'string') text(writer, 3, value)
})

const SCHEMA: Shape = {
  nullable: [1, flag],
  readOnly: [3, flag],
  writeOnly: [4, flag],
  externalDocs: [6, shaped({ description: [1, text], url: [2, text] })],
  example: [7, any],
  deprecated: [8, flag],
  title: [9, text],
  multipleOf: [10, double],
  maximum: [11, double],
  exclusiveMaximum: [12, flag],
  minimum: [13, double],
  exclusiveMinimum: [14, flag],
  maxLength: [15, integer],
  minLength: [16, integer],
  pattern: [17, text],
  maxItems: [18, integer],
  minItems: [19, integer],
  uniqueItems: [20, flag],
  maxProperties: [21, integer],
  minProperties: [22, integer],
  required: [23, each(text)],
  enum: [24, each(any)],
  type: [25, text],
  allOf: [26, each(schemaOrReference)],
  oneOf: [27, each(schemaOrReference)],
  anyOf: [28, each(schemaOrReference)],
  not: [29, schema],
  items: [30, message((writer, value) => each(schemaOrReference)(writer, 1, value))],
  properties: [31, namedMembers(schemaOrReference)],
  additionalProperties: [32, message((writer, value) => (typeof value === 'boolean' ? flag(writer, 2, value) : schemaOrReference(writer, 1, value)))],
  default: [33, defaultValue],
  description: [34, text],
  format: [35, text],
}
const writeSchema = shaped(SCHEMA, 36)

const content = namedMembers(shaped({ schema: [1, schemaOrReference] }))
const parameter = orReference(shaped({ name: [1, text], in: [2, text], description: [3, text], required: [4, flag], schema: [10, schemaOrReference] }))
const operation = shaped(
  {
    tags: [1, each(text)],
    summary: [2, text],
    description: [3, text],
    operationId: [5, text],
    parameters: [6, each(parameter)],
    requestBody: [7, orReference(shaped({ description: [1, text], content: [2, content], required: [3, flag] }))],
    responses: [8, namedMembers(orReference(shaped({ description: [1, text], content: [3, content] })), 2)],
  },
  13,
)
const pathItem = shaped({ get: [4, operation], put: [5, operation], post: [6, operation], delete: [7, operation], options: [8, operation], head: [9, operation], patch: [10, operation], parameters: [13, each(parameter)] }, 14)
const security = orReference(shaped({ type: [1, text], description: [2, text], name: [3, text], in: [4, text] }, 9))

const fillDocument = fillShape({
  openapi: [1, text],
  info: [2, shaped({ title: [1, text], description: [2, text], version: [6, text] })],
  paths: [4, message((writer, value) => members(pathItem)(writer, 1, value))],
  components: [5, shaped({ schemas: [1, namedMembers(schemaOrReference)], securitySchemes: [7, namedMembers(security)] })],
})

/** @param document the JSON document */
export function openAPIV3Protobuf(document: unknown): Buffer {
  const writer = new BinaryWriter()
  fillDocument(writer, document)
  return Buffer.from(writer.finish())
}
