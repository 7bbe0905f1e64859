/**
 * The facts about a type, compiled to what decoding and normalising ask for in their inner loops. Made once per type,
 * when it is first needed.
 */
import { mustTypeFacts, type FieldFacts, type TypeFacts } from '../../schemas/facts.ts'
import type { FieldType, SpecialScalar } from '../../schemas/field-type.ts'

/** How a value is read and written. */
export type Plan =
  | { readonly kind: 'string' | 'bool' | 'float' | 'bytes' | 'any'; readonly goName: string }
  | { readonly kind: 'int'; readonly goName: string; readonly min: number; readonly max: number }
  | { readonly kind: 'special'; readonly goName: string; readonly special: SpecialScalar }
  | { readonly kind: 'list'; readonly goName: string; readonly of: Plan }
  | { readonly kind: 'map'; readonly goName: string; readonly of: Plan }
  | StructPlan

export interface FieldPlan {
  readonly name: string
  /** Place in the order in which Go writes the members. */
  readonly ordinal: number
  readonly plan: Plan
  readonly facts: FieldFacts
  /** `VolumeSource.` for a member of the inlined VolumeSource, as errors name it. */
  readonly inlinePrefix: string
  /** Whether a zero value is left out, by the rules of its type. */
  readonly dropsZero: boolean
  /** Whether decoding keeps an empty list or map all the same; what is stored has none. */
  readonly keepsEmpty: boolean
  /** What stands there when there is no value, since Go writes the member all the same; undefined where it does not. */
  readonly absent: unknown
  /** For a struct that is always there: its members decide what an absent one looks like. */
  readonly isEmbeddedStruct: boolean
}

export interface StructPlan {
  readonly kind: 'struct'
  readonly goName: string
  /** `ObjectMeta` of `v1.ObjectMeta`. */
  readonly structName: string
  readonly facts: TypeFacts
  /** In the order in which Go writes them. */
  readonly fields: readonly FieldPlan[]
  readonly byName: ReadonlyMap<string, FieldPlan>
  /** Those that are always written. */
  readonly always: readonly FieldPlan[]
}

/** Where defaulting or validation tells what is empty from what is absent, by type and field; of metadata by the type that it is in. */
const TOLD_FROM_ABSENT: ReadonlySet<string> = new Set([
  'v1.Device.bindingConditions',
  'v1.Device.bindingFailureConditions',
  'v1.DeviceRequestAllocationResult.bindingConditions',
  'v1.DeviceRequestAllocationResult.bindingFailureConditions',
  'v1.IngressSpec.rules',
  'v1.PersistentVolumeSpec.capacity',
  'v1.PodSecurityContext.supplementalGroups',
  'v1.PodSpec.overhead',
  'v1.PodTemplateSpec.metadata.labels',
  'v1.ResourceQuotaSpec.scopes',
  'v1.ResourceRequirements.claims',
  'v1.ResourceSliceSpec.devices',
  'v1.ResourceSliceSpec.sharedCounters',
  'v1.ServiceCIDRSpec.cidrs',
  'v2.HPAScalingRules.policies',
])

/** Types of which this is so in all their lists and maps. */
const TOLD_IN_ALL: ReadonlySet<string> = new Set(['v1.JSONSchemaProps', 'v1.NetworkPolicyEgressRule', 'v1.NetworkPolicyIngressRule', 'v1.NetworkPolicySpec'])

const structs = new Map<string, StructPlan>()
const plans = new Map<FieldType, Plan>()

/** @param typeName an OpenAPI name that there are facts about */
export function structPlan(typeName: string): StructPlan {
  const known = structs.get(typeName)
  if (known) return known
  const facts = mustTypeFacts(typeName)
  const plan = new LazyStruct(facts)
  structs.set(typeName, plan)
  return plan
}

/** Types refer to themselves (JSONSchemaProps), so the fields are worked out at their first use. */
class LazyStruct implements StructPlan {
  readonly kind = 'struct'
  readonly goName: string
  readonly structName: string
  readonly facts: TypeFacts
  readonly #place: string
  #fields: FieldPlan[] | undefined
  #byName: Map<string, FieldPlan> | undefined
  #always: FieldPlan[] | undefined

  /** @param place how TOLD_FROM_ABSENT names the type here */
  constructor(facts: TypeFacts, place = facts.goName) {
    this.facts = facts
    this.#place = place
    this.goName = facts.goName
    this.structName = facts.goName.slice(facts.goName.lastIndexOf('.') + 1)
  }

  get fields(): readonly FieldPlan[] {
    return (this.#fields ??= members(this.facts, '').map((m, ordinal) => fieldPlan(m, ordinal, `${this.#place}.${m.facts.name}`)))
  }

  get byName(): ReadonlyMap<string, FieldPlan> {
    return (this.#byName ??= new Map(this.fields.map((f) => [f.name, f])))
  }

  get always(): readonly FieldPlan[] {
    return (this.#always ??= this.fields.filter((f) => f.absent !== undefined || f.isEmbeddedStruct))
  }
}

interface Member {
  facts: FieldFacts
  prefix: string
}

/** The members of the JSON object; a field of the type itself hides an inlined one of the same name. */
function members(facts: TypeFacts, prefix: string): Member[] {
  const own = new Set(facts.fields.map((f) => f.name))
  return facts.fields.flatMap((f) => {
    if (!f.inline || f.type.kind !== 'ref') return [{ facts: f, prefix }]
    const inner = members(mustTypeFacts(f.type.name), `${prefix}${f.goName}.`)
    return inner.filter((m) => !own.has(m.facts.name))
  })
}

function fieldPlan({ facts, prefix: inlinePrefix }: Member, ordinal: number, place: string): FieldPlan {
  const plan = facts.name === 'metadata' && facts.type.kind === 'ref' ? metadataPlan(facts.type.name, place) : planOf(facts.type)
  const isNil = facts.pointer || plan.kind === 'list' || plan.kind === 'map' || plan.kind === 'bytes' || plan.kind === 'any'
  const isStruct = !facts.pointer && plan.kind === 'struct'
  const isSpecial = !facts.pointer && plan.kind === 'special'
  // omitempty does not know zero structs, and special scalars are structs to Go.
  const omitted = facts.omitZero || (facts.omitEmpty && !isStruct && !isSpecial)
  return {
    name: facts.name,
    ordinal,
    plan,
    facts,
    inlinePrefix,
    dropsZero: omitted && !facts.pointer,
    keepsEmpty: TOLD_FROM_ABSENT.has(place) || ((plan.kind === 'list' || plan.kind === 'map') && TOLD_IN_ALL.has(place.slice(0, place.lastIndexOf('.')))),
    absent: omitted || isStruct ? undefined : isNil ? null : zeroOf(plan),
    isEmbeddedStruct: isStruct && !facts.omitZero,
  }
}

const TOLD_IN_METADATA = new Set([...TOLD_FROM_ABSENT].filter((text) => text.split('.').length > 3).map((text) => text.slice(0, text.lastIndexOf('.'))))

function metadataPlan(typeName: string, place: string): StructPlan {
  return TOLD_IN_METADATA.has(place) ? new LazyStruct(mustTypeFacts(typeName), place) : structPlan(typeName)
}

function zeroOf(plan: Plan): unknown {
  if (plan.kind === 'string') return ''
  if (plan.kind === 'bool') return false
  if (plan.kind === 'int' || plan.kind === 'float') return 0
  if (plan.kind !== 'special') return null
  const zeros: Partial<Record<SpecialScalar, unknown>> = { IntOrString: 0, Quantity: '0', Duration: '0s', JSONSchemaPropsOrBool: false }
  return zeros[plan.special] ?? null
}

const RANGES: Readonly<Record<string, readonly [number, number]>> = {
  int: [-(2 ** 63), 2 ** 63],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  int64: [-(2 ** 63), 2 ** 63],
  uint8: [0, 255],
  uint32: [0, 2 ** 32 - 1],
  uint64: [0, 2 ** 64],
}

export function planOf(type: FieldType): Plan {
  const known = plans.get(type)
  if (known) return known
  const plan = makePlan(type)
  plans.set(type, plan)
  return plan
}

function makePlan(type: FieldType): Plan {
  const { goName } = type
  if (type.kind === 'list' || type.kind === 'map') return { kind: type.kind, goName, of: planOf(type.of) }
  if (type.kind === 'ref') return structPlan(type.name)
  const { scalar } = type
  const range = RANGES[scalar]
  if (range) return { kind: 'int', goName, min: range[0], max: range[1] }
  switch (scalar) {
    case 'string':
    case 'bool':
    case 'bytes':
    case 'any':
      return { kind: scalar, goName }
    case 'float64':
      return { kind: 'float', goName }
    case 'int':
    case 'int32':
    case 'int64':
    case 'uint8':
    case 'uint32':
    case 'uint64':
      throw new Error(`no range for ${scalar}`)
    default:
      return { kind: 'special', goName, special: scalar }
  }
}
