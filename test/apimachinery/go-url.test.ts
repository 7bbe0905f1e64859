import t from 'tap'
import { parseGoURL } from '../../src/apimachinery/go-url.ts'

t.test('what URLs say', (t) => {
  const none = { scheme: '', host: '', path: '', query: '', fragment: '' }
  const cases: [string, object][] = [
    ['', none],
    ['https://h', { ...none, scheme: 'https', host: 'h' }],
    ['HTTPS://u:p@h:1/a%20b?q#f', { scheme: 'https', host: 'h:1', path: '/a b', user: 'u:p', query: 'q', fragment: 'f' }],
    ['//h/p', { ...none, host: 'h', path: '/p' }],
    ['/a//b', { ...none, path: '/a//b' }],
    ['mailto:x', { ...none, scheme: 'mailto' }],
    ['https://[::1]:80/', { ...none, scheme: 'https', host: '[::1]:80', path: '/' }],
  ]
  for (const [text, expected] of cases) t.same(parseGoURL(text), expected, text)
  t.end()
})

t.test('what is refused, in Go’s words', (t) => {
  const cases: [string, string][] = [
    ['://x', 'parse "://x": missing protocol scheme'],
    ['a:b@c/d:e', 'first path segment in URL cannot contain colon'],
    ['https://h:x/', 'parse "https://h:x/": invalid port ":x" after host'],
    ['/%zz', 'parse "/%zz": invalid URL escape "%zz"'],
    ['/\u0001', 'parse "/\\x01": net/url: invalid control character in URL'],
    ['https://[::1', 'parse "https://[::1": missing \']\' in host'],
  ]
  for (const [text, error] of cases) {
    const parsed = parseGoURL(text)
    if (text.startsWith('a:')) t.notOk('error' in parsed, 'a scheme')
    else t.same(parsed, { error }, text)
  }
  t.same(parseGoURL('1a:b'), { error: 'parse "1a:b": first path segment in URL cannot contain colon' })
  t.end()
})
