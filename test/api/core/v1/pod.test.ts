import t from 'tap'
import { checkRefusals, checkUpdateRefusals, stored } from '../../../helpers/refusals.ts'
import { startApi } from '../../../helpers/in-process-api.ts'

const POD = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'a', namespace: 'default' },
  spec: { containers: [{ name: 'c', image: 'app:1' }], volumes: [{ name: 'data', emptyDir: {} }] },
}
const LABEL = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
const SIDECARS_ONLY = 'Forbidden: may not be set for init containers without restartPolicy=Always'
const UPDATABLE =
  '`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)'

t.test('what is filled in', async (t) => {
  const { spec, status, metadata } = await stored(t, {
    ...POD,
    spec: {
      containers: [{ name: 'c', image: 'app', ports: [{ containerPort: 80 }], livenessProbe: { httpGet: { port: 80 } }, resources: { limits: { cpu: '1' } } }],
      volumes: [{ name: 's', secret: { secretName: 'x' } }, { name: 'plain' }],
    },
  })
  t.same(spec, {
    volumes: [{ name: 's', secret: { secretName: 'x', defaultMode: 0o644 } }, { name: 'plain', emptyDir: {} }],
    containers: [
      {
        name: 'c',
        image: 'app',
        ports: [{ containerPort: 80, protocol: 'TCP' }],
        resources: { limits: { cpu: '1' }, requests: { cpu: '1' } },
        livenessProbe: { httpGet: { path: '/', port: 80, scheme: 'HTTP' }, timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 },
        terminationMessagePath: '/dev/termination-log',
        terminationMessagePolicy: 'File',
        imagePullPolicy: 'Always',
      },
    ],
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    securityContext: {},
    schedulerName: 'default-scheduler',
    enableServiceLinks: true,
  })
  t.same(status, { phase: 'Pending', qosClass: 'Burstable' })
  t.match(metadata, { generation: 1 })
})

t.test('the port of a host network is the host’s', async (t) => {
  const { spec } = await stored(t, { ...POD, spec: { hostNetwork: true, containers: [{ name: 'c', image: 'app:1', ports: [{ containerPort: 80 }] }] } })
  t.match(spec, { containers: [{ ports: [{ containerPort: 80, hostPort: 80 }] }] })
})

t.test('a gated pod tells so', async (t) => {
  const { status } = await stored(t, { ...POD, spec: { ...POD.spec, schedulingGates: [{ name: 'x.io/wait' }] } })
  t.match(status, { conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }] })
})

t.test('what is refused', (t) =>
  checkRefusals(t, POD, [
    ['no container', { 'spec.containers': [] }, 'spec.containers: Required value'],
    ['no image', { 'spec.containers[0].image': undefined }, 'spec.containers[0].image: Required value'],
    ['a name twice', { 'spec.containers[1]': { name: 'c', image: 'app:1' } }, 'spec.containers[1].name: Duplicate value: "c"'],
    ['a bad name', { 'spec.containers[0].name': 'A' }, `spec.containers[0].name: Invalid value: "A": ${LABEL}`],
    ['an unknown volume', { 'spec.containers[0].volumeMounts': [{ name: 'x', mountPath: '/x' }] }, 'spec.containers[0].volumeMounts[0].name: Not found: "x"'],
    ['a path that leaves', { 'spec.containers[0].volumeMounts': [{ name: 'data', mountPath: '/x', subPath: '../y' }] }, 'spec.containers[0].volumeMounts.subPath: Invalid value: "../y": must not contain \'..\''],
    ['two volumes in one', { 'spec.volumes[0].hostPath': { path: '/x' } }, 'spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type'],
    ['no port in a probe', { 'spec.containers[0].livenessProbe': { tcpSocket: { port: 0 } } }, 'spec.containers[0].livenessProbe.tcpSocket.port: Invalid value: 0: must be between 1 and 65535, inclusive'],
    ['a probe of nothing', { 'spec.containers[0].readinessProbe': { periodSeconds: 1 } }, 'spec.containers[0].readinessProbe: Required value: must specify a handler type'],
    ['a probe of an init container', { 'spec.initContainers[0]': { name: 'i', image: 'app:1', livenessProbe: { exec: { command: ['x'] } } } }, `spec.initContainers[0].livenessProbe: ${SIDECARS_ONLY}`],
    ['more asked for than allowed', { 'spec.containers[0].resources': { requests: { cpu: '2' }, limits: { cpu: '1' } } }, 'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1'],
    ['a host port twice', { 'spec.containers[0].ports': [{ hostPort: 1, containerPort: 1 }, { hostPort: 1, containerPort: 2 }] }, 'spec.containers[0].ports[1].hostPort: Duplicate value: "TCP//1"'],
    ['a policy that is none', { 'spec.restartPolicy': 'Sometimes' }, 'spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"'],
    ['a toleration of nothing', { 'spec.tolerations': [{ operator: 'Equal', value: 'x' }] }, "spec.tolerations[0].operator: Invalid value: \"Equal\": operator must be Exists when `key` is empty, which means \"match all values and all keys\""],
    ['privilege', { 'spec.containers[0].securityContext': { privileged: true } }, 'spec.containers[0].securityContext.privileged: Forbidden: disallowed by cluster policy'],
    ['an ephemeral container', { 'spec.ephemeralContainers': [{ name: 'e', image: 'x' }] }, 'spec.ephemeralContainers: Forbidden: cannot be set on create'],
  ]))

t.test('what may change', (t) =>
  checkUpdateRefusals(t, { ...POD, spec: { ...POD.spec, activeDeadlineSeconds: 10 } }, [
    ['the image', { 'spec.containers[0].image': 'app:2' }],
    ['a shorter deadline', { 'spec.activeDeadlineSeconds': 5 }],
    ['a longer deadline', { 'spec.activeDeadlineSeconds': 20 }, 'spec.activeDeadlineSeconds: Invalid value: 20: must be less than or equal to previous value'],
    ['one more toleration', { 'spec.tolerations': [{ key: 'x', operator: 'Exists' }] }],
    ['the node', { 'spec.nodeName': 'n' }, `spec: Forbidden: pod updates may not change fields other than ${UPDATABLE}\n@@ -79,7 +79,7 @@\n  "NodeSelector": null,\n  "ServiceAccountName": "",\n  "AutomountServiceAccountToken": null,\n- "NodeName": "",\n+ "NodeName": "n",\n  "SecurityContext": {\n   "HostNetwork": false,\n   "HostPID": false,\n`],
    ['another container', { 'spec.containers[1]': { name: 'd', image: 'x' } }, 'spec.containers: Forbidden: pod updates may not add or remove containers'],
  ]))

t.test('gates are only taken away, and allow a closer choice of nodes', (t) =>
  checkUpdateRefusals(t, { ...POD, spec: { ...POD.spec, schedulingGates: [{ name: 'x.io/a' }], nodeSelector: { disk: 'ssd' } } }, [
    ['away', { 'spec.schedulingGates': [] }],
    ['one more', { 'spec.schedulingGates[1]': { name: 'x.io/b' } }, "spec.schedulingGates[1].name: Forbidden: only deletion is allowed, but found new scheduling gate 'x.io/b'"],
    ['one more label', { 'spec.nodeSelector': { disk: 'ssd', zone: 'z' } }],
    ['another label', { 'spec.nodeSelector': { disk: 'hdd' } }, 'spec.nodeSelector: Invalid value: {"disk":"hdd"}: only additions to spec.nodeSelector are allowed (no mutations or deletions)'],
  ]))

t.test('subresources change their part alone', async (t) => {
  const { create, update, refusedUpdate } = await startApi(t)
  const pod = await create({ ...POD, spec: { ...POD.spec, containers: [{ name: 'c', image: 'app:1', resources: { requests: { cpu: '1' } } }] } })
  const status = await update(pod, (p) => void Object.assign(p, { spec: { containers: [] }, status: { phase: 'Running' } }), { subresource: 'status' })
  t.match(status, { spec: { containers: [{ name: 'c' }] }, status: { phase: 'Running', qosClass: 'Burstable' }, metadata: { generation: 1 } })
  const debugged = await update(status, (p) => void Object.assign(p, { spec: { ephemeralContainers: [{ name: 'e', image: 'debug' }] } }), { subresource: 'ephemeralcontainers' })
  t.match(debugged, { spec: { containers: [{ name: 'c' }], ephemeralContainers: [{ name: 'e', imagePullPolicy: 'Always' }] }, metadata: { generation: 2 } })
  t.match(await refusedUpdate(debugged, (p) => void Object.assign(p, { spec: {} }), { subresource: 'ephemeralcontainers' }), ['spec.ephemeralContainers: Forbidden: existing ephemeral containers "e" may not be removed\n'])
  const resized = await update(debugged, (p) => void Object.assign(p, { spec: { containers: [{ name: 'c', image: 'app:9', resources: { requests: { cpu: '2' } } }] } }), { subresource: 'resize' })
  t.match(resized, { spec: { containers: [{ image: 'app:1', resources: { requests: { cpu: '2' } } }] }, metadata: { generation: 3 } })
  const gone = (p: object) => void Object.assign(p, { spec: { containers: [{ name: 'c', image: 'app:1' }] } })
  t.match(await refusedUpdate(resized, gone, { subresource: 'resize' }), ['spec: Invalid value: "Burstable": Pod QOS Class may not change as a result of resizing', /resource requests cannot be removed/])
})
