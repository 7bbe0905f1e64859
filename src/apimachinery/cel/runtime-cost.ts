/** What a call costs when it runs. Models cel-go's interpreter/runtimecost.go and CallCost of k8s.io/apiserver/pkg/cel/library/cost.go. */
import { FormatValue } from './functions-kubernetes.ts'
import { actualSize, ListValue, MapValue, OpaqueValue, toArray, type Value } from './values.ts'

const TRAVERSAL = 0.1
const REGEXP = 0.25
const LIST_CREATION = 10

const traversal = (size: number): number => Math.ceil(size * TRAVERSAL)
const sizeAt = (args: readonly Value[], i: number): number => actualSize(args[i] ?? null)
const matching = (text: number, pattern: number): number => Math.ceil((1 + text) * TRAVERSAL) * Math.ceil(pattern * REGEXP)
const AUTHORIZER_CHECK = 350_000

function selectorCost(length: number): number {
  return LIST_CREATION + traversal(length) + Math.ceil(Math.ceil(length * 0.5) * 50)
}

function traversalOf(value: Value): number {
  if (typeof value === 'string') return Math.floor(Buffer.byteLength(value) * TRAVERSAL)
  if (value instanceof Uint8Array) return Math.floor(value.length * TRAVERSAL)
  if (value instanceof ListValue) return toArray(value).reduce<number>((sum, item) => sum + traversalOf(item), 0)
  if (!(value instanceof MapValue)) return 1
  let sum = 0
  for (const key of value.keys()) sum += traversalOf(key) + traversalOf(value.find(key) ?? null)
  return sum
}

type Coster = (args: readonly Value[], result: Value, overload: string) => number

const one: Coster = () => 1
const ofArgument: Coster = (args) => traversal(sizeAt(args, 0))
const twice: Coster = (args) => Math.ceil(sizeAt(args, 0) * 2 * TRAVERSAL)
const overList: Coster = (args) => traversalOf(args[0] ?? null)
const selector: Coster = (args) => selectorCost(sizeAt(args, 1))
const search: Coster = (args) => matching(sizeAt(args, 0), sizeAt(args, 1))

function containsIP(args: readonly Value[], _result: Value, overload: string): number {
  return Math.ceil(sizeAt(args, 0) * 2 * TRAVERSAL) + (overload === 'cidr_contains_ip_string' ? traversal(sizeAt(args, 1)) : 0)
}

function containsCIDR(args: readonly Value[], _result: Value, overload: string): number {
  const own = sizeAt(args, 0)
  return Math.ceil(own * 2 * TRAVERSAL) + traversal(own) + 1 + (overload === 'cidr_contains_cidr_string' ? traversal(sizeAt(args, 1)) : 0)
}

const validate: Coster = ([format = null, text = null]) => (format instanceof FormatValue ? matching(actualSize(text), format.regexpSize) : 1)

function spread(names: string, coster: Coster): Record<string, Coster> {
  return Object.fromEntries(names.split(' ').map((name) => [name, coster]))
}

/** By function: these hold whatever the overload. */
const BY_FUNCTION: ReadonlyMap<string, Coster> = new Map(
  Object.entries({
    check: () => AUTHORIZER_CHECK,
    ...spread('serviceAccount path group resource subresource namespace name allowed reason error errored', one),
    ...spread('fieldSelector labelSelector', selector),
    ...spread('isSorted sum max min indexOf lastIndexOf', overList),
    ...spread('url lowerAscii upperAscii substring trim jsonpatch.escapeKey', ofArgument),
    ...spread('replace split', twice),
    join: (_args: readonly Value[], result: Value) => Math.ceil(actualSize(result) * 2 * TRAVERSAL),
    ...spread('find findAll', search),
    ...spread('cidr isIP isCIDR quantity isQuantity semver isSemver', ofArgument),
    ip: (args: readonly Value[], _result: Value, overload: string) => (overload === 'cidr_ip' ? 1 : traversal(sizeAt(args, 0))),
    'ip.isCanonical': twice,
    ...spread('masked prefixLength family isUnspecified isLoopback isLinkLocalMulticast isLinkLocalUnicast isGlobalUnicast', one),
    containsIP,
    containsCIDR,
    validate,
    'format.named': one,
    ...spread('sign asInteger isInteger asApproximateFloat isGreaterThan isLessThan compareTo add sub major minor patch', one),
    ...spread('getScheme getHostname getHost getPort getEscapedPath getQuery', one),
  }),
)

const allocating = (factor: number, size: number): number => Math.floor(size * factor) + 1 + LIST_CREATION

function selfCompare(list: Value | undefined): number {
  if (!(list instanceof ListValue) || list.size === 0) return allocating(2, 0)
  const first = list.at(0)
  const factor = typeof first === 'string' || first instanceof Uint8Array ? 2 + TRAVERSAL : 2
  return allocating(factor, list.size * list.size)
}

const ofResult: Coster = (_args, result) => allocating(1, actualSize(result))
const flatten: Coster = (args) => allocating(args.length === 2 ? Number(args[1]) : 1, sizeAt(args, 0))
const smaller: Coster = (args) => traversal(Math.min(sizeAt(args, 0), sizeAt(args, 1)))
const both: Coster = (args) => traversal(sizeAt(args, 0) + sizeAt(args, 1))
const sets = (factor: number): Coster => (args) => 1 + Math.floor(sizeAt(args, 0) * sizeAt(args, 1) * factor)
const product: Coster = (args) => traversal(sizeAt(args, 0)) * traversal(sizeAt(args, 1))

const TRACKED: ReadonlyMap<string, Coster> = new Map(
  Object.entries({
    ...spread('list_slice lists_range list_reverse', ofResult),
    ...spread('list_flatten list_flatten_int', flatten),
    list_distinct: (args: readonly Value[]) => selfCompare(args[0]),
    ...spread('list_sets_contains_list list_sets_intersects_list', sets(1)),
    list_sets_equivalent_list: sets(2),
  }),
)

const BY_OVERLOAD: ReadonlyMap<string, Coster> = new Map(
  Object.entries({
    ...spread('starts_with_string ends_with_string string_to_bytes bytes_to_string strings_quote string_format', ofArgument),
    in_list: (args: readonly Value[]) => sizeAt(args, 1),
    ...spread('less_string greater_string less_equals_string greater_equals_string less_bytes greater_bytes less_equals_bytes greater_equals_bytes equals not_equals', smaller),
    ...spread('add_string add_bytes', both),
    matches_string: search,
    contains_string: product,
  }),
)

function sortCost(overload: string, args: readonly Value[]): number | undefined {
  if (!overload.startsWith('list_')) return undefined
  if (overload.endsWith('_sort')) return selfCompare(args[0])
  return overload.endsWith('_sortByAssociatedKeys') ? selfCompare(args[1]) : undefined
}

/** `overload` is empty where several may apply. */
export function callCost(fn: string, overload: string, args: readonly Value[], result: Value): number {
  const tracked = TRACKED.get(overload)
  if (tracked) return tracked(args, result, overload)
  const sorting = sortCost(overload, args)
  if (sorting !== undefined) return sorting
  const byFunction = BY_FUNCTION.get(fn)
  if (byFunction) return byFunction(args, result, overload)
  if (fn === '_==_' && args[0] instanceof OpaqueValue) return 1
  return BY_OVERLOAD.get(overload)?.(args, result, overload) ?? 1
}
