/**
 * What every reverse proxy does with the heads of messages: headers of one connection stay with it, and a request to upgrade
 * is written anew before both connections are joined. Models httputil.ReverseProxy of Go and UpgradeAwareHandler of
 * k8s.io/apimachinery/pkg/util/proxy.
 */
import { pipeline, type Duplex } from 'node:stream'

type Headers = Readonly<Record<string, number | string | readonly string[] | undefined>>

const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection', 'http2-settings', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection', 'te', 'trailer', 'trailers', 'transfer-encoding', 'upgrade',
])
/** A client's credentials and what names it are for the API server alone; HTTP/2 has more that is none of a header. */
export const CLIENT_ONLY = /^(?:authorization$|impersonate-|x-remote-|:)/

/**
 * The headers that go on behind a proxy, by their names in lower case.
 * @param withheld others that do not
 */
export function endToEndHeaders<T>(headers: Readonly<Record<string, T | undefined>>, withheld?: RegExp): Record<string, T> {
  const named = headers.connection
  const own = typeof named === 'string' ? named.toLowerCase().split(/\s*,\s*/) : []
  const kept: Record<string, T> = {}
  for (const [name, value] of Object.entries(headers)) if (value !== undefined && !HOP_BY_HOP.has(name) && !own.includes(name) && !withheld?.test(name)) kept[name] = value
  return kept
}

export interface UpgradeRequest {
  method: string
  /** Path and query. */
  url: string
  /** Of the new request; what makes it an upgrade is added. */
  headers: Headers
  protocol: string
}

/** The head of a request that asks for another protocol. */
export function upgradeHead({ method, url, headers, protocol }: UpgradeRequest): string {
  const lines = Object.entries({ ...headers, Connection: 'Upgrade', Upgrade: protocol }).flatMap(([name, value]) => [value].flat().flatMap((one) => (one === undefined ? [] : [`${name}: ${one}\r\n`])))
  return `${method} ${url} HTTP/1.1\r\n${lines.join('')}\r\n`
}

/** Two connections as one, until either ends. */
export function joinConnections(one: Duplex, other: Duplex): void {
  pipeline(one, other, () => one.destroy())
  pipeline(other, one, () => other.destroy())
}
