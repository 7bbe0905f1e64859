/** What Helm charts of databases, monitoring and web applications commonly ask for comes up Ready, and goes on when it is changed. */
import t from 'tap'
import { Kubectl, eventually, startTestCluster } from '../helpers/cluster.ts'

const k = new Kubectl('1.36', await startTestCluster(t, { nodes: 2 }))
const rolledOut = (...names: string[]) => Promise.all(names.map(async (name) => t.match(await k.run(`rollout status ${name} --timeout=90s`), /rolled out|complete/, name)))
const sh = (target: string, script: string) => k.run(['exec', target, '--', 'sh', '-c', script])

t.test('a redis with replicas: scripts of ConfigMaps as probes, passwords as files, users of their own', async () => {
  await k.apply(`
apiVersion: v1
kind: Secret
metadata: {name: redis}
stringData: {redis-password: s3cret}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: redis-health}
data:
  ping_readiness_local.sh: |
    #!/bin/bash
    [[ -f $REDIS_PASSWORD_FILE ]] && export REDIS_PASSWORD="$(< "\${REDIS_PASSWORD_FILE}")"
    [[ -n "$REDIS_PASSWORD" ]] && export REDISCLI_AUTH="$REDIS_PASSWORD"
    response=$(timeout -s 15 $1 redis-cli -h localhost -p $REDIS_PORT ping)
    if [ "$?" -eq "124" ]; then
      echo "Timed out"
      exit 1
    fi
    if [ "$response" != "PONG" ]; then
      echo "$response"
      exit 1
    fi
---
apiVersion: v1
kind: Service
metadata: {name: redis-headless}
spec: {clusterIP: None, publishNotReadyAddresses: true, selector: {app: redis}, ports: [{name: tcp-redis, port: 6379, targetPort: redis}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: redis}
spec:
  serviceName: redis-headless
  replicas: 2
  selector: {matchLabels: {app: redis}}
  template:
    metadata: {labels: {app: redis}, annotations: {checksum/config: abc}}
    spec:
      automountServiceAccountToken: false
      securityContext: {fsGroup: 1001, fsGroupChangePolicy: Always}
      affinity: {podAntiAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, podAffinityTerm: {labelSelector: {matchLabels: {app: redis}}, topologyKey: kubernetes.io/hostname}}]}}
      initContainers:
        - {name: volume-permissions, image: busybox, securityContext: {runAsUser: 0}, command: [/bin/sh, -ec, 'chown -R 1001:1001 /data'], volumeMounts: [{name: redis-data, mountPath: /data}]}
      containers:
        - name: redis
          image: redis:8
          securityContext: {runAsUser: 1001, runAsNonRoot: true, allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
          env: [{name: REDIS_PORT, value: '6379'}, {name: REDIS_PASSWORD_FILE, value: /secrets/redis-password}]
          ports: [{name: redis, containerPort: 6379}]
          startupProbe: {tcpSocket: {port: redis}, periodSeconds: 1, failureThreshold: 30}
          readinessProbe: {exec: {command: [sh, -c, /health/ping_readiness_local.sh 1]}, periodSeconds: 1, timeoutSeconds: 5}
          volumeMounts: [{name: redis-data, mountPath: /data}, {name: health, mountPath: /health}, {name: secrets, mountPath: /secrets}, {name: tmp, mountPath: /tmp, subPath: tmp-dir}]
      volumes: [{name: health, configMap: {name: redis-health, defaultMode: 493}}, {name: secrets, secret: {secretName: redis}}, {name: tmp, emptyDir: {}}]
  volumeClaimTemplates: [{metadata: {name: redis-data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 8Gi}}}}]
`)
  await rolledOut('statefulset/redis')
  t.equal(await sh('redis-0', 'touch /data/x && stat -c %u:%g /data/x; touch /x 2>/dev/null || echo sealed; nc -z redis-1.redis-headless 6379 && echo reached'), '1001:0\nsealed\nreached\n')
})

t.test('a postgres with scripts for its first start, and an application that waits for it', async () => {
  await k.apply(`
apiVersion: v1
kind: Service
metadata: {name: postgres}
spec: {selector: {app: postgres}, ports: [{port: 5432}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: postgres}
spec:
  serviceName: postgres
  selector: {matchLabels: {app: postgres}}
  template:
    metadata: {labels: {app: postgres}}
    spec:
      containers:
        - name: postgres
          image: postgres:17
          env: [{name: POSTGRES_USER, value: app}, {name: POSTGRES_DB, value: app}, {name: POSTGRES_PASSWORD, value: pw}, {name: PGDATA, value: /var/lib/postgresql/data/pgdata}]
          ports: [{name: tcp-postgresql, containerPort: 5432}]
          livenessProbe: {exec: {command: [/bin/sh, -c, exec pg_isready -U "app" -d "dbname=app" -h 127.0.0.1 -p 5432]}, periodSeconds: 1}
          readinessProbe: {exec: {command: [/bin/sh, -c, -e, 'exec pg_isready -U "app" -d "dbname=app" -h 127.0.0.1 -p 5432']}, periodSeconds: 1}
          volumeMounts: [{name: data, mountPath: /var/lib/postgresql/data}]
  volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}]
---
apiVersion: batch/v1
kind: Job
metadata: {name: migrate}
spec:
  backoffLimit: 6
  template:
    spec:
      restartPolicy: OnFailure
      initContainers: [{name: wait, image: busybox, command: [sh, -c, 'until nc -z postgres 5432; do sleep 0.5; done']}]
      containers: [{name: migrate, image: registry.example.com/team/app:1.0, command: [./manage, migrate]}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: app}
spec:
  selector: {matchLabels: {app: app}}
  template:
    metadata: {labels: {app: app}}
    spec:
      initContainers: [{name: wait-for-db, image: 'postgres:17', command: [sh, -c, 'until pg_isready -h postgres -p 5432; do sleep 0.5; done']}]
      containers:
        - name: app
          image: registry.example.com/team/app:1.0
          envFrom: [{configMapRef: {name: nothing, optional: true}}]
          ports: [{name: http, containerPort: 3000}]
          livenessProbe: {httpGet: {path: /healthz, port: http}, periodSeconds: 1}
          readinessProbe: {httpGet: {path: /readyz, port: http}, periodSeconds: 1}
`)
  await rolledOut('statefulset/postgres', 'deployment/app')
  t.match(await k.run('wait job/migrate --for=condition=Complete --timeout=60s'), /met/)
  t.match(await k.run('logs deployment/app -c wait-for-db'), /postgres:5432 - accepting connections/)
})

t.test('monitoring: a client of the API in a pod, and a sidecar that sees its configuration change', async () => {
  await k.apply(`
apiVersion: v1
kind: ServiceAccount
metadata: {name: state}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: state}
rules: [{apiGroups: [''], resources: [pods, nodes], verbs: [list, watch]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: state}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: state}
subjects: [{kind: ServiceAccount, name: state, namespace: default}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: rules}
data: {rules.yml: "version: one\\n"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: monitor}
spec:
  selector: {matchLabels: {app: monitor}}
  template:
    metadata: {labels: {app: monitor}, annotations: {prometheus.io/scrape: 'true'}}
    spec:
      serviceAccountName: state
      containers:
        - name: server
          image: quay.io/prometheus/prometheus:v3.4.0
          args: [--config.file=/etc/config/rules.yml]
          ports: [{containerPort: 9090}]
          readinessProbe: {httpGet: {path: /-/ready, port: 9090}, periodSeconds: 1}
          livenessProbe: {httpGet: {path: /-/healthy, port: 9090}, periodSeconds: 1}
          volumeMounts: [{name: rules, mountPath: /etc/config}]
        - name: reload
          image: alpine
          command: [sh, -c, 'seen=""; while true; do now=$(md5sum < /etc/config/rules.yml); [ "$now" = "$seen" ] || { echo "reload $(cat /etc/config/rules.yml)"; seen=$now; }; sleep 0.2; done']
          volumeMounts: [{name: rules, mountPath: /etc/config, readOnly: true}]
        - name: state
          image: curlimages/curl
          command: [sh, -c, 'T=/var/run/secrets/kubernetes.io/serviceaccount; while true; do curl -s --cacert $T/ca.crt -H "Authorization: Bearer $(cat $T/token)" https://$KUBERNETES_SERVICE_HOST/api/v1/nodes | grep -c "\\"kind\\": *\\"Node\\"\\|podCIDR\\"" ; sleep 1; done']
      volumes: [{name: rules, configMap: {name: rules}}]
`)
  await rolledOut('deployment/monitor')
  t.ok(await eventually(async () => /^reload version: one$/m.test(await k.run('logs deployment/monitor -c reload'))))
  await k.run(['patch', 'configmap', 'rules', '-p', '{"data":{"rules.yml":"version: two\\n"}}'])
  t.ok(await eventually(async () => /^reload version: two$/m.test(await k.run('logs deployment/monitor -c reload'))))
  t.ok(await eventually(async () => /^[1-9]/m.test(await k.run('logs deployment/monitor -c state'))), 'it lists nodes')
})

t.test('an agent on every node: its files, its network, its port', async () => {
  await k.apply(`
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: node-exporter}
spec:
  selector: {matchLabels: {app: node-exporter}}
  template:
    metadata: {labels: {app: node-exporter}}
    spec:
      hostNetwork: true
      hostPID: true
      tolerations: [{operator: Exists, effect: NoSchedule}]
      containers:
        - name: node-exporter
          image: quay.io/prometheus/node-exporter:v1.9.1
          args: [--path.procfs=/host/proc, --web.listen-address=:9100]
          ports: [{name: metrics, containerPort: 9100, hostPort: 9100}]
          readinessProbe: {httpGet: {path: /, port: metrics}, periodSeconds: 1}
          volumeMounts: [{name: proc, mountPath: /host/proc, readOnly: true}, {name: root, mountPath: /host/root, mountPropagation: HostToContainer, readOnly: true}]
      volumes: [{name: proc, hostPath: {path: /proc}}, {name: sock, hostPath: {path: /run/containerd/containerd.sock, type: Socket}}, {name: root, hostPath: {path: /}}]
`)
  await rolledOut('daemonset/node-exporter')
  t.match(await k.run('get daemonset node-exporter'), /^node-exporter +2 +2 +2 +2 +2 /m)
})
