/** Where audit events go, and what becomes of them on the way. */
import fs from 'node:fs'
import path from 'node:path'
import { gunzipSync } from 'node:zlib'
import t from 'tap'
import { openAuditLog } from '../../../src/apiserver/audit/log.ts'
import { RotatedFile } from '../../../src/apiserver/audit/rotated-file.ts'
import { BatchedSink, TruncatingSink, unionSink, type AuditEvent, type AuditSink } from '../../../src/apiserver/audit/sink.ts'
import { auditWebhook } from '../../../src/apiserver/audit/webhook.ts'
import { FakeClock, nextTurn } from '../../../src/clock.ts'
import { eventually } from '../../helpers/cluster.ts'
import { startJsonServer } from '../../helpers/json-server.ts'
import { patiently } from '../../helpers/patiently.ts'

const START_MS = Date.UTC(2026, 0, 1)
const event = (id: number, more: object = {}): AuditEvent => ({ auditID: `${id}`, ...more })

function memory(): AuditSink & { batches: (readonly AuditEvent[])[] } {
  const batches: (readonly AuditEvent[])[] = []
  return { batches, write: (events) => void batches.push(events), close: () => undefined }
}

t.test('files that are put aside', async (t) => {
  const clock = new FakeClock(START_MS)
  const dir = t.testdir()
  const file = new RotatedFile(path.join(dir, 'logs', 'audit.log'), { maxSizeMB: 1, maxAgeDays: 2, maxBackups: 2, compress: true }, clock)
  const half = `${'x'.repeat(600_000)}\n`
  t.throws(() => file.write(half + half), { message: 'write length 1200002 exceeds maximum file size 1048576' })
  for (let i = 0; i < 5; i++) {
    file.write(half)
    await clock.step(1000)
  }
  await file.close()
  const names = fs.readdirSync(path.join(dir, 'logs')).sort()
  t.strictSame(names, ['audit-2026-01-01T00-00-03.000.log.gz', 'audit-2026-01-01T00-00-04.000.log.gz', 'audit.log'])
  t.equal(gunzipSync(fs.readFileSync(path.join(dir, 'logs', names[0] ?? ''))).toString(), half)
  t.equal(fs.statSync(path.join(dir, 'logs', 'audit.log')).mode & 0o777, 0o600)
  await clock.step(3 * 24 * 3600 * 1000)
  const again = new RotatedFile(path.join(dir, 'logs', 'audit.log'), { maxSizeMB: 1, maxAgeDays: 2, maxBackups: 0, compress: false }, clock)
  again.write(half)
  await again.close()
  t.strictSame(fs.readdirSync(path.join(dir, 'logs')).sort(), ['audit-2026-01-04T00-00-05.000.log', 'audit.log'], 'the old ones are gone')
})

t.test('lines of text', async (t) => {
  const file = path.join(t.testdir(), 'audit.log')
  const log = openAuditLog({ path: file, format: 'legacy' }, new FakeClock(START_MS))
  await log.write([
    { auditID: 'a', stage: 'RequestReceived', verb: 'list', user: { username: 'jane', groups: ['x', 'y'] }, sourceIPs: ['127.0.0.1'], userAgent: 'k "1"', objectRef: { namespace: 'ns' }, requestURI: '/api', requestReceivedTimestamp: '2026-01-01T00:00:00.120000Z' },
    { auditID: 'b', stage: 'ResponseComplete', verb: 'get', user: {}, impersonatedUser: { username: 'joe', groups: [] }, responseStatus: { code: 200 }, requestURI: '/', requestReceivedTimestamp: '2026-01-01T00:00:00.000000Z' },
  ])
  await log.close()
  t.strictSame(fs.readFileSync(file, 'utf8').split('\n'), [
    '2026-01-01T00:00:00.12Z AUDIT: id="a" stage="RequestReceived" ip="127.0.0.1" method="list" user="jane" groups="\\"x\\",\\"y\\"" as="<self>" asgroups="<lookup>" user-agent="k \\"1\\"" namespace="ns" uri="/api" response="<deferred>"',
    '2026-01-01T00:00:00Z AUDIT: id="b" stage="ResponseComplete" ip="<unknown>" method="get" user="<none>" groups="<none>" as="joe" asgroups="" user-agent="" namespace="<none>" uri="/" response="200"',
    '',
  ])
})

t.test('batches', async (t) => {
  const clock = new FakeClock(START_MS)
  const inner = memory()
  const sink = new BatchedSink(inner, { bufferSize: 5, maxBatchSize: 3, maxBatchWaitMs: 1000 }, clock)
  sink.write([event(1)])
  t.equal(inner.batches.length, 0)
  await clock.step(1000)
  t.strictSame(inner.batches.map((batch) => batch.length), [1], 'what waits long enough')
  sink.write([2, 3, 4, 5, 6, 7].map((id) => event(id)))
  await sink.close()
  t.strictSame(inner.batches.map((batch) => batch.length), [1, 3, 2])
  t.equal(sink.dropped, 1, 'what does not fit is lost')
})

t.test('an event that comes as a batch ends goes with the next', async (t) => {
  for (let turns = 0; turns < 8; turns++) {
    const inner = memory()
    const clock = new FakeClock(START_MS)
    const sink = new BatchedSink(inner, { bufferSize: 5, maxBatchSize: 1, maxBatchWaitMs: 1000 }, clock)
    sink.write([event(1)])
    for (let turn = 0; turn < turns; turn++) await Promise.resolve()
    sink.write([event(2)])
    await clock.step(0)
    t.equal(inner.batches.length, 2, `${turns} turns later`)
    await sink.close()
  }
})

t.test('batches at a pace', async (t) => {
  const clock = new FakeClock(START_MS)
  const inner = memory()
  const sink = new BatchedSink(inner, { bufferSize: 50, maxBatchSize: 1, maxBatchWaitMs: 0, throttle: { qps: 2, burst: 3 } }, clock)
  sink.write(Array.from({ length: 8 }, (_, id) => event(id)))
  for (const [stepMs, written] of [[0, 3], [400, 3], [100, 4], [500, 5], [1000, 7]] as const) {
    await clock.step(stepMs)
    await nextTurn()
    t.equal(inner.batches.length, written)
  }
  await sink.close()
  t.equal(inner.batches.length, 8, 'the end does not wait')
})

t.test('an end that waits for nobody', async (t) => {
  const clock = new FakeClock(START_MS)
  const server = await startJsonServer(t, () => undefined)
  const sink = new BatchedSink(auditWebhook({ remote: { url: server.url, ca: server.ca } }, clock), { bufferSize: 100, maxBatchSize: 2, maxBatchWaitMs: 1000 }, clock)
  sink.write(Array.from({ length: 10 }, (_, id) => event(id)))
  await eventually(() => server.asked.length === 1)
  await sink.close()
  t.equal(sink.dropped, 10)
  t.ok(server.asked.length <= 2, 'no batch was tried again')
})

t.test('what is too large', async (t) => {
  const inner = memory()
  const sink = new TruncatingSink(inner, { maxEventSize: 200, maxBatchSize: 250 })
  const large = 'x'.repeat(300)
  await sink.write([event(1, { requestObject: { large }, responseObject: {}, annotations: { a: 'b' } }), event(2, { requestURI: large }), event(3, { requestURI: 'x'.repeat(150) }), event(4)])
  t.strictSame(inner.batches, [[event(1, { annotations: { a: 'b', 'audit.k8s.io/truncated': 'true' } })], [event(3, { requestURI: 'x'.repeat(150) }), event(4)]])
})

t.test('somebody else is told, and told again', async (t) => {
  const clock = new FakeClock(START_MS)
  let failures = 2
  const server = await startJsonServer(t, () => (failures-- > 0 ? undefined : 'not JSON'))
  const sink = auditWebhook({ remote: { url: server.url, ca: server.ca } }, clock)
  await patiently(clock, sink.write([event(1, { kind: 'Event', apiVersion: 'audit.k8s.io/v1', stage: 'Panic' })]) ?? Promise.resolve())
  t.strictSame(server.asked.map(({ body }) => body), Array(3).fill({ kind: 'EventList', apiVersion: 'audit.k8s.io/v1', metadata: {}, items: [{ auditID: '1', stage: 'Panic' }] }))
  failures = Infinity
  const lost = sink.write([event(2)])
  await sink.close()
  await t.rejects(Promise.resolve(lost))
})

t.test('one that fails keeps nothing from the other', async (t) => {
  const inner = memory()
  const broken: AuditSink = { write: () => Promise.reject(new Error('full')), close: () => undefined }
  await t.rejects(Promise.resolve(unionSink([broken, inner]).write([event(1)])), { message: 'full' })
  t.equal(inner.batches.length, 1)
})
