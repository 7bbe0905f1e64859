import t from 'tap'
import type { ContainerStatus, Pod, PodSpec, PodStatus } from '../../../../schemas/types.ts'
import { podRowConditions, summarizePod } from '../../../../api/core/v1/_pod-columns.ts'

const spec: PodSpec = { containers: [{ name: 'c' }], initContainers: [{ name: 'i' }, { name: 's', restartPolicy: 'Always' }] }
const running = (more: ContainerStatus = {}): ContainerStatus => ({ name: 'c', ready: true, restartCount: 0, state: { running: {} }, ...more })
const ended = (exitCode: number, reason?: string): ContainerStatus => ({ name: 'c', restartCount: 0, state: { terminated: { exitCode, ...(reason ? { reason } : {}) } } })
const waiting = (reason: string): ContainerStatus => ({ name: 'c', restartCount: 0, state: { waiting: { reason } } })
const readyCondition = { type: 'Ready', status: 'True' }

function pod(status: PodStatus, { deleted = false, spec: own = { containers: [{ name: 'c' }] } }: { deleted?: boolean; spec?: PodSpec } = {}): Pod {
  return { metadata: { name: 'a', ...(deleted ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}) }, spec: own, status }
}

t.test('STATUS, READY and RESTARTS', (t) => {
  const cases: [name: string, pod: Pod, status: string, ready: string, restarts: number][] = [
    ['the phase', pod({ phase: 'Pending' }), 'Pending', '0/1', 0],
    ['gated', pod({ phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }] }), 'SchedulingGated', '0/1', 0],
    ['a reason of the pod', pod({ phase: 'Failed', reason: 'Evicted' }), 'Evicted', '0/1', 0],
    ['running', pod({ phase: 'Running', conditions: [readyCondition], containerStatuses: [running({ restartCount: 2 })] }), 'Running', '1/1', 2],
    ['waiting', pod({ phase: 'Running', containerStatuses: [waiting('CrashLoopBackOff')] }), 'CrashLoopBackOff', '0/1', 0],
    ['ended for a reason', pod({ phase: 'Failed', containerStatuses: [ended(1, 'Error')] }), 'Error', '0/1', 0],
    ['ended by its own', pod({ phase: 'Failed', containerStatuses: [ended(3)] }), 'ExitCode:3', '0/1', 0],
    ['one is done, one runs', pod({ phase: 'Running', conditions: [readyCondition], containerStatuses: [ended(0, 'Completed'), running()] }, { spec: { containers: [{ name: 'c' }, { name: 'd' }] } }), 'Running', '1/2', 0],
    ['one is done, one runs, and it is not ready', pod({ phase: 'Running', containerStatuses: [ended(0, 'Completed'), running()] }, { spec: { containers: [{ name: 'c' }, { name: 'd' }] } }), 'NotReady', '1/2', 0],
    ['initialising', pod({ phase: 'Pending', initContainerStatuses: [{ ...running(), name: 'i' }] }, { spec }), 'Init:0/2', '0/2', 0],
    ['a broken beginning', pod({ phase: 'Pending', initContainerStatuses: [{ ...ended(1), name: 'i', restartCount: 4 }] }, { spec }), 'Init:ExitCode:1', '0/2', 4],
    ['a sidecar before the rest', pod({ phase: 'Pending', initContainerStatuses: [{ ...ended(0), name: 'i' }, { ...running({ started: true }), name: 's' }], containerStatuses: [waiting('PodInitializing')] }, { spec }), 'PodInitializing', '1/2', 0],
    ['going', pod({ phase: 'Running', containerStatuses: [running()] }, { deleted: true }), 'Terminating', '1/1', 0],
    ['going, over', pod({ phase: 'Succeeded', containerStatuses: [ended(0, 'Completed')] }, { deleted: true }), 'Completed', '0/1', 0],
    ['going, its node lost', pod({ phase: 'Running', reason: 'NodeLost' }, { deleted: true }), 'Unknown', '0/1', 0],
  ]
  for (const [name, object, status, ready, restarts] of cases) {
    const found = summarizePod(object)
    t.same([found.status, found.ready, found.restarts], [status, ready, restarts], name)
  }
  t.end()
})

t.test('rows of finished pods are marked', (t) => {
  t.same(podRowConditions(pod({ phase: 'Running' })), [])
  t.match(podRowConditions(pod({ phase: 'Succeeded' })), [{ type: 'Completed', status: 'True', reason: 'Succeeded' }])
  t.match(podRowConditions(pod({ phase: 'Failed' })), [{ type: 'Completed', status: 'True', reason: 'Failed' }])
  t.end()
})
