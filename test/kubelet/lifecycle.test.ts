/** Probes that cannot be performed, hooks, and the order in which the containers of a pod end. */
import t from 'tap'
import type { Event, Pod } from '../../schemas/types.ts'
import { eventually, Kubectl, startTestCluster } from '../helpers/cluster.ts'

const PODS = `
apiVersion: v1
kind: Pod
metadata: {name: probed}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: main
    image: busybox
    command: [sleep, inf]
    env: [{name: WORD, value: 'true'}, {name: NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]
    readinessProbe: {exec: {command: [sh, -c, 'test "$(WORD)$(NAME)" = true']}, periodSeconds: 1}
    livenessProbe: {exec: {command: [nothing]}, periodSeconds: 1, failureThreshold: 1}
  - name: other
    image: busybox
    command: [sleep, inf]
    startupProbe: {tcpSocket: {port: unknown}, periodSeconds: 1, failureThreshold: 1}
---
apiVersion: v1
kind: Pod
metadata: {name: hooked}
spec:
  terminationGracePeriodSeconds: 5
  containers:
  - name: main
    image: registry.k8s.io/e2e-test-images/agnhost:2.59
    args: [netexec]
    lifecycle:
      postStart: {httpGet: {port: 8080, path: /nothing-at-all}}
      preStop: {tcpSocket: {port: 8080}}
---
apiVersion: v1
kind: Pod
metadata: {name: ordered}
spec:
  restartPolicy: Never
  initContainers:
  - {name: first, image: busybox, restartPolicy: Always, command: [sh, -c, 'trap "sleep 2; exit 0" TERM; sleep inf & wait']}
  - {name: second, image: busybox, restartPolicy: Always, command: [sh, -c, 'trap "sleep 2; exit 0" TERM; sleep inf & wait']}
  containers: [{name: main, image: busybox, command: [sleep, '1']}]
`

t.test('with kubectl', async (t) => {
  const k = new Kubectl('1.36', await startTestCluster(t, { nodes: 1 }))
  await k.apply(PODS)
  const eventOf = (name: string, matches: (event: Event) => boolean) =>
    eventually(async () => (await k.json<{ items: Event[] }>(`get events --field-selector involvedObject.name=${name}`)).items.find(matches) ?? false)
  const liveness = await eventOf('probed', (e) => /^Liveness probe/.test(e.message ?? ''))
  t.match(liveness, { type: 'Warning', reason: 'Unhealthy', message: /^Liveness probe errored and resulted in unknown state: rpc error: code = Unknown desc = failed to exec in container: .*"nothing": executable file not found in \$PATH/ })
  const startup = await eventOf('probed', (e) => /^Startup probe/.test(e.message ?? ''))
  t.equal(startup.message, 'Startup probe errored and resulted in unknown state: strconv.Atoi: parsing "unknown": invalid syntax')
  const main = await eventually(async () => (await k.json<Pod>('get pod probed')).status?.containerStatuses?.find((c) => c.name === 'main' && c.ready) ?? false)
  t.equal(main.restartCount, 0, 'what could not be asked does not count')

  await k.run('wait pod/hooked --for=condition=Ready --timeout=60s')
  t.equal((await k.json<Pod>('get pod hooked')).status?.containerStatuses?.[0]?.restartCount, 0, 'any answer is a good one')
  await k.run('delete pod hooked')
  t.equal((await eventOf('hooked', (e) => e.reason === 'FailedPreStopHook')).message, 'PreStopHook failed')

  const { status } = await eventually(async () => { const pod = await k.json<Pod>('get pod ordered'); return pod.status?.phase === 'Succeeded' && pod })
  const [first = '', second = ''] = ['first', 'second'].map((name) => status?.initContainerStatuses?.find((c) => c.name === name)?.state?.terminated?.finishedAt)
  t.ok(second < first, `the last sidecar ends first: ${second}, ${first}`)
  t.match(status?.conditions?.find((c) => c.type === 'PodReadyToStartContainers'), { status: 'False' })
})
