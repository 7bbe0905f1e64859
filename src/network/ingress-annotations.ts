/**
 * What annotations of ingress-nginx ask for, as far as it is done here; the rest is told as an event of the Ingress. Models
 * kubernetes/ingress-nginx docs/user-guide/nginx-configuration/annotations.md.
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { Ingress } from '../../schemas/types.ts'
import { compileGoRegexp } from '../apimachinery/go-regexp.ts'
import { parseCIDR, parseIP, prefixContains } from '../apimachinery/ip-address.ts'

const PREFIX = 'nginx.ingress.kubernetes.io/'
const DONE: ReadonlySet<string> = new Set(['rewrite-target', 'use-regex', 'ssl-redirect', 'force-ssl-redirect', 'app-root', 'permanent-redirect', 'permanent-redirect-code', 'temporal-redirect', 'temporal-redirect-code', 'backend-protocol', 'upstream-vhost', 'proxy-body-size', 'whitelist-source-range', 'allowlist-source-range', 'denylist-source-range', 'enable-cors', 'cors-allow-origin', 'cors-allow-methods', 'cors-allow-headers', 'cors-allow-credentials', 'cors-max-age', 'canary', 'canary-weight', 'canary-by-header', 'canary-by-header-value', 'canary-by-header-pattern', 'canary-by-cookie', 'canary-weight-total', 'x-forwarded-prefix', 'auth-type', 'auth-secret', 'auth-secret-type', 'auth-realm', 'auth-url', 'auth-method', 'auth-signin', 'auth-response-headers', 'affinity', 'affinity-mode', 'server-alias', 'from-to-www-redirect'])
/** Limits and tuning of a proxy that is not nginx: without effect, and without harm. */
const TUNING = /^(?:proxy-(?!pass)|client-body-buffer-size|connection-proxy-header|load-balance|upstream-hash|limit-|http2-push|enable-access-log|enable-rewrite-log|service-upstream|session-cookie|ssl-ciphers|ssl-prefer|preserve-trailing-slash)/

export function annotation({ metadata }: Ingress, name: string): string | undefined {
  return metadata.annotations?.[PREFIX + name]
}

/** The annotations of ingress-nginx that are not served here. */
export function unsupported({ metadata }: Ingress): string[] {
  const isDone = (name: string, value: string) => (DONE.has(name) || TUNING.test(name)) && !(name === 'auth-url' && !value.startsWith('http:'))
  return Object.entries(metadata.annotations ?? {}).flatMap(([key, value]) => (key.startsWith(PREFIX) && !isDone(key.slice(PREFIX.length), value) ? [key] : []))
}

/** Paths of the Ingress are expressions: where it says so, or has targets to rewrite to. */
export function usesExpressions(ingress: Ingress): boolean {
  return annotation(ingress, 'use-regex') === 'true' || annotation(ingress, 'rewrite-target') !== undefined
}

export interface Asked {
  scheme: 'http' | 'https'
  /** With its port. */
  host: string
  /** With its query. */
  url: string
  clientIP: string
  httpsPort: number
  /** Whether the Ingress has a certificate for the host. */
  hasTls: boolean
}

export interface Answer {
  status: number
  headers?: Record<string, string>
  text?: string
}

/** What is answered without a backend, if anything. */
export function answerOf(ingress: Ingress, asked: Asked): Answer | undefined {
  const { scheme, host, url, clientIP, httpsPort, hasTls } = asked
  const allowed = annotation(ingress, 'whitelist-source-range') ?? annotation(ingress, 'allowlist-source-range')
  if ((allowed !== undefined && !isIn(clientIP, allowed)) || isIn(clientIP, annotation(ingress, 'denylist-source-range') ?? '')) return { status: 403, text: '403 Forbidden' }
  const isSecured = annotation(ingress, 'force-ssl-redirect') === 'true' || (hasTls && annotation(ingress, 'ssl-redirect') !== 'false')
  if (scheme === 'http' && isSecured) return redirect(308, `https://${host.replace(/:\d+$/, '')}${httpsPort === 443 ? '' : `:${httpsPort}`}${url}`)
  const permanent = annotation(ingress, 'permanent-redirect')
  if (permanent !== undefined) return redirect(Number(annotation(ingress, 'permanent-redirect-code') ?? 301), permanent)
  const temporal = annotation(ingress, 'temporal-redirect')
  if (temporal !== undefined) return redirect(Number(annotation(ingress, 'temporal-redirect-code') ?? 302), temporal)
  const root = annotation(ingress, 'app-root')
  return root !== undefined && url === '/' ? redirect(302, `${scheme}://${host}${root}`) : undefined
}

function redirect(status: number, location: string): Answer {
  return { status, headers: { location } }
}

/** @param ranges comma-separated */
function isIn(ip: string, ranges: string): boolean {
  const address = parseIP(ip)
  return ranges.split(',').some((range) => {
    const prefix = parseCIDR(range.includes('/') ? range.trim() : `${range.trim()}/32`)
    return address !== undefined && prefix !== undefined && prefixContains(prefix, address)
  })
}

/** The path that the backend is asked for, its query kept. @param groups of the expression that matched */
export function rewritten(ingress: Ingress, url: string, groups: readonly string[]): string {
  const target = annotation(ingress, 'rewrite-target')
  if (target === undefined) return url
  const query = /\?.*$/s.exec(url)?.[0] ?? ''
  const path = target.replace(/\$(\d)/g, (_, n: string) => groups[Number(n)] ?? '')
  return `${path.startsWith('/') ? '' : '/'}${path}${query}`
}

/** What is added to an answer for pages of other hosts. */
export function corsHeaders(ingress: Ingress, origin: string | undefined): Record<string, string> {
  if (annotation(ingress, 'enable-cors') !== 'true') return {}
  const wanted = (annotation(ingress, 'cors-allow-origin') ?? '*').split(',').map((text) => text.trim())
  const allowed = wanted.includes('*') ? '*' : wanted.find((text) => text === origin)
  if (allowed === undefined) return {}
  return {
    'access-control-allow-origin': allowed,
    'access-control-allow-credentials': annotation(ingress, 'cors-allow-credentials') ?? 'true',
    'access-control-allow-methods': annotation(ingress, 'cors-allow-methods') ?? 'GET, PUT, POST, DELETE, PATCH, OPTIONS',
    'access-control-allow-headers': annotation(ingress, 'cors-allow-headers') ?? 'DNT,Keep-Alive,User-Agent,X-Requested-With,If-Modified-Since,Cache-Control,Content-Type,Range,Authorization',
    'access-control-max-age': annotation(ingress, 'cors-max-age') ?? '1728000',
  }
}

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 * 1024, g: 1024 * 1024 * 1024 }

/** Of ingress-nginx, where nothing is said. */
const NGINX_BODY_SIZE = '1m'

/** The most that a request may bring; undefined is without end. */
export function maxBodyBytes(ingress: Ingress, isNginx: boolean): number | undefined {
  const [, digits, unit = ''] = /^(\d+)([kmg]?)$/i.exec(annotation(ingress, 'proxy-body-size') ?? (isNginx ? NGINX_BODY_SIZE : '')) ?? []
  const bytes = Number(digits) * (UNITS[unit.toLowerCase()] ?? 1)
  return bytes > 0 ? bytes : undefined
}

/** Whether a canary takes the request from the Ingress it stands beside: by its header, else its cookie, else by its share. @param chance from 0 to 1 */
export function takesCanary(ingress: Ingress, headers: IncomingHttpHeaders, chance: number): boolean {
  const header = annotation(ingress, 'canary-by-header')
  const cookie = annotation(ingress, 'canary-by-cookie')
  const said = header === undefined ? undefined : headers[header.toLowerCase()]?.toString()
  const byHeader = said === undefined ? undefined : decides(said, annotation(ingress, 'canary-by-header-value'), annotation(ingress, 'canary-by-header-pattern'))
  const byCookie = cookie === undefined ? undefined : decides(cookieValue(headers.cookie, cookie) ?? '')
  return byHeader ?? byCookie ?? chance * Number(annotation(ingress, 'canary-weight-total') ?? 100) < Number(annotation(ingress, 'canary-weight') ?? 0)
}

/** What a header or a cookie decides, if anything. */
function decides(said: string, value?: string, pattern?: string): boolean | undefined {
  if (value !== undefined) return said === value ? true : undefined
  if (pattern !== undefined) {
    const compiled = compileGoRegexp(pattern)
    return !('error' in compiled) && compiled.find(said) !== undefined ? true : undefined
  }
  return said === 'always' ? true : said === 'never' ? false : undefined
}

/** The value of one of the cookies that a client sent. */
export function cookieValue(cookies: string | undefined, name: string): string | undefined {
  return cookies?.split(';').map((pair) => pair.trim()).find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1)
}

/** Other hosts for which the rules of the Ingress are too. */
export function aliases(ingress: Ingress): string[] {
  return (annotation(ingress, 'server-alias') ?? '').split(/[\s,]+/).filter(Boolean)
}

export function isCanary(ingress: Ingress): boolean {
  return annotation(ingress, 'canary') === 'true'
}
