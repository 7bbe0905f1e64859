/**
 * The OpenAPI v2 document as gnostic's protobuf message, which kubectl asks for when a kind is in no v3 document. Models
 * openapiv2/OpenAPIv2.proto of github.com/google/gnostic-models.
 */
import { BinaryWriter } from '@bufbuild/protobuf/wire'
import { isRecord } from '../apimachinery/json.ts'
import { any, double, each, fillShape, flag, integer, members, message, namedMembers, orReference, shaped, text, type Shape, type Write } from './gnostic-writer.ts'

export const V2_PROTOBUF = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf'

/** Schemas hold schemas. */
const schema: Write = (writer, number, value) => writeSchema(writer, number, value)

const SCHEMA: Shape = {
  $ref: [1, text],
  format: [2, text],
  title: [3, text],
  description: [4, text],
  default: [5, any],
  multipleOf: [6, double],
  maximum: [7, double],
  exclusiveMaximum: [8, flag],
  minimum: [9, double],
  exclusiveMinimum: [10, flag],
  maxLength: [11, integer],
  minLength: [12, integer],
  pattern: [13, text],
  maxItems: [14, integer],
  minItems: [15, integer],
  uniqueItems: [16, flag],
  maxProperties: [17, integer],
  minProperties: [18, integer],
  required: [19, each(text)],
  enum: [20, each(any)],
  additionalProperties: [21, message((writer, value) => (typeof value === 'boolean' ? flag(writer, 2, value) : schema(writer, 1, value)))],
  type: [22, message((writer, value) => each(text)(writer, 1, value))],
  items: [23, message((writer, value) => each(schema)(writer, 1, value))],
  allOf: [24, each(schema)],
  properties: [25, namedMembers(schema)],
  externalDocs: [29, shaped({ description: [1, text], url: [2, text] })],
  example: [30, any],
}
const writeSchema = shaped(SCHEMA, 31)

const bodyParameter = shaped({ description: [1, text], name: [2, text], in: [3, text], required: [4, flag], schema: [5, schema] }, 6)
const queryParameter = shaped({ required: [1, flag], in: [2, text], description: [3, text], name: [4, text], type: [6, text], uniqueItems: [20, flag] }, 23)
const pathParameter = shaped({ required: [1, flag], in: [2, text], description: [3, text], name: [4, text], type: [5, text], uniqueItems: [19, flag] }, 22)
const otherParameter = message((writer, value) => (isRecord(value) && value.in === 'path' ? pathParameter(writer, 4, value) : queryParameter(writer, 3, value)))
const parameter = message((writer, value) => (isRecord(value) && value.in === 'body' ? bodyParameter(writer, 1, value) : otherParameter(writer, 2, value)))
const parameters = each(orReference(parameter))

const response = shaped({ description: [1, text], schema: [2, message((writer, value) => schema(writer, 1, value))] }, 5)
const operation = shaped(
  {
    tags: [1, each(text)],
    summary: [2, text],
    description: [3, text],
    operationId: [5, text],
    produces: [6, each(text)],
    consumes: [7, each(text)],
    parameters: [8, parameters],
    responses: [9, namedMembers(orReference(response))],
    schemes: [10, each(text)],
  },
  13,
)
const pathItem = shaped({ get: [2, operation], put: [3, operation], post: [4, operation], delete: [5, operation], options: [6, operation], head: [7, operation], patch: [8, operation], parameters: [9, parameters] }, 10)
const apiKey = shaped({ type: [1, text], name: [2, text], in: [3, text], description: [4, text] }, 5)

const fillDocument = fillShape({
  swagger: [1, text],
  info: [2, shaped({ title: [1, text], version: [2, text], description: [3, text] })],
  paths: [8, message((writer, value) => members(pathItem)(writer, 2, value))],
  definitions: [9, namedMembers(schema)],
  parameters: [10, namedMembers(parameter)],
  security: [12, each(namedMembers(message((writer, value) => each(text)(writer, 1, value))))],
  securityDefinitions: [13, namedMembers(message((writer, value) => apiKey(writer, 2, value)))],
})

/** @param document the JSON document */
export function openAPIV2Protobuf(document: unknown): Buffer {
  const writer = new BinaryWriter()
  fillDocument(writer, document)
  return Buffer.from(writer.finish())
}
