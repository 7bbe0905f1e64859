import t from 'tap'
import { startApi } from '../../../helpers/in-process-api.ts'
import { checkRefusals, checkUpdateRefusals, stored } from '../../../helpers/refusals.ts'

const TEMPLATE = { spec: { containers: [{ name: 'c', image: 'app:1' }], restartPolicy: 'Never' } }
const JOB = { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'a', namespace: 'default' }, spec: { template: TEMPLATE } }
const INDEXED = { ...JOB, spec: { template: TEMPLATE, completionMode: 'Indexed', completions: 3 } }
const CRON_JOB = { apiVersion: 'batch/v1', kind: 'CronJob', metadata: { name: 'a', namespace: 'default' }, spec: { schedule: '*/5 * * * *', jobTemplate: { spec: { template: TEMPLATE } } } }

t.test('what is filled in', async (t) => {
  const { metadata, spec } = await stored(t, JOB)
  const { uid } = metadata as { uid: string }
  const labels = { 'job-name': 'a', 'batch.kubernetes.io/job-name': 'a', 'controller-uid': uid, 'batch.kubernetes.io/controller-uid': uid }
  t.match(spec, {
    parallelism: 1,
    completions: 1,
    backoffLimit: 6,
    completionMode: 'NonIndexed',
    suspend: false,
    podReplacementPolicy: 'TerminatingOrFailed',
    selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': uid } },
    template: { metadata: { labels } },
  })
  t.match((await stored(t, { ...JOB, spec: { template: TEMPLATE, parallelism: 2 } })).spec, { completions: undefined, parallelism: 2 }, 'a work queue')
  t.match((await stored(t, { ...INDEXED, spec: { ...INDEXED.spec, backoffLimitPerIndex: 1 } })).spec, { backoffLimit: 2 ** 31 - 1 })
  t.match((await stored(t, CRON_JOB)).spec, { concurrencyPolicy: 'Allow', suspend: false, successfulJobsHistoryLimit: 3, failedJobsHistoryLimit: 1 })
})

t.test('jobs', async (t) => {
  await checkRefusals(t, JOB, [
    ['pods that always restart', { 'spec.template.spec.restartPolicy': 'Always' }, 'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'],
    ['less than nothing', { 'spec.parallelism': -1 }, 'spec.parallelism: Invalid value: -1: must be greater than or equal to 0'],
    ['indexed without an end', { 'spec.completionMode': 'Indexed', 'spec.parallelism': 2 }, 'spec.completions: Required value: when completion mode is Indexed'],
    ['a limit of each of none', { 'spec.backoffLimitPerIndex': 1 }, 'spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode'],
    ['a policy of no rule', { 'spec.podFailurePolicy': { rules: [{ action: 'FailJob' }] } }, 'spec.podFailurePolicy.rules[0]: Invalid value: specifying one of OnExitCodes and OnPodConditions is required'],
    ['codes out of order', { 'spec.podFailurePolicy': { rules: [{ action: 'FailJob', onExitCodes: { operator: 'In', values: [2, 1] } }] } }, 'spec.podFailurePolicy.rules[0].onExitCodes.values: Invalid value: [2,1]: must be ordered'],
    ['managed by no domain', { 'spec.managedBy': 'me' }, 'spec.managedBy: Invalid value: "me": must be a domain-prefixed path (such as "acme.io/foo")'],
  ])
  const { refused } = await startApi(t)
  t.match(await refused({ ...JOB, spec: { ...JOB.spec, selector: { matchLabels: { a: 'b' } } } }), [/^spec\.selector: .*: `selector` not auto-generated$/, /^spec\.template\.metadata\.labels: .*: `selector` does not match template `labels`$/])
})

t.test('success of indexes', (t) =>
  checkRefusals(t, INDEXED, [
    ['some', { 'spec.successPolicy': { rules: [{ succeededIndexes: '0,2', succeededCount: 1 }] } }],
    ['out of range', { 'spec.successPolicy': { rules: [{ succeededIndexes: '0-3' }] } }, 'spec.successPolicy.rules[0].succeededIndexes: Invalid value: "0-3": error parsing succeededIndexes: too large index: "3"'],
    ['more than there are', { 'spec.successPolicy': { rules: [{ succeededIndexes: '0', succeededCount: 2 }] } }, 'spec.successPolicy.rules[0].succeededCount: Invalid value: 2: must be less than or equal to 1 (the number of indexes in the specified succeededIndexes field)'],
  ]))

t.test('what of a job may change', async (t) => {
  const running = { ...JOB, spec: { ...JOB.spec, completions: 2, parallelism: 2 } }
  await checkUpdateRefusals(t, running, [
    ['how many at once', { 'spec.parallelism': 5 }],
    ['how many at all', { 'spec.completions': 5 }, 'spec.completions: Invalid value: 5: field is immutable'],
    ['that it waits', { 'spec.suspend': true }],
  ])
  await checkUpdateRefusals(t, INDEXED, [
    ['both together', { 'spec.completions': 5, 'spec.parallelism': 5 }],
    ['one of them', { 'spec.completions': 5 }, 'spec.completions: Invalid value: 5: can only be modified in tandem with spec.parallelism'],
  ])
  const { create, refusedUpdate } = await startApi(t)
  const waiting = await create({ ...JOB, spec: { ...JOB.spec, suspend: true } })
  const place = (spec: object) => (j: object) => void Object.assign((j as { spec: { template: { spec: object } } }).spec.template.spec, spec)
  t.same(await refusedUpdate(waiting, place({ nodeSelector: { disk: 'ssd' } })), [], 'a suspended job may still be placed')
  t.match(await refusedUpdate(waiting, place({ hostNetwork: true })), [/^spec\.template\.spec: Invalid value: .*: field is immutable$/])
})

t.test('cron jobs', (t) =>
  checkRefusals(t, CRON_JOB, [
    ['no schedule', { 'spec.schedule': '' }, 'spec.schedule: Required value'],
    ['a bad schedule', { 'spec.schedule': '61 * * * *' }, 'spec.schedule: Invalid value: "61 * * * *": end of range (61) above maximum (59): 61'],
    ['a zone in it', { 'spec.schedule': 'TZ=UTC * * * * *' }, 'spec.schedule: Invalid value: "TZ=UTC * * * * *": cannot use TZ or CRON_TZ in schedule, use timeZone field instead'],
    ['an unknown zone', { 'spec.timeZone': 'Mars/Olympus' }, 'spec.timeZone: Invalid value: "Mars/Olympus": unknown time zone Mars/Olympus'],
    ['a policy that is none', { 'spec.concurrencyPolicy': 'X' }, 'spec.concurrencyPolicy: Unsupported value: "X": supported values: "Allow", "Forbid", "Replace"'],
    ['too long a name', { 'metadata.name': 'x'.repeat(53) }, `metadata.name: Invalid value: "${'x'.repeat(53)}": must be no more than 52 characters`],
  ]))
