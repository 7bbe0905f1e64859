import t from 'tap'
import { SeededRandom } from '../../src/clock.ts'
import { markExited, markReady, markRunning, markStarting, newRecords, type ContainerRecord } from '../../src/kubelet/container-record.ts'
import { podConditions } from '../../src/kubelet/pod-conditions.ts'
import { backOffMs, planPod, podPhase } from '../../src/kubelet/pod-plan.ts'
import { podStatus } from '../../src/kubelet/pod-status.ts'
import type { Container, Pod } from '../../schemas/types.ts'

type Doing = 'waits' | 'runs' | 'ready' | number

const NOW = Date.UTC(2026, 0, 1)
const random = new SeededRandom(1)

function podOf(spec: Partial<Pod['spec']>): Pod {
  return { metadata: { name: 'p', namespace: 'default', uid: 'u', generation: 3 }, spec: { restartPolicy: 'Always', ...spec } }
}

/** What each container does: a number is the code it has exited with. */
function after(pod: Pod, ...doing: Doing[]): ContainerRecord[] {
  const records = newRecords(pod)
  records.forEach((record, i) => {
    const what = doing[i] ?? 'waits'
    if (what === 'waits') return
    markStarting(record, random)
    markRunning(record, NOW)
    if (what === 'ready') markReady(record, true)
    if (typeof what === 'number') markExited(record, { code: what }, NOW)
  })
  return records
}

const init: Container = { name: 'init' }
const init2: Container = { name: 'init2' }
const sidecar: Container = { name: 'sidecar', restartPolicy: 'Always', startupProbe: {} }
const app: Container = { name: 'app' }
const app2: Container = { name: 'app2' }

t.test('which containers start or end next, and the phase', async (t) => {
  const whole = { initContainers: [init, sidecar, init2], containers: [app, app2] }
  const table: [name: string, spec: Partial<Pod['spec']>, doing: Doing[], start: string[], stop: string[], phase: string][] = [
    ['all apps at once', { containers: [app, app2] }, [], ['app', 'app2'], [], 'Pending'],
    ['init containers first, one by one', whole, [], ['init'], [], 'Pending'],
    ['while one runs no other starts', whole, ['runs'], [], [], 'Pending'],
    ['a sidecar comes in its turn', whole, [0], ['sidecar'], [], 'Pending'],
    ['and must have started before the next', whole, [0, 'runs'], [], [], 'Pending'],
    ['then the next', whole, [0, 'ready'], ['init2'], [], 'Pending'],
    ['then the apps', whole, [0, 'ready', 0], ['app', 'app2'], [], 'Pending'],
    ['all run', whole, [0, 'ready', 0, 'ready', 'runs'], [], [], 'Running'],
    ['a failed init container starts again', whole, [1], ['init'], [], 'Pending'],
    ['but not by policy Never', { ...whole, restartPolicy: 'Never' }, [1], [], [], 'Failed'],
    ['an app that ended starts again', { containers: [app] }, [0], ['app'], [], 'Running'],
    ['OnFailure lets success be', { containers: [app, app2], restartPolicy: 'OnFailure' }, [0, 'runs'], [], [], 'Running'],
    ['OnFailure starts failures again', { containers: [app, app2], restartPolicy: 'OnFailure' }, [0, 2], ['app2'], [], 'Running'],
    ['done', { containers: [app, app2], restartPolicy: 'Never' }, [0, 0], [], [], 'Succeeded'],
    ['done badly', { containers: [app, app2], restartPolicy: 'Never' }, [0, 2], [], [], 'Failed'],
    ['a sidecar goes down with the work', { initContainers: [sidecar], containers: [app], restartPolicy: 'Never' }, ['ready', 0], [], ['sidecar'], 'Running'],
    ['a sidecar comes back while the app runs', { initContainers: [sidecar], containers: [app] }, [1, 'runs'], ['sidecar'], [], 'Running'],
    ['who is sent to look at it starts whatever the others do', { initContainers: [init], containers: [app], ephemeralContainers: [{ name: 'debugger' }] }, ['runs'], ['debugger'], [], 'Pending'],
    ['and only once', { containers: [app], ephemeralContainers: [{ name: 'debugger' }] }, ['ready', 1], [], [], 'Running'],
    ['and goes with the work', { containers: [app], restartPolicy: 'Never', ephemeralContainers: [{ name: 'debugger' }] }, [0, 'runs'], [], ['debugger'], 'Succeeded'],
    ['a rule of the container decides', { containers: [{ ...app, restartPolicy: 'Never', restartPolicyRules: [{ action: 'Restart', exitCodes: { operator: 'In', values: [42] } }] }], restartPolicy: 'Never' }, [42], ['app'], [], 'Running'],
  ]
  for (const [name, spec, doing, start, stop, phase] of table) {
    const pod = podOf(spec)
    const records = after(pod, ...doing)
    const plan = planPod(pod, records, NOW)
    t.same([plan.start.map((r) => r.name), plan.stop.map((r) => r.name), podPhase(pod, records)], [start, stop, phase], name)
  }
})

t.test('a container that fails again and again waits longer and longer', async (t) => {
  const pod = podOf({ containers: [app] })
  const [record] = after(pod, 1)
  if (!record) throw new Error('no record')
  const waits = [0, 1, 2, 3, 6, 20].map((restarts) => backOffMs({ ...record, restartCount: restarts }))
  t.same(waits, [0, 10_000, 20_000, 40_000, 300_000, 300_000])
  record.restartCount = 2
  const plan = planPod(pod, [record], NOW + 5000)
  t.same([plan.start, plan.backOff.map((b) => [b.record.name, b.untilMs - NOW])], [[], [['app', 20_000]]])
  t.same(planPod(pod, [record], NOW + 20_000).start, [record])
})

t.test('conditions in the words of the kubelet', async (t) => {
  const says = (spec: Partial<Pod['spec']>, ...doing: Doing[]) => {
    const pod = podOf(spec)
    const records = after(pod, ...doing)
    const conditions = podConditions({ pod, records, phase: podPhase(pod, records), hasSandbox: true, now: 'now', inFull: false })
    return Object.fromEntries(conditions.map((c) => [c.type, [c.status, c.reason, c.message].filter(Boolean).join(' ')]))
  }
  t.same(says({ initContainers: [init], containers: [app] }, 'runs'), {
    Initialized: 'False ContainersNotInitialized containers with incomplete status: [init]',
    Ready: 'False ContainersNotReady containers with unready status: [app]',
    ContainersReady: 'False ContainersNotReady containers with unready status: [app]',
  })
  t.same(says({ containers: [app, app2] }, 'ready', 'ready'), { Initialized: 'True', Ready: 'True', ContainersReady: 'True' })
  t.same(says({ containers: [app], restartPolicy: 'Never' }, 0), { Initialized: 'True PodCompleted', Ready: 'False PodCompleted', ContainersReady: 'False PodCompleted' })
  t.same(says({ containers: [app], restartPolicy: 'Never' }, 3), { Initialized: 'True', Ready: 'False PodFailed', ContainersReady: 'False PodFailed' })
  t.same(says({ containers: [app], readinessGates: [{ conditionType: 'x/y' }] }, 'ready').Ready, 'False ReadinessGatesNotReady corresponding condition of pod readiness gate "x/y" does not exist.')
})

t.test('a pod that is taken up again is what it was', async (t) => {
  const spec = { initContainers: [init, sidecar], containers: [app, app2] }
  const pod = podOf(spec)
  const records = after(pod, 0, 'ready', 'ready', 1)
  const crashed = records[3]
  if (crashed) crashed.waiting = { reason: 'CrashLoopBackOff', message: 'back-off' }
  const status = podStatus({ pod, records, now: '2026-01-01T00:00:00Z', podIPs: ['10.0.0.1'], hostIPs: ['172.18.0.2'], inFull: true })
  t.match(status.containerStatuses?.[1], { state: { waiting: { reason: 'CrashLoopBackOff' } }, lastState: { terminated: { exitCode: 1 } } })
  const again: Pod = { ...pod, status }
  t.same(podStatus({ pod: again, records: newRecords(again), now: '2026-02-02T00:00:00Z', podIPs: ['10.0.0.1'], hostIPs: ['172.18.0.2'], inFull: true }), status)
})
