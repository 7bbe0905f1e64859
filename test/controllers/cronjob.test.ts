import t from 'tap'
import type { CronJob, Job } from '../../schemas/types.ts'
import cronjob from '../../controllers/cronjob.ts'
import { jobFor, planHistory, scheduleOf, timingOf } from '../../controllers/_cronjob-plan.ts'
import { FakeCluster } from '../helpers/fake-client.ts'
import { job } from '../helpers/objects.ts'
import { ControllerRun } from '../helpers/run-controller.ts'

function cron(spec: Partial<CronJob['spec']> = {}, status: CronJob['status'] = {}): CronJob {
  return {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name: 'tick', namespace: 'default', uid: 'uid-tick', creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: { schedule: '*/5 * * * *', concurrencyPolicy: 'Allow', suspend: false, successfulJobsHistoryLimit: 3, failedJobsHistoryLimit: 1, jobTemplate: { spec: { template: { spec: {} } } }, ...spec },
    status,
  }
}

t.test('what is due and when to look again', (t) => {
  const cases: { name: string; cron: CronJob; now: string; due: string | undefined; next: string; many?: boolean }[] = [
    { name: 'not yet', cron: cron(), now: '2026-01-01T00:03:00Z', due: undefined, next: '2026-01-01T00:05:00.100Z' },
    { name: 'now', cron: cron(), now: '2026-01-01T00:05:00Z', due: '2026-01-01T00:05:00.000Z', next: '2026-01-01T00:10:00.100Z' },
    { name: 'the latest of several', cron: cron(), now: '2026-01-01T00:21:00Z', due: '2026-01-01T00:20:00.000Z', next: '2026-01-01T00:25:00.100Z' },
    { name: 'since the last one', cron: cron({}, { lastScheduleTime: '2026-01-01T00:05:00Z' }), now: '2026-01-01T00:06:00Z', due: undefined, next: '2026-01-01T00:10:00.100Z' },
    { name: 'many', cron: cron({ schedule: '* * * * *' }), now: '2026-01-01T10:00:30Z', due: '2026-01-01T10:00:00.000Z', next: '2026-01-01T10:01:00.100Z', many: true },
    { name: 'a hundred', cron: cron({ schedule: '* * * * *' }), now: '2026-01-01T01:40:30Z', due: '2026-01-01T01:40:00.000Z', next: '2026-01-01T01:41:00.100Z' },
    { name: 'one more', cron: cron({ schedule: '* * * * *' }), now: '2026-01-01T01:41:30Z', due: '2026-01-01T01:41:00.000Z', next: '2026-01-01T01:42:00.100Z', many: true },
    { name: 'many, of which a deadline leaves few', cron: cron({ schedule: '* * * * *', startingDeadlineSeconds: 200 }), now: '2026-01-01T10:00:30Z', due: '2026-01-01T10:00:00.000Z', next: '2026-01-01T10:01:00.100Z' },
    { name: 'uneven times, counted by the first two: none is found', cron: cron({ schedule: '0 9,10 * * *' }), now: '2026-01-03T12:00:00Z', due: undefined, next: '2026-01-04T09:00:00.100Z' },
    { name: 'not before the deadline for starting', cron: cron({ startingDeadlineSeconds: 30 }), now: '2026-01-01T00:06:00Z', due: undefined, next: '2026-01-01T00:10:00.100Z' },
    { name: 'in a zone', cron: cron({ schedule: '0 9 * * *', timeZone: 'America/New_York' }), now: '2026-01-01T14:00:00Z', due: '2026-01-01T14:00:00.000Z', next: '2026-01-02T14:00:00.100Z' },
  ]
  const iso = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms).toISOString())
  for (const c of cases) {
    const now = Date.parse(c.now)
    const got = timingOf(c.cron, scheduleOf(c.cron), now)
    t.same([iso(got.dueMs), iso(now + got.nextInMs), got.missedMany], [c.due, c.next, c.many ?? false], c.name)
  }
  t.end()
})

t.test('the Job it makes', (t) => {
  const made = jobFor(cron({ timeZone: 'Asia/Kolkata', jobTemplate: { metadata: { labels: { a: 'b' } }, spec: { backoffLimit: 1 } } }), Date.parse('2026-01-01T00:05:00Z'))
  t.match(made, { metadata: { name: 'tick-29453765', labels: { a: 'b' }, annotations: { 'batch.kubernetes.io/cronjob-scheduled-timestamp': '2026-01-01T05:35:00+05:30' }, ownerReferences: [{ kind: 'CronJob', controller: true }] }, spec: { backoffLimit: 1 } })
  t.end()
})

t.test('history', (t) => {
  const done = (name: string, type: string, startTime: string): Job => ({ ...job(name), status: { startTime, conditions: [{ type, status: 'True' }] } })
  const jobs = [done('c', 'Complete', '3'), done('a', 'Complete', '1'), done('b', 'Complete', '2'), done('f', 'Failed', '1'), done('g', 'Failed', '2'), job('running')]
  t.same(planHistory(cron({ successfulJobsHistoryLimit: 1 }), jobs).map((j) => j.metadata.name), ['a', 'b', 'f'])
  t.end()
})

t.test('runs on time, watches its Jobs, and heeds its policy', async (t) => {
  const cluster = new FakeCluster()
  const run = new ControllerRun(cluster, cronjob)
  cluster.seed(cron({ concurrencyPolicy: 'Forbid' }))
  const status = () => cluster.read<CronJob>('batch/v1/CronJob', 'tick').status
  const jobs = () => cluster.all<Job>('batch/v1/Job')
  await run.settle()
  t.equal(jobs().length, 0)
  await run.step(301_000)
  t.equal(jobs().length, 1)
  t.match(status(), { lastScheduleTime: '2026-01-01T00:05:00Z', active: [{ kind: 'Job', apiVersion: 'batch/v1', name: jobs()[0]?.metadata.name }] })
  await run.step(300_000)
  t.equal(jobs().length, 1, 'forbidden while one runs')
  t.equal(cluster.events.at(-1), 'CronJob/tick Normal JobAlreadyActive: Not starting job because prior execution is running and concurrency policy is Forbid')
  cluster.edit<Job>('batch/v1/Job', jobs()[0]?.metadata.name ?? '', (copy) => void (copy.status = { completionTime: '2026-01-01T00:10:05Z', conditions: [{ type: 'Complete', status: 'True' }] }))
  await run.settle()
  t.ok(cluster.events.some((e) => e.includes(`SawCompletedJob: Saw completed job: ${jobs()[0]?.metadata.name}, condition: Complete`)))
  t.equal(status()?.lastSuccessfulTime, '2026-01-01T00:10:05Z')
  t.equal(jobs().length, 2, 'the one that was held back starts now')
  t.same(run.errors, [])
})

t.test('replaces, suspends, complains', async (t) => {
  const cluster = new FakeCluster()
  const run = new ControllerRun(cluster, cronjob)
  cluster.seed(cron({ concurrencyPolicy: 'Replace' }))
  await run.settle()
  await run.step(301_000)
  const [first] = cluster.all<Job>('batch/v1/Job')
  await run.step(300_000)
  t.notSame(cluster.all<Job>('batch/v1/Job').map((j) => j.metadata.name), [first?.metadata.name])
  t.equal(cluster.all('batch/v1/Job').length, 1)
  cluster.edit<CronJob>('batch/v1/CronJob', 'tick', (copy) => void (copy.spec.suspend = true))
  await run.step(600_000)
  t.equal(cluster.all('batch/v1/Job').length, 1)

  const other = new FakeCluster()
  const bad = new ControllerRun(other, cronjob)
  other.seed(cron({ schedule: 'never' }))
  await bad.settle()
  t.match(other.events, [/^CronJob\/tick Warning UnparseableSchedule: unparseable schedule: "never" : /])
  const last = new FakeCluster()
  const empty = new ControllerRun(last, cronjob)
  last.seed(cron({ schedule: '59 23 31 2 *' }))
  await empty.settle()
  t.equal(last.events.at(-1), 'CronJob/tick Warning InvalidSchedule: invalid schedule: 59 23 31 2 * : time difference between two schedules is less than 1 second')
})
