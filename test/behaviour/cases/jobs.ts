/** Jobs, from their pods to their end. */
import type { Json } from '../../conformance/_client.ts'
import { NOWHERE, task, type Family, type Place } from '../_place.ts'

const JOB = 'batch/v1 jobs'
const podsOf = (job: string): string => `v1 pods?labelSelector=batch.kubernetes.io/job-name=${job}`
const job = (name: string, spec: Json, of: Json = task()): Json => ({ metadata: { name }, spec: { template: of, ...spec } })

/** As a kubelet would tell of pods that no node has. */
async function end(place: Place, name: string, phase: 'Failed' | 'Succeeded'): Promise<void> {
  for (const { metadata } of await place.items(podsOf(name))) {
    const { status, text } = await place.client.call(`PATCH ${place.path(`v1 pods/${(metadata as Json).name}/status`)}`, { body: { status: { phase } }, headers: { 'content-type': 'application/merge-patch+json' } })
    if (status !== 200) throw new Error(text)
  }
}

export default {
  family: 'jobs',
  cases: [
    {
      name: 'completions, counted and by index',
      async run(place) {
        await place.make(JOB, job('three', { completions: 3, parallelism: 2 }))
        await place.make(JOB, job('indexed', { completions: 3, parallelism: 3, completionMode: 'Indexed' }))
        await place.make(JOB, job('brief', { ttlSecondsAfterFinished: 1 }))
        const complete = [{ type: 'SuccessCriteriaMet', status: 'True', reason: 'CompletionsReached', message: 'Reached expected number of succeeded pods' }, { type: 'Complete', status: 'True', reason: 'CompletionsReached', message: 'Reached expected number of succeeded pods' }]
        await place.reaches(`${JOB}/three`, { status: { succeeded: 3, terminating: 0, ready: 0, uncountedTerminatedPods: {}, conditions: complete, completionTime: String } })
        await place.reaches(`${JOB}/indexed`, { status: { succeeded: 3, completedIndexes: '0-2', conditions: complete } })
        const pods = (await place.items(podsOf('indexed'))) as { metadata: { annotations: Json; finalizers?: string[] } }[]
        place.t.same(pods.map(({ metadata }) => [metadata.annotations['batch.kubernetes.io/job-completion-index'], metadata.finalizers]).sort(), [['0', undefined], ['1', undefined], ['2', undefined]])
        await place.tells('Job Normal Completed Job completed')
        await place.goes(`${JOB}/brief`)
      },
    },
    {
      name: 'failures up to the limit',
      async run(place) {
        await place.make(JOB, job('limit', { backoffLimit: 0, parallelism: 1 }, task(NOWHERE)))
        await place.make(JOB, job('indexes', { completionMode: 'Indexed', completions: 2, parallelism: 2, backoffLimitPerIndex: 0 }, task(NOWHERE)))
        await place.make(JOB, job('late', { activeDeadlineSeconds: 1 }, task(NOWHERE)))
        await place.count(podsOf('limit'), 1)
        await place.count(podsOf('indexes'), 2)
        await end(place, 'limit', 'Failed')
        await end(place, 'indexes', 'Failed')
        await place.reaches(`${JOB}/limit`, { status: { failed: 1, conditions: [{ type: 'FailureTarget', reason: 'BackoffLimitExceeded' }, { type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded', message: 'Job has reached the specified backoff limit' }] } })
        await place.reaches(`${JOB}/indexes`, { status: { failed: 2, failedIndexes: '0,1', conditions: [{ type: 'FailureTarget' }, { type: 'Failed', reason: 'FailedIndexes', message: 'Job has failed indexes' }] } })
        await place.reaches(`${JOB}/late`, { status: { failed: 1, conditions: [{ type: 'FailureTarget' }, { type: 'Failed', reason: 'DeadlineExceeded', message: 'Job was active longer than specified deadline' }] } })
        await place.tells('Job Warning BackoffLimitExceeded Job has reached the specified backoff limit', 'Job Warning DeadlineExceeded Job was active longer than specified deadline')
      },
    },
    {
      name: 'suspended, resumed, enough by its policy',
      async run(place) {
        await place.make(JOB, job('waits', { suspend: true, completions: 2, parallelism: 2, completionMode: 'Indexed', successPolicy: { rules: [{ succeededCount: 1 }] } }, task(NOWHERE)))
        await place.reaches(`${JOB}/waits`, { status: { conditions: [{ type: 'Suspended', status: 'True', reason: 'JobSuspended', message: 'Job suspended' }] } })
        place.t.equal(((await place.get(`${JOB}/waits`)).body.status as Json).startTime, undefined)
        await place.patch(`${JOB}/waits`, { spec: { suspend: false } })
        const [first] = await place.count(podsOf('waits'), 2)
        await place.reaches(`${JOB}/waits`, { status: { active: 2, startTime: String, conditions: [{ type: 'Suspended', status: 'False', reason: 'JobResumed', message: 'Job resumed' }] } })
        await place.client.call(`PATCH ${place.path(`v1 pods/${(first?.metadata as Json).name}/status`)}`, { body: { status: { phase: 'Succeeded' } }, headers: { 'content-type': 'application/merge-patch+json' } })
        await place.reaches(`${JOB}/waits`, { status: { succeeded: 1, conditions: [{ type: 'Suspended' }, { type: 'SuccessCriteriaMet', reason: 'SuccessPolicy', message: 'Matched rules at index 0' }, { type: 'Complete', reason: 'SuccessPolicy' }] } })
        await place.tells('Job Normal Suspended Job suspended', 'Job Normal Resumed Job resumed')
      },
    },
  ],
} satisfies Family
