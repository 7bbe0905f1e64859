/**
 * Links in proxied pages and redirects lead to the proxy, not past it. Models k8s.io/apimachinery/pkg/util/proxy/transport.go.
 */

export interface ProxyPlace {
  /** `ip:port` of what is proxied. */
  backend: string
  /** The Host that the client asked for. */
  host: string
  /** The path of the proxy itself, without the path behind it. */
  prefix: string
}

const URL_ATTRIBUTES: Readonly<Record<string, readonly string[]>> = {
  a: ['href'],
  applet: ['codebase'],
  area: ['href'],
  audio: ['src'],
  base: ['href'],
  blockquote: ['cite'],
  body: ['background'],
  button: ['formaction'],
  command: ['icon'],
  del: ['cite'],
  embed: ['src'],
  form: ['action'],
  frame: ['longdesc', 'src'],
  head: ['profile'],
  html: ['manifest'],
  iframe: ['longdesc', 'src'],
  img: ['longdesc', 'src', 'usemap'],
  input: ['src', 'usemap', 'formaction'],
  ins: ['cite'],
  link: ['href'],
  object: ['classid', 'codebase', 'data', 'usemap'],
  q: ['cite'],
  script: ['src'],
  source: ['src'],
  video: ['poster', 'src'],
}

const TAG = /<!--[\s\S]*?-->|<([a-zA-Z][a-zA-Z0-9]*)((?:\s+[^\s=<>"'/]+(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'=<>`]+))?)*\s*\/?)>/g
const ATTRIBUTE = /([^\s=<>"'/]+)(\s*=\s*)("[^"]*"|'[^']*'|[^\s"'=<>`]+)/g
const REFERENCE = /^(?:([a-zA-Z][a-zA-Z0-9+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)(.*)$/s

/** A link as a client of the proxy has to follow it; what leads elsewhere or is relative stays. */
export function rewriteLink(link: string, { backend, host, prefix }: ProxyPlace): string {
  const [, , linkHost = '', path = '', rest = ''] = REFERENCE.exec(link) ?? []
  if ((linkHost && linkHost !== backend && linkHost !== host) || !path.startsWith('/')) return link
  return (path.startsWith(prefix) ? path : prefix + path.replace(/\/{2,}/g, '/')) + rest
}

export function rewriteHtml(html: string, place: ProxyPlace): string {
  return html.replace(TAG, (tag, name: string | undefined, attributes: string) => {
    const names = name === undefined ? undefined : URL_ATTRIBUTES[name.toLowerCase()]
    if (!names) return tag
    const changed = attributes.replace(ATTRIBUTE, (attribute, key: string, equals: string, value: string) => {
      if (!names.includes(key.toLowerCase())) return attribute
      const bare = /^["']/.test(value) ? value.slice(1, -1) : value
      return `${key}${equals}"${rewriteLink(bare, place).replaceAll('"', '&#34;')}"`
    })
    return `<${name}${changed}>`
  })
}
