import t from 'tap'
import type { Ingress } from '../../schemas/types.ts'
import { answerOf, corsHeaders, maxBodyBytes, rewritten, takesCanary, unsupported, type Asked } from '../../src/network/ingress-annotations.ts'
import { route } from '../../src/network/ingress-rules.ts'

function ingress(annotations: Record<string, string>, path = '/', pathType = 'Prefix'): Ingress {
  const metadata = { name: 'main', annotations: Object.fromEntries(Object.entries(annotations).map(([name, value]) => [`nginx.ingress.kubernetes.io/${name}`, value])) }
  return { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata, spec: { rules: [{ http: { paths: [{ path, pathType, backend: { service: { name: 'web', port: { number: 80 } } } }] } }] } }
}

t.test('paths that are expressions, and what becomes of them', async (t) => {
  const cases: readonly (readonly [string, string, string, string | undefined])[] = [
    ['/something(/|$)(.*)', '/$2', '/something/new?x=1', '/new?x=1'],
    ['/something(/|$)(.*)', '/$2', '/something', '/'],
    ['/something(/|$)(.*)', '/$2', '/Something/Else', '/Else'],
    ['/something(/|$)(.*)', '/$2', '/somethingelse', undefined],
    ['/foo', '/', '/foo/bar', '/'],
    ['/(a', '/$1', '/a', undefined],
  ]
  for (const [path, target, url, expected] of cases) {
    const one = ingress({ 'rewrite-target': target, 'use-regex': 'true' }, path, 'ImplementationSpecific')
    const routed = route([one], 'any.example.com', url.replace(/\?.*/, ''))
    t.equal(routed && rewritten(one, url, routed.groups), expected, `${path} ${url}`)
  }
  t.equal(rewritten(ingress({}), '/a?b', []), '/a?b')
})

const asked: Asked = { scheme: 'http', host: 'shop.example.com:8080', url: '/a?b=c', clientIP: '10.0.0.7', httpsPort: 8443, hasTls: false }

t.test('answers without a backend', async (t) => {
  const cases: readonly (readonly [Record<string, string>, Partial<Asked>, number | undefined, string?])[] = [
    [{}, {}, undefined],
    [{}, { hasTls: true }, 308, 'https://shop.example.com:8443/a?b=c'],
    [{}, { hasTls: true, scheme: 'https' }, undefined],
    [{}, { hasTls: true, httpsPort: 443 }, 308, 'https://shop.example.com/a?b=c'],
    [{ 'ssl-redirect': 'false' }, { hasTls: true }, undefined],
    [{ 'force-ssl-redirect': 'true' }, {}, 308, 'https://shop.example.com:8443/a?b=c'],
    [{ 'permanent-redirect': 'https://new.example.com' }, {}, 301, 'https://new.example.com'],
    [{ 'permanent-redirect': 'https://new.example.com', 'permanent-redirect-code': '308' }, {}, 308, 'https://new.example.com'],
    [{ 'temporal-redirect': 'https://other.example.com' }, {}, 302, 'https://other.example.com'],
    [{ 'app-root': '/app' }, { url: '/' }, 302, 'http://shop.example.com:8080/app'],
    [{ 'app-root': '/app' }, {}, undefined],
    [{ 'whitelist-source-range': '192.168.0.0/16,10.0.0.7' }, {}, undefined],
    [{ 'whitelist-source-range': '192.168.0.0/16' }, {}, 403],
    [{ 'denylist-source-range': '10.0.0.0/8' }, {}, 403],
  ]
  for (const [annotations, more, status, location] of cases) {
    const answer = answerOf(ingress(annotations), { ...asked, ...more })
    t.equal(answer?.status, status, JSON.stringify([annotations, more]))
    if (location !== undefined) t.equal(answer?.headers?.location, location)
  }
})

t.test('the rest', async (t) => {
  t.equal(maxBodyBytes(ingress({ 'proxy-body-size': '8m' }), true), 8 * 1024 * 1024)
  t.equal(maxBodyBytes(ingress({ 'proxy-body-size': '0' }), true), undefined)
  t.same([maxBodyBytes(ingress({}), true), maxBodyBytes(ingress({}), false)], [1024 * 1024, undefined], 'what ingress-nginx takes unless told')
  t.same(corsHeaders(ingress({}), 'http://a'), {})
  t.match(corsHeaders(ingress({ 'enable-cors': 'true', 'cors-allow-origin': 'http://a, http://b' }), 'http://b'), { 'access-control-allow-origin': 'http://b' })
  t.same(corsHeaders(ingress({ 'enable-cors': 'true', 'cors-allow-origin': 'http://a' }), 'http://c'), {})
  const canary = ingress({ canary: 'true', 'canary-weight': '30', 'canary-by-header': 'X-Canary' })
  t.same([0.29, 0.3].map((chance) => takesCanary(canary, {}, chance)), [true, false])
  t.equal(takesCanary(ingress({ canary: 'true', 'canary-weight': '30', 'canary-weight-total': '1000' }), {}, 0.03), false)
  t.same(['always', 'never'].map((value) => takesCanary(canary, { 'x-canary': value }, 0)), [true, false])
  const choosy = ingress({ canary: 'true', 'canary-by-header': 'X-Region', 'canary-by-header-pattern': '^eu-', 'canary-by-cookie': 'beta' })
  t.same([{ 'x-region': 'eu-west' }, { 'x-region': 'us' }, { cookie: 'a=b; beta=always' }, { cookie: 'beta=never' }].map((headers) => takesCanary(choosy, headers, 0)), [true, false, true, false])
  t.same(unsupported(ingress({ 'rewrite-target': '/', 'configuration-snippet': 'x', 'proxy-read-timeout': '60', 'modsecurity-snippet': 'x' })), ['nginx.ingress.kubernetes.io/configuration-snippet', 'nginx.ingress.kubernetes.io/modsecurity-snippet'])
  t.ok(route([ingress({ 'server-alias': 'other.example.com' })], 'other.example.com', '/'))
})
