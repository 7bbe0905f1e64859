/** What the functions do, by the names of their overloads. */
import { CONVERSIONS } from './functions-conversions.ts'
import { KUBERNETES } from './functions-kubernetes.ts'
import { LISTS } from './functions-lists.ts'
import { NETWORK } from './functions-network.ts'
import { OPERATORS } from './functions-operators.ts'
import { STRINGS } from './functions-strings.ts'
import { TIMES } from './functions-time.ts'
import { CelError, NO_SUCH_OVERLOAD, type Value } from './values.ts'

export type CelFunction = (...args: Value[]) => Value

const PATCH: Readonly<Record<string, CelFunction>> = {
  string_jsonpatch_escapeKey_string: (key) => (typeof key === 'string' ? key.replaceAll('~', '~0').replaceAll('/', '~1') : NO_SUCH_OVERLOAD),
}

/** Arguments were matched with the types of the overload, which is why implementations may ask for those. */
export const FUNCTIONS: Readonly<Record<string, CelFunction | undefined>> = { ...CONVERSIONS, ...STRINGS, ...LISTS, ...TIMES, ...KUBERNETES, ...NETWORK, ...PATCH }

type Trait = (args: readonly Value[], fn: string) => Value

function traitOf(run: (...args: [Value, Value]) => Value | undefined): Trait {
  return ([a = null, b = null], fn) => run(a, b) ?? new CelError(`no such overload: ${fn}`)
}

/** Functions that look at their values alone, not at overloads. */
export const TRAITS: Readonly<Record<string, Trait | undefined>> = {
  ...Object.fromEntries(Object.entries(OPERATORS).map(([fn, run]) => [fn, traitOf(run)])),
  '@not_strictly_false': ([value]) => value !== false,
}
