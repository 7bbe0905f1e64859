/** What who asks a kubelet must be allowed to do with its node, by path. Pure. Models pkg/kubelet/server/auth.go. */
const VERBS: Readonly<Record<string, string>> = { POST: 'create', GET: 'get', PUT: 'update', PATCH: 'patch', DELETE: 'delete' }

/** Any of them is enough for what is below these paths; everything else is `proxy`. */
const SUBRESOURCES: readonly (readonly [path: string, subresources: readonly string[]])[] = [
  ['/pods', ['pods', 'proxy']],
  ['/runningpods', ['pods', 'proxy']],
  ['/healthz', ['healthz', 'proxy']],
  ['/configz', ['configz', 'proxy']],
  ['/flagz', ['configz']],
  ['/stats', ['stats']],
  ['/metrics', ['metrics']],
  ['/logs', ['log']],
  ['/checkpoint', ['checkpoint']],
  ['/statusz', ['statusz']],
]

export function kubeletAttributes(method: string, path: string): { verb: string; subresources: readonly string[] } {
  const found = SUBRESOURCES.find(([prefix]) => path === prefix || path.startsWith(`${prefix}/`))
  return { verb: VERBS[method] ?? '', subresources: found?.[1] ?? ['proxy'] }
}
