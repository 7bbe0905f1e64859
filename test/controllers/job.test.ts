import t from 'tap'
import type { Job, Pod } from '../../schemas/types.ts'
import jobController, { planPods, verdict, viewOf } from '../../controllers/job.ts'
import { Indexes } from '../../controllers/_job-indexes.ts'
import { backoffLeftMs, judgeFailure, nextBackoff, successRuleMet } from '../../controllers/_job-policy.ts'
import ttl from '../../controllers/ttl-after-finished.ts'
import { formatTime } from '../../src/clock.ts'
import { FakeCluster } from '../helpers/fake-client.ts'
import { job, pod } from '../helpers/objects.ts'
import { ControllerRun } from '../helpers/run-controller.ts'

const NOW = Date.parse('2026-01-01T01:00:00Z')

t.test('sets of indexes', (t) => {
  t.equal(Indexes.of([5, 0, 1, 2, 7, 8]).toString(), '0-2,5,7,8')
  t.equal(Indexes.parse('0-2,5,7-9', 9).toString(), '0-2,5,7,8')
  t.equal(Indexes.parse('0,1', 5).union(Indexes.of([2, 4])).toString(), '0-2,4')
  t.same(Indexes.of([0, 2, 3]).missing(3, 10), [1, 4, 5])
  t.same(Indexes.of([0, 2, 3]).missing(9, 5), [1, 4])
  t.equal(Indexes.parse('0-4', 9).overlap(Indexes.of([3, 4, 5])), 2)
  t.equal(Indexes.none.total, 0)
  t.end()
})

const tracked = (p: Pod, index?: number): Pod => ({
  ...p,
  metadata: { ...p.metadata, finalizers: ['batch.kubernetes.io/job-tracking'], ...(index === undefined ? {} : { annotations: { ...p.metadata.annotations, 'batch.kubernetes.io/job-completion-index': String(index) } }) },
})
const running = (name: string, index?: number) => tracked(pod(name, { node: 'n', readyAt: '2026-01-01T00:00:00Z' }), index)
const ended = (name: string, phase: string, index?: number) => tracked({ ...pod(name, { node: 'n', phase }), status: { phase, containerStatuses: [{ name: 'c', state: { terminated: { exitCode: phase === 'Failed' ? 3 : 0, finishedAt: '2026-01-01T00:59:55Z' } } }] } }, index)

t.test('which pods come and go', (t) => {
  const cases: { name: string; job: Job; pods: Pod[]; expect: { create?: number; delete?: string[]; indexes?: number[]; requeueAfterMs?: number } }[] = [
    { name: 'as many as run in parallel', job: job('j', { parallelism: 2, completions: 5 }), pods: [], expect: { create: 2 } },
    { name: 'not more than are needed yet', job: job('j', { parallelism: 3, completions: 2 }), pods: [ended('a', 'Succeeded')], expect: { create: 1 } },
    { name: 'of a work queue no more after the first success', job: job('j', { parallelism: 3, completions: undefined }), pods: [ended('a', 'Succeeded'), running('b')], expect: {} },
    { name: 'fewer in parallel', job: job('j', { parallelism: 1, completions: 5 }), pods: [running('a'), running('b')], expect: { delete: ['a'] } },
    { name: 'suspended', job: job('j', { suspend: true }), pods: [running('a')], expect: { delete: ['a'] } },
    { name: 'backs off after a failure', job: job('j'), pods: [ended('a', 'Failed')], expect: { requeueAfterMs: 5000 } },
    { name: 'indexes that are not there yet', job: job('j', { completionMode: 'Indexed', parallelism: 3, completions: 5 }), pods: [ended('a', 'Succeeded', 0), running('b', 2)], expect: { create: 2, indexes: [1, 3] } },
    { name: 'one pod an index', job: job('j', { completionMode: 'Indexed', parallelism: 2, completions: 2 }), pods: [running('a', 0), running('b', 0)], expect: { delete: ['a'] } },
    { name: 'per index nobody waits for another', job: job('j', { completionMode: 'Indexed', backoffLimitPerIndex: 1, parallelism: 2, completions: 2 }), pods: [ended('a', 'Failed', 0)], expect: { create: 1, indexes: [1] } },
    { name: 'terminating ones are replaced', job: job('j'), pods: [tracked(pod('a', { node: 'n', deleted: true }))], expect: { create: 1 } },
    { name: 'unless only failed ones are', job: job('j', { podReplacementPolicy: 'Failed' }), pods: [tracked(pod('a', { node: 'n', deleted: true }))], expect: {} },
  ]
  for (const c of cases) {
    const got = planPods(viewOf(c.job, c.pods, undefined), NOW)
    t.same({ ...got, delete: got.delete.map((p) => p.metadata.name) }, { create: 0, delete: [], ...(c.job.spec.completionMode === 'Indexed' && !c.expect.delete ? { indexes: [] } : {}), ...c.expect }, c.name)
  }
  t.end()
})

t.test('whether a Job is over', (t) => {
  const indexed = (spec: Partial<Job['spec']>) => job('j', { completionMode: 'Indexed', completions: 3, ...spec })
  const rule = (action: string) => ({ podFailurePolicy: { rules: [{ action, onExitCodes: { operator: 'In', values: [3] } }] } })
  const cases: { name: string; job: Job; pods: Pod[]; expect: [type: string, reason: string, message?: string] | undefined }[] = [
    { name: 'not yet', job: job('j'), pods: [running('a')], expect: undefined },
    { name: 'too many failures', job: job('j', { backoffLimit: 1 }), pods: [ended('a', 'Failed'), ended('b', 'Failed')], expect: ['FailureTarget', 'BackoffLimitExceeded', 'Job has reached the specified backoff limit'] },
    {
      name: 'too many restarts in place',
      job: job('j', { backoffLimit: 2, template: { spec: { restartPolicy: 'OnFailure' } } }),
      pods: [{ ...running('a'), status: { phase: 'Running', containerStatuses: [{ name: 'c', restartCount: 2 }] } }],
      expect: ['FailureTarget', 'BackoffLimitExceeded'],
    },
    { name: 'too long', job: { ...job('j', { activeDeadlineSeconds: 60 }), status: { startTime: '2026-01-01T00:00:00Z' } }, pods: [running('a')], expect: ['FailureTarget', 'DeadlineExceeded', 'Job was active longer than specified deadline'] },
    { name: 'a failure that fails the Job', job: job('j', rule('FailJob')), pods: [ended('a', 'Failed')], expect: ['FailureTarget', 'PodFailurePolicy', 'Container c for pod default/a failed with exit code 3 matching FailJob rule at index 0'] },
    { name: 'failures that do not count', job: job('j', { backoffLimit: 0, ...rule('Ignore') }), pods: [ended('a', 'Failed')], expect: undefined },
    { name: 'every index is decided, some failed', job: indexed({ backoffLimitPerIndex: 0 }), pods: [ended('a', 'Failed', 0), ended('b', 'Succeeded', 1), ended('c', 'Succeeded', 2)], expect: ['FailureTarget', 'FailedIndexes', 'Job has failed indexes'] },
    { name: 'too many failed indexes', job: indexed({ backoffLimitPerIndex: 0, maxFailedIndexes: 0 }), pods: [ended('a', 'Failed', 0), running('b', 1)], expect: ['FailureTarget', 'MaxFailedIndexesExceeded'] },
    { name: 'the success policy is met', job: indexed({ successPolicy: { rules: [{ succeededIndexes: '1' }] } }), pods: [ended('b', 'Succeeded', 1)], expect: ['SuccessCriteriaMet', 'SuccessPolicy', 'Matched rules at index 0'] },
    { name: 'a target becomes the end', job: { ...job('j'), status: { conditions: [{ type: 'FailureTarget', status: 'True', reason: 'R', message: 'M' }] } }, pods: [], expect: ['Failed', 'R', 'M'] },
  ]
  for (const c of cases) {
    const got = verdict(viewOf(c.job, c.pods, undefined), NOW)
    t.same(got && [got.type, got.reason, ...(c.expect?.[2] ? [got.message] : [])], c.expect, c.name)
  }
  t.end()
})

t.test('policies and back-off', (t) => {
  t.same(judgeFailure(job('j', { podFailurePolicy: { rules: [{ action: 'FailIndex', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }] } }), { ...pod('a'), status: { conditions: [{ type: 'DisruptionTarget', status: 'True' }] } }), { failsIndex: true, counts: true })
  t.equal(successRuleMet(job('j', { completions: 9, successPolicy: { rules: [{ succeededIndexes: '0-3', succeededCount: 2 }] } }), Indexes.of([1, 2])), 'Matched rules at index 0')
  t.equal(successRuleMet(job('j', { completions: 9, successPolicy: { rules: [{ succeededCount: 3 }] } }), Indexes.of([1, 2])), undefined)
  t.same([1, 2, 3, 10].map((failures) => backoffLeftMs({ failures, lastMs: 0 }, 0)), [10_000, 20_000, 40_000, 600_000])
  t.equal(nextBackoff({ failures: 2, lastMs: 1 }, [ended('s', 'Succeeded')], []).failures, 0)
  t.end()
})

async function live(j: Job) {
  const cluster = new FakeCluster()
  const run = new ControllerRun(cluster, jobController)
  cluster.seed(j)
  await run.settle()
  const pods = () => cluster.all<Pod>('v1/Pod')
  const end = async (name: string, phase: string) => {
    cluster.edit<Pod>('v1/Pod', name, (copy) => void (copy.status = { phase, containerStatuses: [{ name: 'c', state: { terminated: { exitCode: phase === 'Failed' ? 1 : 0, finishedAt: formatTime(cluster.clock.now()) } } }] }))
    await run.settle()
  }
  return { cluster, run, pods, end, status: () => cluster.read<Job>('batch/v1/Job', j.metadata.name ?? '').status, active: () => pods().filter((p) => p.status?.phase === 'Pending').map((p) => p.metadata.name ?? '') }
}

t.test('pods run to completion and are counted once', async (t) => {
  const { cluster, run, pods, end, status, active } = await live(job('three', { completions: 3, parallelism: 2 }))
  t.equal(pods().length, 2)
  t.match(pods()[0]?.metadata, { generateName: 'three-', finalizers: ['batch.kubernetes.io/job-tracking'], labels: { 'batch.kubernetes.io/job-name': 'three' } })
  t.match(status(), { active: 2, ready: 0, terminating: 0, startTime: '2026-01-01T00:00:00Z', uncountedTerminatedPods: {} })
  while (active().length > 0) await end(active()[0] ?? '', 'Succeeded')
  t.equal(pods().length, 3)
  t.match(status(), { active: undefined, succeeded: 3, failed: undefined, ready: 0, terminating: 0, completionTime: '2026-01-01T00:00:00Z', uncountedTerminatedPods: {} })
  t.same(status()?.conditions?.map((c) => [c.type, c.status, c.reason, c.message]), [
    ['SuccessCriteriaMet', 'True', 'CompletionsReached', 'Reached expected number of succeeded pods'],
    ['Complete', 'True', 'CompletionsReached', 'Reached expected number of succeeded pods'],
  ])
  t.same(pods().flatMap((p) => p.metadata.finalizers ?? []), [])
  t.equal(cluster.events.at(-1), 'Job/three Normal Completed: Job completed')
  t.same(run.errors, [])
})

t.test('a failed pod is tried again later, and too many end the Job', async (t) => {
  const { cluster, run, end, status, active } = await live(job('j', { backoffLimit: 1 }))
  await end(active()[0] ?? '', 'Failed')
  t.match(status(), { failed: 1, active: undefined })
  t.same(active(), [])
  await run.step(10_000)
  t.equal(active().length, 1)
  await end(active()[0] ?? '', 'Failed')
  t.match(status(), { failed: 2 })
  t.same(status()?.conditions?.map((c) => [c.type, c.reason]), [
    ['FailureTarget', 'BackoffLimitExceeded'],
    ['Failed', 'BackoffLimitExceeded'],
  ])
  t.equal(cluster.events.at(-1), 'Job/j Warning BackoffLimitExceeded: Job has reached the specified backoff limit')
})

t.test('an indexed Job gives each pod its index', async (t) => {
  const { pods, end, status, active } = await live(job('i', { completionMode: 'Indexed', completions: 2, parallelism: 2, backoffLimitPerIndex: 1 }))
  t.match(pods().map((p) => [p.spec.hostname, p.metadata.generateName, p.metadata.annotations?.['batch.kubernetes.io/job-index-failure-count']]), [
    ['i-0', 'i-0-', '0'],
    ['i-1', 'i-1-', '0'],
  ])
  t.same(pods()[1]?.spec.containers?.[0]?.env, [{ name: 'JOB_COMPLETION_INDEX', valueFrom: { fieldRef: { fieldPath: "metadata.labels['batch.kubernetes.io/job-completion-index']" } } }])
  await end(active()[0] ?? '', 'Succeeded')
  t.match(status(), { succeeded: 1, completedIndexes: '0', failedIndexes: '' })
})

t.test('suspended and resumed', async (t) => {
  const { cluster, run, status, active } = await live(job('held', { suspend: true }))
  t.match(status(), { conditions: [{ type: 'Suspended', status: 'True', reason: 'JobSuspended', message: 'Job suspended' }], ready: 0 })
  t.same(cluster.events, ['Job/held Normal Suspended: Job suspended'])
  cluster.edit<Job>('batch/v1/Job', 'held', (copy) => void (copy.spec.suspend = false))
  await run.settle()
  t.equal(active().length, 1)
  t.match(status(), { startTime: '2026-01-01T00:00:00Z', conditions: [{ type: 'Suspended', status: 'False', reason: 'JobResumed' }] })
})

t.test('pods of a Job that is gone lose the finalizer', async (t) => {
  const { cluster, run, pods } = await live(job('gone'))
  await cluster.delete('batch/v1/Job', { namespace: 'default', name: 'gone' })
  await run.settle()
  t.same(pods().map((p) => p.metadata.finalizers), [[]])
})

t.test('a finished Job lives as long as it is allowed to', async (t) => {
  const cluster = new FakeCluster()
  const run = new ControllerRun(cluster, ttl)
  const old: Job = { ...job('old', { ttlSecondsAfterFinished: 30 }), status: { conditions: [{ type: 'Complete', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }] } }
  cluster.seed(old, job('running', { ttlSecondsAfterFinished: 0 }))
  await run.settle()
  await run.step(29_000)
  t.equal(cluster.all('batch/v1/Job').filter((j) => !j.metadata.deletionTimestamp).length, 2)
  await run.step(1_000)
  t.same(cluster.all('batch/v1/Job').filter((j) => !j.metadata.deletionTimestamp).map((j) => j.metadata.name), ['running'])
})
