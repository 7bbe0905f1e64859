/**
 * URLs as Go's net/url reads them: it takes what WHATWG's `URL` refuses (no scheme, no host) and refuses in other words.
 * Models net/url.Parse as far as validation shows its results.
 */
import { quote } from '../errors.ts'

export interface GoURL {
  scheme: string
  /** As in the text, with percent escapes resolved. */
  host: string
  path: string
  /** user[:password] as in the text. */
  user?: string
  query: string
  fragment: string
}

class Malformed extends Error {}

/** @returns what the URL says, or the text of Go's error */
export function parseGoURL(text: string): GoURL | { error: string } {
  const hash = text.indexOf('#')
  const main = hash < 0 ? text : text.slice(0, hash)
  const fragment = hash < 0 ? '' : text.slice(hash + 1)
  let shown = main
  try {
    const url = parse(main)
    shown = text
    return { ...url, fragment: unescape(fragment) }
  } catch (error) {
    if (error instanceof Malformed) return { error: `parse ${quote(shown)}: ${error.message}` }
    throw error
  }
}

function parse(text: string): Omit<GoURL, 'fragment'> {
  if (/[\x00-\x1f\x7f]/.test(text)) throw new Malformed('net/url: invalid control character in URL')
  if (text.startsWith(':')) throw new Malformed('missing protocol scheme')
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(text)?.[1] ?? ''
  let rest = scheme ? text.slice(scheme.length + 1) : text
  const mark = rest.indexOf('?')
  const query = mark < 0 ? '' : rest.slice(mark + 1)
  if (mark >= 0) rest = rest.slice(0, mark)
  const url = { scheme: scheme.toLowerCase(), host: '', path: '', query }
  if (!rest.startsWith('/')) {
    // with a scheme the rest is opaque
    if (scheme) return url
    if (rest.split('/', 1)[0]?.includes(':')) throw new Malformed('first path segment in URL cannot contain colon')
  }
  if (rest.startsWith('//') && (scheme || !rest.startsWith('///'))) {
    const slash = rest.indexOf('/', 2)
    const authority = slash < 0 ? rest.slice(2) : rest.slice(2, slash)
    rest = slash < 0 ? '' : rest.slice(slash)
    return { ...url, ...parseAuthority(url.scheme, authority), path: unescape(rest) }
  }
  return { ...url, path: unescape(rest) }
}

function parseAuthority(scheme: string, authority: string): { host: string; user?: string } {
  const at = authority.lastIndexOf('@')
  const host = parseHost(scheme, authority.slice(at + 1))
  if (at < 0) return { host }
  const user = authority.slice(0, at)
  if (!/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(user)) throw new Malformed('net/url: invalid userinfo')
  unescape(user)
  return { host, user }
}

function parseHost(scheme: string, host: string): string {
  const open = host.lastIndexOf('[')
  if (open > 0) throw new Malformed('invalid IP-literal')
  if (open === 0) {
    const close = host.lastIndexOf(']')
    if (close < 0) throw new Malformed("missing ']' in host")
    checkPort(host.slice(close + 1))
    return host
  }
  const strict = scheme === 'http' || scheme === 'https'
  const colon = strict ? host.indexOf(':') : host.lastIndexOf(':')
  if (colon >= 0) checkPort(host.slice(colon))
  const wrong = /[\x00-\x20"<>\\^`{|}\x7f]/.exec(host)
  const escaped = /%(?![89A-Fa-f][0-9A-Fa-f]|25)/.exec(host)
  if (escaped) throw new Malformed(`invalid URL escape ${quote(host.slice(escaped.index, escaped.index + 3))}`)
  if (wrong) throw new Malformed(`invalid character ${quote(wrong[0])} in host name`)
  return host
}

function checkPort(port: string): void {
  if (port !== '' && !/^:[0-9]*$/.test(port)) throw new Malformed(`invalid port ${quote(port)} after host`)
}

function unescape(text: string): string {
  const wrong = /%(?![0-9A-Fa-f]{2})/.exec(text)
  if (wrong) throw new Malformed(`invalid URL escape ${quote(text.slice(wrong.index, wrong.index + 3))}`)
  return Buffer.from(text.replace(/%([0-9A-Fa-f]{2})|[^\x00-\x7f]+/g, (all, hex: string | undefined) => (hex === undefined ? Buffer.from(all).toString('latin1') : String.fromCharCode(parseInt(hex, 16)))), 'latin1').toString('utf8')
}
