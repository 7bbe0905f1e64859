/** Random objects of any type there are facts about, in the form in which Go writes them or nearly so. */
import type { FieldFacts } from '../../schemas/facts.ts'
import { mustTypeFacts } from '../../schemas/facts.ts'
import type { FieldType, Scalar } from '../../schemas/field-type.ts'
import type { Random } from '../../src/clock.ts'

export interface RandomObjectOptions {
  /** How likely an optional field is there. */
  density?: number
  /** Past this depth only required fields are filled. */
  maxDepth?: number
  /** Called for each value made; may give another in its place. */
  replace?(value: unknown, type: FieldType): unknown
}

export function randomObject(typeName: string, random: Random, options: RandomObjectOptions = {}): Record<string, unknown> {
  const facts = mustTypeFacts(typeName)
  const object = randomStruct(typeName, { random, options, depth: 0 })
  const [gvk] = facts.gvks
  if (!gvk) return object
  return { kind: gvk.kind, apiVersion: gvk.group ? `${gvk.group}/${gvk.version}` : gvk.version, ...object }
}

interface Making {
  random: Random
  options: RandomObjectOptions
  depth: number
}

/** A TypeMeta inside of a list's item does not survive protobuf, so none is made. */
function randomStruct(typeName: string, making: Making): Record<string, unknown> {
  const object: Record<string, unknown> = {}
  const { random, options, depth } = making
  for (const field of mustTypeFacts(typeName).fields) {
    if (field.inline && field.type.kind === 'ref') {
      if (field.protobuf !== undefined) Object.assign(object, randomStruct(field.type.name, making))
    } else if (random.float() < (options.density ?? 0.4) && depth < (options.maxDepth ?? 6)) object[field.name] = randomField(field, making)
  }
  return object
}

function randomField(field: FieldFacts, making: Making): unknown {
  return randomValue(field.type, { ...making, depth: making.depth + 1 })
}

function randomValue(type: FieldType, making: Making): unknown {
  const value = madeValue(type, making)
  return making.options.replace ? making.options.replace(value, type) : value
}

function madeValue(type: FieldType, making: Making): unknown {
  const { random } = making
  switch (type.kind) {
    case 'ref':
      return randomStruct(type.name, making)
    case 'list':
      return Array.from({ length: 1 + random.int(2) }, () => randomValue(type.of, making))
    case 'map':
      return Object.fromEntries(Array.from({ length: 1 + random.int(2) }, (_, i) => [`k${i}${random.suffix(2)}`, randomValue(type.of, making)]))
    case 'scalar':
      return randomScalar(type.scalar, making)
  }
}

const pick = <T>(random: Random, choices: readonly [T, ...T[]]): T => choices[random.int(choices.length)] ?? choices[0]

function randomScalar(scalar: Scalar, making: Making): unknown {
  const { random, depth, options } = making
  const time = (): string => new Date(random.int(2 ** 31) * 1000).toISOString()
  switch (scalar) {
    case 'string':
      return pick(random, [random.suffix(5), 'é<&>\u2028"\\', ''])
    case 'bool':
      return random.int(2) === 1
    case 'int':
    case 'int64':
      return pick(random, [random.int(100), -random.int(1000), 2 ** 40 + random.int(1000), 0])
    case 'int32':
      return pick(random, [random.int(100), -random.int(1000), 2 ** 31 - 1, -(2 ** 31), 0])
    case 'uint8':
      return random.int(256)
    case 'uint32':
    case 'uint64':
      return random.int(2 ** 32)
    case 'float64':
      return random.int(1000) / 8
    case 'bytes':
      return Buffer.from(random.bytes(random.int(9))).toString('base64')
    case 'Time':
      return `${time().slice(0, 19)}Z`
    case 'MicroTime':
      return `${time().slice(0, 19)}.${String(random.int(1_000_000)).padStart(6, '0')}Z`
    case 'Duration':
      return pick(random, ['1h0m0s', '30s', '1.5s', '0s', '-2m0s'])
    case 'Quantity':
      return pick(random, ['0', '1', '100m', '1Gi', '1500m', '12e6', '3Ki', '5n'])
    case 'IntOrString':
      return pick(random, [random.int(70_000), '50%', 'http', 0])
    case 'RawExtension':
      return { kind: 'Any', apiVersion: 'example.com/v1', list: [1, 'a', null, { x: true }] }
    case 'FieldsV1':
      return { 'f:metadata': { 'f:labels': { '.': {}, 'f:a': {} } } }
    case 'any':
    case 'JSON':
      return pick<unknown>(random, [1, 'a', true, { a: [1] }, ['x']])
    case 'JSONSchemaPropsOrBool':
      return random.int(3) > 0 || depth > (options.maxDepth ?? 6) ? random.int(2) === 1 : schema(making)
    case 'JSONSchemaPropsOrArray':
      return random.int(2) > 0 ? schema(making) : [schema(making), schema(making)]
    case 'JSONSchemaPropsOrStringArray':
      return random.int(2) > 0 ? schema(making) : ['a', 'b']
  }
}

function schema(making: Making): unknown {
  return randomStruct('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps', { ...making, depth: making.depth + 3, options: { ...making.options, density: 0.1 } })
}
