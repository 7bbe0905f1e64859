import t from 'tap'
import { flagz } from '../../src/apiserver/flagz.ts'
import { statusz } from '../../src/apiserver/statusz.ts'
import type { ApiResponse } from '../../src/apiserver/request.ts'

const started = Date.UTC(2026, 10, 9, 8, 7, 6)
const facts = { startedMs: started, nowMs: started + 3_723_000, paths: ['/', '/api/v1', '/healthz/ping', '/healthz', '/version'] }
const asking = (accept: string) => ({ headers: { accept }, query: new URLSearchParams() })
const textOf = ({ body }: ApiResponse) => Buffer.concat(body as Buffer[]).toString()
const structured = (kind: string, version = 'v1beta1') => `v=${version};g=config.k8s.io;as=${kind}`

t.test('what runs, and since when', (t) => {
  const text = textOf(statusz(asking('application/json, */*'), facts))
  t.match(text, /^\napiserver statusz\nWarning: This endpoint is not meant to be machine parseable/)
  t.match(text, '\n\nStarted: Mon Nov  9 08:07:06 UTC 2026\nUp: 1 hr 02 min 03 sec\n')
  t.match(text, '\nPaths: /healthz /version\n')
  t.same(JSON.parse(textOf(statusz(asking(`application/json;${structured('Statusz')}`), facts))), {
    kind: 'Statusz',
    apiVersion: 'config.k8s.io/v1beta1',
    metadata: { name: 'apiserver' },
    startTime: '2026-11-09T08:07:06Z',
    uptimeSeconds: 3723,
    goVersion: 'none',
    binaryVersion: '1.36.3',
    emulationVersion: '1.36',
    paths: ['/healthz', '/version'],
  })
  t.end()
})

t.test('what was set by flags', (t) => {
  const flags = { port: '1', host: '', 'audit-log-path': 'x' }
  t.match(textOf(flagz(asking('text/*'), flags)), /parseable.*\naudit-log-path: x\nhost: \nport: 1\n$/)
  t.equal(textOf(flagz(asking(`application/yaml;${structured('Flagz')}`), flags)), 'apiVersion: config.k8s.io/v1beta1\nflags:\n  audit-log-path: x\n  host: ""\n  port: "1"\nkind: Flagz\nmetadata:\n  name: apiserver\n')
  t.end()
})

t.test('in which form', (t) => {
  const ACCEPTED = '406 only the following media types are accepted: application/json, application/yaml, text/plain'
  for (const [accept, expected] of [
    ['', 'text/plain; charset=utf-8'],
    ['*/*', 'text/plain; charset=utf-8'],
    [`*/*;${structured('Statusz')}`, 'application/json;g=config.k8s.io;v=v1beta1;as=Statusz'],
    [`application/json;${structured('Statusz', 'v1alpha1')}`, 'application/json;g=config.k8s.io;v=v1alpha1;as=Statusz 299 - "This version of the statusz endpoint is deprecated. Please use a newer version."'],
    [`application/json;${structured('Flagz')}, text/plain`, 'text/plain; charset=utf-8'],
    ['application/json', ACCEPTED],
    ['application/*', ACCEPTED],
    ['*/*;as=x', ACCEPTED],
    [`application/cbor;${structured('Statusz')}`, ACCEPTED],
    [`application/json;${structured('Statusz', 'v2')}`, ACCEPTED],
  ] as const) {
    t.equal(formOf(accept), expected, accept)
  }
  t.end()

  function formOf(accept: string): string {
    try {
      const { headers } = statusz(asking(accept), facts)
      return [headers['content-type'], headers.warning].filter(Boolean).join(' ')
    } catch (error) {
      return `406 ${error instanceof Error ? error.message : ''}`
    }
  }
})
