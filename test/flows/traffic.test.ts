/** Connections that do not arrive, and those that must never fail: each from apply to cure, with real kubectl. */
import t from 'tap'
import type { NetworkPolicy } from '../../schemas/types.ts'
import { Kubectl, eventually, startTestCluster } from '../helpers/cluster.ts'
import { fetchText } from '../helpers/host-request.ts'
import { deploymentManifest, podManifest } from '../helpers/manifests.ts'

const cluster = await startTestCluster(t, { nodes: 2, hostAccess: { ingressPort: 0, ingressTlsPort: 0 } })
const k = new Kubectl('1.36', cluster)
const { httpPort = 0 } = cluster.cluster.hostAccess?.ingress ?? {}
const wget = (url: string, from = 'client') => k.try(['exec', from, '--', 'wget', '-q', '-T', '2', '-O-', url])
const answers = (url: string, wanted: RegExp) => eventually(async () => wanted.test((await wget(url)).stdout))

await k.apply(deploymentManifest({ name: 'web' }))
await k.apply(podManifest({ name: 'client', labels: { role: 'client' }, container: { image: 'busybox:1.37', command: ['sleep', '3600'] } }))
await k.run('wait --for=condition=Ready pod --all --timeout=60s')

t.test('a Service whose selector matches nothing', async (t) => {
  await k.apply('{"apiVersion":"v1","kind":"Service","metadata":{"name":"wrong"},"spec":{"selector":{"app":"wbe"},"ports":[{"port":80}]}}')
  t.match(await k.run('describe service wrong'), /^Selector: +app=wbe\n[^]*^Endpoints: *\n/m)
  t.match(await k.run('get endpointslices -l kubernetes.io/service-name=wrong'), /^wrong-\w+ +IPv4 +<unset> +<unset> /m)
  t.match((await wget('http://wrong')).stderr, /can't connect to remote host \(10\.96\.\d+\.\d+\): Connection refused/)
  await k.run(['patch', 'service', 'wrong', '-p', '{"spec":{"selector":{"app":"web"}}}'])
  t.ok(await answers('http://wrong', /Welcome to nginx/))
  t.match(await k.run('describe service wrong'), /^Endpoints: +10\.244\.\d+\.\d+:80,10\.244\.\d+\.\d+:80$/m)
})

t.test('a Service in another namespace is found by its whole name only', async (t) => {
  await k.run('create namespace backend')
  await k.in('backend').apply(deploymentManifest({ name: 'api', replicas: 1 }))
  await k.in('backend').run('expose deployment api --port=80')
  await k.in('backend').run('rollout status deployment/api --timeout=60s')
  t.match(await wget('http://api'), { code: 1, stderr: /wget: bad address 'api'/ })
  t.match(await k.run(['exec', 'client', '--', 'cat', '/etc/resolv.conf']), /^search default\.svc\.cluster\.local svc\.cluster\.local cluster\.local\n/m)
  for (const name of ['api.backend', 'api.backend.svc', 'api.backend.svc.cluster.local']) t.match((await wget(`http://${name}`)).stdout, /Welcome to nginx/, name)
})

t.test('a policy that blocks, then one that allows', async (t) => {
  const policy = (name: string, spec: NetworkPolicy['spec']) => k.apply(JSON.stringify({ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name }, spec }))
  await k.run('expose deployment web --port=80')
  t.ok(await answers('http://web', /Welcome to nginx/))
  await policy('deny-all', { podSelector: {}, policyTypes: ['Ingress'] })
  t.match(await wget('http://web'), { code: 1, stderr: /wget: download timed out/ })
  t.match(await k.run('describe networkpolicy deny-all'), /PodSelector: +<none> \(Allowing the specific traffic to all pods in this namespace\)\n +Allowing ingress traffic:\n +<none> \(Selected pods are isolated for ingress connectivity\)\n +Not affecting egress traffic\n/)
  await policy('allow-clients', { podSelector: { matchLabels: { app: 'web' } }, ingress: [{ from: [{ podSelector: { matchLabels: { role: 'client' } } }], ports: [{ port: 80, protocol: 'TCP' }] }] })
  t.match((await wget('http://web')).stdout, /Welcome to nginx/)
  await k.run('label pod client role=stranger --overwrite')
  t.match((await wget('http://web')).stderr, /timed out/)
  await k.run('label pod client role=client --overwrite')
  await policy('no-egress', { podSelector: { matchLabels: { role: 'client' } }, policyTypes: ['Egress'], egress: [{ to: [{ podSelector: { matchLabels: { app: 'web' } } }] }] })
  const [ip] = (await k.run(['get', 'pods', '-l', 'app=web', '-o', 'jsonpath={.items[*].status.podIP}'])).split(' ')
  t.match((await wget(`http://${ip}`)).stdout, /Welcome to nginx/)
  t.match((await wget('http://api.backend')).code, 1, 'other namespaces are not reached')
  await k.run('delete networkpolicy --all')
  t.match((await wget('http://api.backend')).stdout, /Welcome to nginx/)
})

t.test('an Ingress without a class is nobody’s', async (t) => {
  await k.run(['create', 'ingress', 'shop', '--rule=shop.example.com/*=web:80'])
  t.match(await k.run('get ingress shop'), /^shop +<none> +shop\.example\.com +80 /m)
  t.match(await fetchText(`http://127.0.0.1:${httpPort}/`, { host: 'shop.example.com' }), /^404 /)
  t.match(await k.run('get ingressclass'), /^orrery +orrery\.io\/ingress +<none> /m)
  await k.run(['patch', 'ingress', 'shop', '-p', '{"spec":{"ingressClassName":"orrery"}}'])
  t.ok(await eventually(async () => /^shop +orrery +shop\.example\.com +127\.0\.0\.1 +80 /m.test(await k.run('get ingress shop'))))
  t.match(await fetchText(`http://127.0.0.1:${httpPort}/`, { host: 'shop.example.com' }), /^200 .*Welcome to nginx/s)
})

t.test('port-forward to a pod that is configured to answer', async (t) => {
  await k.apply(`
apiVersion: v1
kind: ConfigMap
metadata: {name: page}
data: {index.html: "Hello from docker container\\n"}
`)
  await k.apply(podManifest({ name: 'hello', spec: { volumes: [{ name: 'page', configMap: { name: 'page' } }] }, container: { ports: [{ containerPort: 80 }], volumeMounts: [{ name: 'page', mountPath: '/usr/share/nginx/html' }] } }))
  await k.run('wait pod/hello --for=condition=Ready --timeout=60s')
  const stop = new AbortController()
  let forwarding: ReturnType<Kubectl['try']> | undefined
  const port = await new Promise<string>((resolve) => {
    forwarding = k.try('port-forward pod/hello :80', { signal: stop.signal, onOutput: (text) => resolve(/^Forwarding from 127\.0\.0\.1:(\d+) -> 80$/m.exec(text)?.[1] ?? '') })
  })
  t.equal(await fetchText(`http://127.0.0.1:${port}/`), '200 Hello from docker container\n')
  t.equal(await fetchText(`http://127.0.0.1:${port}/`), '200 Hello from docker container\n', 'and again')
  stop.abort()
  t.match((await forwarding)?.stdout, /^Handling connection for \d+$/m)
})

t.test('a rolling update under constant requests fails none', async (t) => {
  await k.apply(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: steady}
spec:
  replicas: 3
  selector: {matchLabels: {app: steady}}
  strategy: {rollingUpdate: {maxUnavailable: 0, maxSurge: 1}}
  template:
    metadata: {labels: {app: steady}}
    spec:
      terminationGracePeriodSeconds: 5
      containers:
        - name: main
          image: nginx:1.27
          ports: [{containerPort: 80}]
          readinessProbe: {httpGet: {path: /, port: 80}, periodSeconds: 1}
          lifecycle: {preStop: {sleep: {seconds: 1}}}
---
apiVersion: v1
kind: Service
metadata: {name: steady}
spec: {type: NodePort, selector: {app: steady}, ports: [{port: 80}]}
`)
  await k.run('rollout status deployment/steady --timeout=60s')
  const nodePort = await k.run(['get', 'service', 'steady', '-o', 'jsonpath={.spec.ports[0].nodePort}'])
  const seen = { good: 0, bad: [] as string[] }
  let isRolling = true
  const ask = async () => {
    while (isRolling) {
      const answer = await fetchText(`http://127.0.0.1:${nodePort}/`).catch((error: unknown) => String(error))
      if (answer.startsWith('200 ')) seen.good++
      else seen.bad.push(answer)
    }
  }
  const asking = [ask(), ask(), ask()]
  const inside = k.try(['exec', 'client', '--', 'sh', '-c', 'n=0; until [ -e /tmp/stop ] && [ $n -gt 3 ]; do wget -q -T 20 -O /dev/null http://steady || echo failed; n=$((n+1)); done; echo enough'])
  await k.run('set image deployment/steady main=nginx:1.28')
  t.match(await k.run('rollout status deployment/steady --timeout=60s'), /successfully rolled out/)
  await k.run('exec client -- touch /tmp/stop')
  isRolling = false
  await Promise.all(asking)
  t.match(await inside, { stdout: 'enough\n', stderr: '' }, 'none failed inside')
  t.same(seen.bad, [], 'none failed outside')
  t.ok(seen.good > 10, `${seen.good} answers`)
  const images = async () => new Set((await k.run(['get', 'pods', '-l', 'app=steady', '-o', 'jsonpath={.items[*].spec.containers[0].image}'])).split(' '))
  t.ok(await eventually(async () => [...(await images())].join() === 'nginx:1.28'))
})

t.test('peers of a StatefulSet find each other by name, and keep their files', async (t) => {
  await k.apply(`
apiVersion: v1
kind: Service
metadata: {name: peers}
spec: {clusterIP: None, selector: {app: peer}, ports: [{name: web, port: 80}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: peer}
spec:
  serviceName: peers
  replicas: 3
  selector: {matchLabels: {app: peer}}
  template:
    metadata: {labels: {app: peer}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: main
          image: nginx:1.28
          ports: [{name: web, containerPort: 80}]
          volumeMounts: [{name: www, mountPath: /usr/share/nginx/html}]
  volumeClaimTemplates:
    - metadata: {name: www}
      spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
`)
  await k.run('rollout status statefulset/peer --timeout=60s')
  for (const i of [0, 1, 2]) await k.run(['exec', `peer-${i}`, '--', 'sh', '-c', 'echo "I am $(hostname)" > /usr/share/nginx/html/index.html'])
  const asks = (from: string, whom: string) => k.run(['exec', from, '--', 'curl', '-s', `http://${whom}.peers`])
  for (const [from, whom] of [['peer-0', 'peer-1'], ['peer-1', 'peer-2'], ['peer-2', 'peer-0']] as const) t.equal(await asks(from, whom), `I am ${whom}\n`)
  t.match(await k.run(['exec', 'client', '--', 'nslookup', '-type=srv', '_web._tcp.peers.default.svc.cluster.local']), /service = 0 33 80 peer-\d\.peers\.default\.svc\.cluster\.local/)
  const ip = () => k.run(['get', 'pod', 'peer-1', '-o', 'jsonpath={.status.podIP}'])
  const old = await ip()
  await k.run('delete pod peer-1')
  await eventually(async () => (await k.run(['get', 'pod', 'peer-1', '-o', 'jsonpath={.status.conditions[?(@.type=="Ready")].status}'])) === 'True')
  t.not(await ip(), old, 'another address')
  t.equal(await asks('peer-0', 'peer-1'), 'I am peer-1\n', 'the same name and files')
  await k.run('scale statefulset peer --replicas=0')
  await k.run('wait pod -l app=peer --for=delete --timeout=60s')
  await k.run('scale statefulset peer --replicas=3')
  await k.run('rollout status statefulset/peer --timeout=60s')
  t.equal(await asks('peer-1', 'peer-2'), 'I am peer-2\n')
  t.match(await k.run('get pvc'), /^www-peer-0 +Bound +pvc-[0-9a-f-]{36} +1Gi +RWO +standard /m)
})
