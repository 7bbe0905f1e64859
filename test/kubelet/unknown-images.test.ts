/** Images that no file tells of: nobody knows what is in them, so what is asked of them is taken to go well. */
import t from 'tap'
import type { Job, Pod } from '../../schemas/types.ts'
import { eventually, Kubectl, startTestCluster } from '../helpers/cluster.ts'

const k = new Kubectl('1.36', await startTestCluster(t, { nodes: 1 }))

const manifest = `
apiVersion: v1
kind: Pod
metadata: {name: manager}
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - name: manager
      image: registry.example.com/manager:1.0
      command: [/manager, --leader-elect]
      ports: [{name: webhook, containerPort: 8443}]
      livenessProbe: {httpGet: {path: /healthz, port: 10254}, periodSeconds: 1, failureThreshold: 1}
      readinessProbe: {exec: {command: [manager_is_ready, --now]}, periodSeconds: 1}
      startupProbe: {tcpSocket: {port: webhook}, periodSeconds: 1}
      lifecycle: {preStop: {exec: {command: [/wait-shutdown]}}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: certificates}
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      containers: [{name: create, image: 'registry.example.com/certgen:1.5', command: [/certgen], args: [create]}]
---
apiVersion: v1
kind: Pod
metadata: {name: secure}
spec:
  securityContext: {runAsNonRoot: true}
  terminationGracePeriodSeconds: 1
  volumes: [{name: bin, emptyDir: {}}]
  initContainers:
    - name: copy
      image: registry.example.com/tools:1.0
      command: [sh, -c, 'cp -r /tools/. /bin2 && /bin/cp -n /usr/local/bin/tool /bin2/tool && ! cp /bin2/none /tmp/none && id -u']
      volumeMounts: [{name: bin, mountPath: /bin2}]
  containers:
    - name: server
      image: registry.example.com/server:1.0
      command: [/bin2/tool, serve]
      ports: [{containerPort: 8443}]
      readinessProbe: {httpGet: {path: /readyz, port: 8443, scheme: HTTPS}, periodSeconds: 1, failureThreshold: 1}
      livenessProbe: {grpc: {port: 9090}, periodSeconds: 1, failureThreshold: 1}
      startupProbe: {httpGet: {path: /, port: 8443}, periodSeconds: 1}
      volumeMounts: [{name: bin, mountPath: /bin2}]
---
apiVersion: v1
kind: Pod
metadata: {name: known}
spec:
  restartPolicy: Never
  containers: [{name: main, image: 'busybox:1.37', command: [/manager]}]
`

t.test('commands, probes and hooks of an unknown image', async (t) => {
  await k.apply(manifest)
  await k.run('wait pod/manager --for=condition=Ready --timeout=30s')
  await k.run('wait job/certificates --for=condition=Complete --timeout=30s')
  t.match(await k.run('logs manager'), /^Orrery knows no image registry\.example\.com\/manager:1\.0: it runs nothing/, 'and its log says so')
  t.equal(await k.run('exec manager -- psql --version'), 'Orrery knows no image registry.example.com/manager:1.0: psql is taken to have succeeded\n')
  t.equal((await k.json<Pod>('get pod manager')).status?.containerStatuses?.[0]?.restartCount, 0)
  t.equal((await k.json<Job>('get job certificates')).status?.succeeded, 1)
  await k.run('delete pod manager')
})

t.test('one that must not be root, copies its programs and speaks TLS and gRPC', async (t) => {
  await k.run('wait pod/secure --for=condition=Ready --timeout=30s')
  const log = await k.run('logs secure -c copy')
  t.match(log, /: \/usr\/local\/bin\/tool is taken to have been copied\n/)
  t.match(log, /cp: can't stat '\/bin2\/none': No such file or directory\n65532\n$/, 'what is in a volume is known')
  t.equal((await k.json<Pod>('get pod secure')).status?.containerStatuses?.[0]?.restartCount, 0)
})

t.test('webhooks of one are taken to allow and to convert', async (t) => {
  await k.apply(`
apiVersion: v1
kind: Service
metadata: {name: webhooks}
spec: {selector: {app: webhooks}, ports: [{port: 443, targetPort: 9443}]}
---
apiVersion: v1
kind: Pod
metadata: {name: webhooks, labels: {app: webhooks}}
spec:
  terminationGracePeriodSeconds: 1
  containers: [{name: manager, image: 'registry.example.com/manager:1.0', ports: [{containerPort: 9443}]}]
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Thing, plural: things}
  conversion: {strategy: Webhook, webhook: {conversionReviewVersions: [v1], clientConfig: {service: {name: webhooks, namespace: default, path: /convert}}}}
  versions:
    - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
    - {name: v2, served: true, storage: false, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: things}
webhooks:
  - name: things.example.com
    admissionReviewVersions: [v1]
    sideEffects: None
    rules: [{apiGroups: [example.com], apiVersions: ['*'], operations: ['*'], resources: [things]}]
    clientConfig: {service: {name: webhooks, namespace: default, path: /validate}}
`)
  await k.run('wait pod/webhooks --for=condition=Ready --timeout=30s')
  await eventually(() => k.apply('{apiVersion: example.com/v1, kind: Thing, metadata: {name: one}, spec: {size: 1}}'))
  t.match(await eventually(() => k.json('get things.v2.example.com one')), { apiVersion: 'example.com/v2', spec: { size: 1 } })
  t.match(await k.run('logs webhooks'), /manager:1\.0: a request of \/validate\?timeout=10s \(AdmissionReview\) is taken to go well\n[^]*\/convert\?timeout=30s \(ConversionReview\)/)
  await k.run('delete validatingwebhookconfiguration,crd --all --wait=false')
})

t.test('a known image has what it has', async (t) => {
  const { status } = await eventually(async () => {
    const pod = await k.json<Pod>('get pod known')
    return pod.status?.containerStatuses?.[0]?.state?.terminated || pod.status?.containerStatuses?.[0]?.lastState?.terminated ? pod : false
  })
  t.match(JSON.stringify(status), 'stat /manager: no such file or directory')
})
