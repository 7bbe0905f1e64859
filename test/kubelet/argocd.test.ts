/** Argo CD's parts as its manifests have them: each waits for a Secret that another makes. */
import t from 'tap'
import type { Pod, Secret } from '../../schemas/types.ts'
import { eventually, Kubectl, startTestCluster } from '../helpers/cluster.ts'

const k = new Kubectl('1.36', await startTestCluster(t, { nodes: 1 }))
const IMAGE = 'quay.io/argoproj/argocd:v2.13.1'
const secured = 'securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, runAsNonRoot: true}'

t.test('comes up', async (t) => {
  await k.apply(`
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: argocd}
rules: [{apiGroups: [''], resources: [secrets], verbs: [create, get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: argocd}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: argocd}
subjects: [{kind: ServiceAccount, name: default}]
---
apiVersion: v1
kind: Pod
metadata: {name: redis}
spec:
  initContainers:
    - {name: secret-init, image: '${IMAGE}', command: [argocd, admin, redis-initial-password], ${secured}}
  containers:
    - {name: redis, image: 'redis:7.0.15-alpine', args: [--save, '', --requirepass, $(REDIS_PASSWORD)], env: [{name: REDIS_PASSWORD, valueFrom: {secretKeyRef: {name: argocd-redis, key: auth}}}]}
---
apiVersion: v1
kind: Pod
metadata: {name: server}
spec:
  volumes: [{name: shared, emptyDir: {}}]
  initContainers:
    - {name: copyutil, image: '${IMAGE}', command: [/bin/cp, -n, /usr/local/bin/argocd, /shared/argocd-dex], ${secured}, volumeMounts: [{name: shared, mountPath: /shared}]}
  containers:
    - name: server
      image: ${IMAGE}
      args: [/usr/local/bin/argocd-server]
      env: [{name: REDIS_PASSWORD, valueFrom: {secretKeyRef: {name: argocd-redis, key: auth}}}]
      ports: [{containerPort: 8080}]
      readinessProbe: {httpGet: {path: /healthz, port: 8080}, periodSeconds: 1}
      ${secured}
    - name: dex
      image: ghcr.io/dexidp/dex:v2.41.1
      command: [/shared/argocd-dex, rundex]
      ports: [{containerPort: 5558}]
      readinessProbe: {httpGet: {path: /healthz/live, port: 5558}, periodSeconds: 1}
      ${secured}
      volumeMounts: [{name: shared, mountPath: /shared}]
`)
  await k.run('wait pod --all --for=condition=Ready --timeout=60s')
  t.match(await k.run('logs redis -c secret-init'), /Password secret is configured properly\.\n$/)
  const { data } = await eventually(() => k.json<Secret>('get secret argocd-initial-admin-secret'))
  t.match(Buffer.from(data?.password ?? '', 'base64').toString(), /^[\w+/]{16}\n?$/)
  t.same((await k.json<Pod>('get pod server')).status?.containerStatuses?.map((c) => c.restartCount), [0, 0])
})
