import t from 'tap'
import { statusz } from '../../src/apiserver/statusz.ts'

const started = Date.UTC(2026, 10, 9, 8, 7, 6)
const facts = { startedMs: started, nowMs: started + 3_723_000, paths: ['/', '/api/v1', '/healthz/ping', '/healthz', '/version'] }

t.test('what runs, and since when', (t) => {
  const { status, body } = statusz({ headers: { accept: 'application/json, */*' } }, facts)
  t.equal(status, 200)
  const text = Buffer.concat(body as Buffer[]).toString()
  t.match(text, /^\napiserver statusz\nWarning: This endpoint is not meant to be machine parseable/)
  t.match(text, '\n\nStarted: Mon Nov  9 08:07:06 UTC 2026\nUp: 1 hr 02 min 03 sec\n')
  t.match(text, '\nPaths: /healthz /version\n')
  t.throws(() => statusz({ headers: { accept: 'application/json' } }, facts), { message: /^406: Not Acceptable/ })
  t.end()
})
