import t from 'tap'
import { rewriteHtml, rewriteLink } from '../../src/streaming/proxy-rewrite.ts'

const place = { backend: '10.244.0.2:80', host: 'localhost:8001', prefix: '/api/v1/namespaces/a/pods/p/proxy' }

t.test('links', async (t) => {
  const cases = [
    ['/x?y=1#z', '/api/v1/namespaces/a/pods/p/proxy/x?y=1#z', 'absolute paths lead to the proxy'],
    ['x/y', 'x/y', 'relative ones stay'],
    ['http://10.244.0.2:80/x/', '/api/v1/namespaces/a/pods/p/proxy/x/', 'so do those to the backend'],
    ['https://localhost:8001/x', '/api/v1/namespaces/a/pods/p/proxy/x', 'and those to the host that was asked'],
    ['http://example.com/x', 'http://example.com/x', 'others stay'],
    ['/api/v1/namespaces/a/pods/p/proxy/x', '/api/v1/namespaces/a/pods/p/proxy/x', 'what leads there already stays'],
  ] as const
  for (const [link, expected, name] of cases) t.equal(rewriteLink(link, place), expected, name)
})

t.test('pages', async (t) => {
  const cases = [
    ['<a href="/rewriteme">test</a>', '<a href="/api/v1/namespaces/a/pods/p/proxy/rewriteme">test</a>'],
    ["<A class=x HREF='/y'>", '<A class=x HREF="/api/v1/namespaces/a/pods/p/proxy/y">'],
    ['<img src=/i.png><p title="/no">', '<img src="/api/v1/namespaces/a/pods/p/proxy/i.png"><p title="/no">'],
    ['<!-- <a href="/x"> --> <b>1 < 2</b>', '<!-- <a href="/x"> --> <b>1 < 2</b>'],
  ] as const
  for (const [page, expected] of cases) t.equal(rewriteHtml(page, place), expected)
})
