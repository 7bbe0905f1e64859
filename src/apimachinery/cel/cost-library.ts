/** What calls of libraries may cost. Models EstimateCallCost of k8s.io/apiserver/pkg/cel/library/cost.go and the estimators of cel-go's ext. */
import type { CallEstimate, CostNode, SizeEstimator } from './cost-estimate.ts'
import { add, addSizes, fixed, MAX_UINT64, multiply, type Range, scale, UNKNOWN_SIZE } from './cost-range.ts'
import { isExactType } from './types.ts'

interface Call {
  fn: string
  overload: string
  target: CostNode | undefined
  args: readonly CostNode[]
  sizes: SizeEstimator
}

type Estimate = (call: Call) => CallEstimate | undefined

const TRAVERSAL = 0.1
const REGEXP = 0.25

const sizeOf = (node: CostNode | undefined, sizes: SizeEstimator): Range => (node ? (node.size ?? sizes(node.path) ?? UNKNOWN_SIZE) : UNKNOWN_SIZE)
const one: Estimate = () => ({ cost: fixed(1) })
const firstArgument = (factor: number): Estimate => ({ args, sizes }) => (args.length ? { cost: scale(sizeOf(args[0], sizes), factor) } : undefined)

/** What is known of the items of a list. */
function itemNode(list: CostNode): CostNode | undefined {
  const [type] = list.type.params
  return type && { path: list.path.length ? [...list.path, '@items'] : [], type, expr: undefined, size: undefined }
}

const overList: Estimate = ({ target, sizes }) => {
  if (!target) return undefined
  const item = itemNode(target)
  const size = sizeOf(target, sizes)
  if (!item) return { cost: scale(size, TRAVERSAL) }
  const isText = item.type.kind === 'string' || item.type.kind === 'bytes'
  return { cost: multiply(size, isText ? add(fixed(1), scale(sizeOf(item, sizes), TRAVERSAL)) : fixed(1)) }
}

const sameSize: Estimate = ({ target, sizes }) => {
  if (!target) return undefined
  const size = sizeOf(target, sizes)
  return { cost: scale(size, TRAVERSAL), size }
}

const url: Estimate = ({ args, sizes }) => {
  if (args.length !== 1) return undefined
  const size = sizeOf(args[0], sizes)
  return { cost: scale(size, TRAVERSAL), size }
}

const ceilDivide = (a: bigint, b: bigint): bigint => {
  const quotient = Math.ceil(Number(a) / Number(b))
  return quotient >= 2 ** 64 ? 2n ** 63n : BigInt(quotient)
}
const oneMore = (value: bigint): bigint => (value < MAX_UINT64 ? value + 1n : value)

function replacedSize(size: Range, part: Range, by: Range): Range {
  const kept = { min: 0n, max: 0n }
  const count = { min: 0n, max: 0n }
  if (part.min === 0n) {
    count.max = oneMore(size.max)
    kept.max = size.max
  } else if (by.max <= part.min) kept.max = size.max
  else count.max = ceilDivide(size.max, part.min)
  if (part.max === 0n) {
    count.min = oneMore(size.min)
    kept.min = size.min
  } else if (part.max <= by.min) kept.min = size.min
  else count.min = ceilDivide(size.min, part.max)
  return addSizes(multiply(count, by), kept)
}

const replace: Estimate = ({ target, args, sizes }) => {
  if (!target || args.length < 2) return undefined
  const size = sizeOf(target, sizes)
  return { cost: scale(size, 2 * TRAVERSAL), size: replacedSize(size, sizeOf(args[0], sizes), sizeOf(args[1], sizes)) }
}

const split: Estimate = ({ target, args, sizes }) => {
  if (!target) return undefined
  const size = sizeOf(target, sizes)
  const limit = args[1]?.expr
  const max = limit?.kind === 'literal' && typeof limit.value === 'bigint' ? BigInt.asUintN(64, limit.value) : size.max
  return { cost: scale(size, 2 * TRAVERSAL), size: { min: 0n, max } }
}

const join: Estimate = ({ target, args, sizes }) => {
  if (!target) return undefined
  const list = sizeOf(target, sizes)
  const item = itemNode(target)
  let size = item ? multiply(list, sizeOf(item, sizes)) : fixed(0)
  if (args.length) {
    const less = (n: bigint): bigint => (n > 0n ? n - 1n : 0n)
    size = addSizes(size, multiply(sizeOf(args[0], sizes), { min: less(list.min), max: less(list.max) }))
  }
  return { cost: scale(size, TRAVERSAL), size }
}

const find: Estimate = ({ target, args, sizes }) => {
  if (!target || !args.length) return undefined
  const size = sizeOf(target, sizes)
  return { cost: multiply(scale(addSizes(size, fixed(1)), TRAVERSAL), scale(sizeOf(args[0], sizes), REGEXP)), size: { min: 0n, max: size.max } }
}

const selector: Estimate = ({ args, sizes }) => {
  if (args.length !== 1) return undefined
  const size = sizeOf(args[0], sizes)
  return { cost: add(add(fixed(10), scale(size, TRAVERSAL)), scale(scale(size, 0.5), 50)) }
}

const containsNetwork = (isCIDR: boolean): Estimate => ({ overload, args, sizes }) => {
  if (!args.length) return undefined
  const size = { min: 4n, max: 16n }
  let cost = scale(addSizes(size, size), TRAVERSAL)
  if (isCIDR) cost = add(add(cost, scale(size, TRAVERSAL)), fixed(1))
  return { cost: overload.endsWith('_string') ? add(cost, scale(sizeOf(args[0], sizes), TRAVERSAL)) : cost }
}

const MAX_FORMAT_SIZE = 64n

const equality: Estimate = ({ args: [left, right] }) => {
  if (!left || !right || !isExactType(left.type, right.type)) return undefined
  const { kind, name } = left.type
  if (kind === 'opaque') return name === 'net.IP' || name === 'net.CIDR' ? { cost: fixed(1) } : undefined
  if (kind !== 'struct') return undefined
  if (name === 'kubernetes.NamedFormat') return { cost: scale({ min: 1n, max: MAX_FORMAT_SIZE }, TRAVERSAL) }
  if (name === 'kubernetes.URL') return { cost: scale({ min: 1n, max: right.size?.max ?? 1n }, TRAVERSAL) }
  return name === 'kubernetes.Quantity' || name === 'kubernetes.Semver' || name.startsWith('kubernetes.authorization.') ? { cost: fixed(1) } : undefined
}

const spread = (names: string, estimate: Estimate): Record<string, Estimate> => Object.fromEntries(names.split(' ').map((name) => [name, estimate]))

const BY_FUNCTION: ReadonlyMap<string, Estimate> = new Map(
  Object.entries({
    check: () => ({ cost: fixed(350_000) }),
    ...spread('serviceAccount path group resource subresource namespace name allowed reason error errored', one),
    ...spread('fieldSelector labelSelector', selector),
    ...spread('isSorted sum max min indexOf lastIndexOf', overList),
    ...spread('url jsonpatch.escapeKey', url),
    ...spread('lowerAscii upperAscii substring trim', sameSize),
    replace,
    split,
    join,
    ...spread('find findAll', find),
    ...spread('cidr isIP isCIDR quantity isQuantity semver isSemver', firstArgument(TRAVERSAL)),
    ip: (call: Call) => (call.overload === 'cidr_ip' ? one(call) : firstArgument(TRAVERSAL)(call)),
    'ip.isCanonical': firstArgument(2 * TRAVERSAL),
    ...spread('masked prefixLength family isUnspecified isLoopback isLinkLocalMulticast isLinkLocalUnicast isGlobalUnicast', one),
    containsIP: containsNetwork(false),
    containsCIDR: containsNetwork(true),
    validate: ({ args, sizes }: Call) => (args.length ? { cost: scale(scale(sizeOf(args[0], sizes), TRAVERSAL), 128 * REGEXP) } : undefined),
    'format.named': one,
    ...spread('sign asInteger isInteger asApproximateFloat isGreaterThan isLessThan compareTo add sub major minor patch', one),
    ...spread('getScheme getHostname getHost getPort getEscapedPath getQuery', one),
    '_==_': equality,
  }),
)

const allocating = (factor: number, size: Range): CallEstimate => ({ cost: add(scale(size, factor), fixed(11)), size })

function intOf(node: CostNode | undefined, otherwise: bigint): bigint {
  const value = node?.expr?.kind === 'literal' ? node.expr.value : undefined
  if (typeof value !== 'bigint') return otherwise
  return value < 0n ? 0n : value
}

const flatten: Estimate = ({ target, args, sizes }) => allocating(args.length ? Number(intOf(args[0], MAX_UINT64)) : 1, sizeOf(target, sizes))
const sets = (factor: number): Estimate => ({ args: [a, b], sizes }) => ({ cost: add(scale(multiply(sizeOf(a, sizes), sizeOf(b, sizes)), factor), fixed(1)) })

function selfCompare(list: CostNode | undefined, sizes: SizeEstimator, isText: boolean): CallEstimate {
  const size = sizeOf(list, sizes)
  return allocating(isText ? 2 + TRAVERSAL : 2, multiply(size, size))
}

const BY_OVERLOAD: ReadonlyMap<string, Estimate> = new Map(
  Object.entries<Estimate>({
    list_slice: ({ target, args, sizes }) => {
      const end = intOf(args[1], sizeOf(target, sizes).max)
      return allocating(1, fixed(BigInt.asUintN(64, end - intOf(args[0], 0n))))
    },
    lists_range: ({ args }) => allocating(1, fixed(intOf(args[0], MAX_UINT64))),
    list_reverse: ({ target, sizes }) => allocating(1, sizeOf(target, sizes)),
    list_flatten: flatten,
    list_flatten_int: flatten,
    list_distinct: ({ target, sizes }) => selfCompare(target, sizes, false),
    ...spread('list_sets_contains_list list_sets_intersects_list', sets(1)),
    list_sets_equivalent_list: sets(2),
  }),
)

function sorting({ overload, target, args, sizes }: Call): CallEstimate | undefined {
  const isText = overload.startsWith('list_string_') || overload.startsWith('list_bytes_')
  if (overload.startsWith('list_') && overload.endsWith('_sort')) return selfCompare(target, sizes, isText)
  return overload.endsWith('_sortByAssociatedKeys') ? selfCompare(args[0], sizes, isText) : undefined
}

export const estimateLibraryCall = (call: Call): CallEstimate | undefined =>
  BY_OVERLOAD.get(call.overload)?.(call) ?? sorting(call) ?? BY_FUNCTION.get(call.fn)?.(call)
