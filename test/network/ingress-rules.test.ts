import t from 'tap'
import type { HTTPIngressPath, Ingress } from '../../schemas/types.ts'
import { route } from '../../src/network/ingress-rules.ts'

const to = (name: string) => ({ service: { name, port: { number: 80 } } })

function ingress(name: string, rules: Record<string, Record<string, string>>, { defaultTo, created = '2026-01-01T00:00:00Z' }: { defaultTo?: string; created?: string } = {}): Ingress {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name, namespace: 'shop', creationTimestamp: created },
    spec: {
      ...(defaultTo ? { defaultBackend: to(defaultTo) } : {}),
      rules: Object.entries(rules).map(([host, paths]) => ({
        ...(host ? { host } : {}),
        http: { paths: Object.entries(paths).map(([path, name]): HTTPIngressPath => ({ path: path.replace(/^=/, ''), pathType: path.startsWith('=') ? 'Exact' : 'Prefix', backend: to(name) })) },
      })),
    },
  }
}

const all = [
  ingress('main', { 'shop.example.com': { '/': 'shop', '/api': 'api', '=/api/v1': 'v1' }, '*.example.com': { '/': 'any' } }, { defaultTo: 'fallback' }),
  ingress('open', { '': { '/open': 'open' } }),
  ingress('late', { 'shop.example.com': { '/api': 'late' } }, { created: '2026-02-01T00:00:00Z' }),
]

t.test('hosts and paths', async (t) => {
  const cases = [
    ['shop.example.com', '/', 'shop'],
    ['SHOP.example.com', '/x', 'shop'],
    ['shop.example.com', '/api', 'api'],
    ['shop.example.com', '/api/', 'api'],
    ['shop.example.com', '/api/v1', 'v1'],
    ['shop.example.com', '/api/v1/x', 'api'],
    ['shop.example.com', '/apix', 'shop'],
    ['blog.example.com', '/api', 'any'],
    ['a.b.example.com', '/', 'fallback'],
    ['localhost', '/open/x', 'open'],
    ['localhost', '/x', 'fallback'],
  ] as const
  for (const [host, path, expected] of cases) t.equal(route(all, host, path)?.backend.service?.name, expected, `${host}${path}`)
  t.equal(route(all.slice(1), 'localhost', '/x'), undefined)
})
