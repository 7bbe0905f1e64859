/** What a LimitRange says of one resource, checked: nothing when it is kept, else upstream's words. */
import { quantityMilliValue, quantityText, quantityValue, type QuantityLike } from '../apimachinery/quantity.ts'
import type { ResourceList } from '../apimachinery/resource-list.ts'

/** What is asked for. */
export interface Lists {
  requests: ResourceList
  limits: ResourceList
}

export interface Constraint {
  /** Container, Pod or PersistentVolumeClaim */
  type: string
  /** Of the resource. */
  name: string
  limit: string
}

/** Above this, thousandths do not fit into upstream's integers. */
const MAX_MILLI_VALUE = (2 ** 63 - 1) / 1000

export function atLeast({ type, name, limit }: Constraint, { requests, limits }: Lists): string | undefined {
  const head = `minimum ${name} usage per ${type} is ${quantityText(limit)}`
  const [request, max] = [requests[name], limits[name]]
  if (request === undefined) return `${head}.  No request is specified`
  const [least, asked, top] = comparable(limit, request, max)
  if (asked < least) return `${head}, but request is ${quantityText(request)}`
  return max !== undefined && top < least ? `${head}, but limit is ${quantityText(max)}` : undefined
}

export function atMost({ type, name, limit }: Constraint, { requests, limits }: Lists): string | undefined {
  const head = `maximum ${name} usage per ${type} is ${quantityText(limit)}`
  const [request, max] = [requests[name], limits[name]]
  if (max === undefined) return `${head}.  No limit is specified`
  const [most, asked, top] = comparable(limit, request, max)
  if (top > most) return `${head}, but limit is ${quantityText(max)}`
  return request !== undefined && asked > most ? `${head}, but request is ${quantityText(request)}` : undefined
}

/** Where limits mean nothing, as for claims. */
export function requestAtMost({ type, name, limit }: Constraint, { requests }: Lists): string | undefined {
  const head = `maximum ${name} usage per ${type} is ${quantityText(limit)}`
  const request = requests[name]
  if (request === undefined) return `${head}.  No request is specified`
  const [most, asked] = comparable(limit, request, undefined)
  return asked > most ? `${head}, but request is ${quantityText(request)}` : undefined
}

export function withinRatio({ type, name, limit }: Constraint, { requests, limits }: Lists): string | undefined {
  const head = `${name} max limit to request ratio per ${type} is ${quantityText(limit)}`
  const [request, max] = [requests[name], limits[name]]
  const [, asked, top] = comparable(limit, request, max)
  if (request === undefined || asked === 0) return `${head}, but no request is specified or request is 0`
  if (max === undefined || top === 0) return `${head}, but no limit is specified or limit is 0`
  const ratio = top / asked
  const isFine = quantityValue(limit) <= MAX_MILLI_VALUE ? ratio * 1000 <= quantityMilliValue(limit) : ratio <= quantityValue(limit)
  return isFine ? undefined : `${head}, but provided ratio is ${ratio.toFixed(6)}`
}

/** Limit, request and container limit in thousandths, or in whole units where one is too large for that. */
function comparable(limit: QuantityLike, request: QuantityLike | undefined, max: QuantityLike | undefined): [number, number, number] {
  const all = [limit, request ?? '0', max ?? '0'] as const
  const value = all.some((q) => quantityValue(q) > MAX_MILLI_VALUE) ? quantityValue : quantityMilliValue
  return [value(all[0]), value(all[1]), value(all[2])]
}
