/** Traffic between pods, and from the host, through Services, Ingresses and policies: as somebody with kubectl and curl sees it. */
import dgram from 'node:dgram'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { nextTurn } from '../../src/clock.ts'
import { Kubectl, eventually, startTestCluster } from '../helpers/cluster.ts'
import { fetchAnswer, fetchText } from '../helpers/host-request.ts'

const cluster = await startTestCluster(t, { nodes: 2, hostAccess: { ingressPort: 0, ingressTlsPort: 0 } })
const kubectl = new Kubectl('1.36', cluster)

const fromClient = (url: string) => kubectl.try(['exec', 'client', '--', 'wget', '-q', '-T', '2', '-O-', url])

await kubectl.run('create deployment web --image=nginx --replicas=2')
await kubectl.run('expose deployment web --port=80 --type=LoadBalancer')
await kubectl.run(['run', 'client', '--image=busybox', '--restart=Never', '--', 'sleep', '3600'])
await kubectl.run('wait --for=condition=Ready pod --all --timeout=60s')

t.test('a Service carries traffic, from pods, the API server and the host', async (t) => {
  for (const url of ['http://web', 'http://web.default.svc.cluster.local']) t.match((await fromClient(url)).stdout, /Welcome to nginx/, url)
  t.match(await kubectl.run(['get', '--raw', '/api/v1/namespaces/default/services/web/proxy/']), /Welcome to nginx/)
  const nodePort = await kubectl.run(['get', 'service', 'web', '-o', 'jsonpath={.spec.ports[0].nodePort}'])
  t.match(await fetchText(`http://127.0.0.1:${nodePort}/`), /^200 .*Welcome to nginx/s)
})

t.test('names', async (t) => {
  t.match(await kubectl.run('exec client -- nslookup web'), /Name:\s+web\.default\.svc\.cluster\.local\nAddress: 10\.96\./)
  t.match((await fromClient('http://nobody')).stderr, /bad address 'nobody'/)
  const dig = (...args: string[]) => kubectl.run(['exec', 'client', '--', 'dig', ...args])
  t.match(await dig('+notcp', '+noall', '+answer', '+search', 'web', 'A'), /^web\.default\.svc\.cluster\.local\.\t5\tIN\tA\t10\.96\.\d+\.\d+\n$/)
  t.equal(await dig('+short', 'web', 'A'), '', 'not searched for unless told')
  t.equal(await dig('+short', 'web.default.svc.cluster.local', 'SRV'), '0 100 80 web.default.svc.cluster.local.\n')
  t.match(await kubectl.run(['exec', 'client', '--', 'sh', '-c', 'echo hello | nc -v -t -w 2 web 80']), /400 Bad Request/)
})

t.test('a Service with a wrong selector refuses, until it is mended', async (t) => {
  await kubectl.run('create service clusterip wrong --tcp=80:80')
  t.match(await kubectl.run('describe service wrong'), /Endpoints:\s+\n/)
  t.match((await fromClient('http://wrong')).stderr, /can't connect to remote host.*Connection refused/)
  await kubectl.run(['patch', 'service', 'wrong', '-p', '{"spec":{"selector":{"app":"web"}}}'])
  t.ok(await eventually(async () => /Welcome to nginx/.test((await fromClient('http://wrong')).stdout)))
})

t.test('a policy cuts off, another lets through again', async (t) => {
  const policy = (name: string, spec: object) => kubectl.run('apply -f -', { stdin: JSON.stringify({ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name }, spec }) })
  await policy('deny', { podSelector: {}, policyTypes: ['Ingress'] })
  t.match((await fromClient('http://web')).stderr, /timed out/)
  await policy('allow', { podSelector: { matchLabels: { app: 'web' } }, ingress: [{ from: [{ podSelector: { matchLabels: { run: 'client' } } }] }] })
  t.match((await fromClient('http://web')).stdout, /Welcome to nginx/)
  await kubectl.run('delete networkpolicy --all')
})

t.test('an Ingress without a class is not served; with one it is, with TLS too', async (t) => {
  const { httpPort = 0, httpsPort = 0 } = cluster.cluster.hostAccess?.ingress ?? {}
  await kubectl.run(['create', 'ingress', 'web', '--rule=web.local/*=web:80'])
  t.match(await fetchText(`http://127.0.0.1:${httpPort}/`, { host: 'web.local' }), /^404 /)
  await kubectl.run(['patch', 'ingress', 'web', '-p', '{"spec":{"ingressClassName":"orrery"}}'])
  t.ok(await eventually(async () => /web\s+orrery\s+web\.local\s+127\.0\.0\.1/.test(await kubectl.run('get ingress web'))))
  t.match(await fetchText(`http://127.0.0.1:${httpPort}/`, { host: 'web.local' }), /^200 .*Welcome to nginx/s)
  t.match(await fetchText(`https://127.0.0.1:${httpsPort}/`, { host: 'web.local' }), /^200 .*Welcome to nginx/s)
  t.match(await fetchText(`http://127.0.0.1:${httpPort}/`, { host: 'other.local' }), /^404 /)
})

t.test('ports of a node: what pods have there, and what it says of itself', async (t) => {
  const pod = (name: string, image: string, ports: object[]) => kubectl.apply(JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: { run: name } }, spec: { nodeName: 'node-1', containers: [{ name: 'main', image, ports }] } }))
  await pod('by-address', 'nginx', [{ containerPort: 80, hostPort: 8081, hostIP: '127.0.0.1' }])
  await pod('by-node', 'httpd', [{ containerPort: 80, hostPort: 8081, hostIP: '172.18.0.2' }])
  await kubectl.apply(JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'node' }, spec: { nodeName: 'node-1', hostNetwork: true, containers: [{ name: 'main', image: 'busybox', command: ['sleep', '3600'] }] } }))
  await kubectl.run('wait pod/by-address pod/by-node pod/node --for=condition=Ready --timeout=60s')
  const fromNode = (url: string) => kubectl.run(['exec', 'node', '--', 'wget', '-q', '-T', '2', '-O-', url])
  t.match(await fromNode('http://127.0.0.1:8081'), /Welcome to nginx/)
  t.match(await fromNode('http://172.18.0.2:8081'), /It works/)
  t.match((await fromClient('http://172.18.0.2:8081')).stdout, /It works/)
  t.match((await fromClient('http://172.18.0.3:8081')).stderr, /Connection refused/, 'the other node has no such port')
  t.match(await fromNode('http://localhost:10256/healthz'), /"nodeEligible":true/)
  t.equal(await fromNode('http://localhost:10249/proxyMode'), 'iptables')
  await kubectl.run(['expose', 'pod', 'by-node', '--port=80', '--type=LoadBalancer', '--overrides={"spec":{"externalTrafficPolicy":"Local"}}'])
  const port = await kubectl.run(['get', 'service', 'by-node', '-o', 'jsonpath={.spec.healthCheckNodePort}'])
  t.match(await eventually(() => fromNode(`http://172.18.0.2:${port}`)), /"localEndpoints": 1/)
  t.match((await kubectl.try(['exec', 'node', '--', 'wget', '-q', '-O-', `http://172.18.0.3:${port}`])).stderr, /503 Service Unavailable/)
})

t.test('an Ingress of ingress-nginx with its annotations', async (t) => {
  const { httpPort = 0, httpsPort = 0 } = cluster.cluster.hostAccess?.ingress ?? {}
  await kubectl.apply('{"apiVersion":"networking.k8s.io/v1","kind":"IngressClass","metadata":{"name":"nginx"},"spec":{"controller":"k8s.io/ingress-nginx"}}')
  await kubectl.run('create deployment whoami --image=traefik/whoami')
  await kubectl.run('expose deployment whoami --port=80')
  await kubectl.run('rollout status deployment/whoami --timeout=60s')
  await kubectl.run(['create', 'ingress', 'rewriting', '--class=nginx', '--rule=rewrite.local/api(/|$)(.*)=whoami:80', '--annotation=nginx.ingress.kubernetes.io/rewrite-target=/$2', '--annotation=nginx.ingress.kubernetes.io/configuration-snippet=x'])
  t.match(await eventually(async () => {
    const text = await fetchText(`http://127.0.0.1:${httpPort}/api/v1/users?x=1`, { host: 'rewrite.local' })
    return text.startsWith('200') && text
  }), /GET \/v1\/users/)
  t.ok(await eventually(async () => /Warning +Unsupported .*These annotations have no effect: nginx\.ingress\.kubernetes\.io\/configuration-snippet/.test(await kubectl.run('describe ingress rewriting'))))
  await kubectl.run(['create', 'ingress', 'secured', '--class=nginx', '--rule=secured.local/*=whoami:80,tls=none'])
  const redirected = await eventually(async () => {
    const answer = await fetchAnswer(`http://127.0.0.1:${httpPort}/x`, { host: 'secured.local' })
    return answer.status === 308 && answer
  })
  t.equal(redirected.headers.location, `https://secured.local:${httpsPort}/x`)
  t.match(await fetchText(`https://127.0.0.1:${httpsPort}/x`, { host: 'secured.local' }), /^200 .*GET \/x/s)
})

t.test('an Ingress asks for a password, or another server, and keeps a client where it was', async (t) => {
  const { httpPort = 0 } = cluster.cluster.hostAccess?.ingress ?? {}
  const ask = (host: string, headers: Record<string, string> = {}) => fetchAnswer(`http://127.0.0.1:${httpPort}/`, { host, headers })
  const until = (host: string, status: number) => eventually(async () => (await ask(host)).status === status)
  const annotated = (name: string, ...annotations: string[]) => kubectl.run(['create', 'ingress', name, '--class=nginx', `--rule=${name}.local/*=whoami:80`, ...annotations.map((text) => `--annotation=nginx.ingress.kubernetes.io/${text}`)])
  await annotated('basic', 'auth-type=basic', 'auth-secret=passwords', 'auth-realm=Friends')
  t.ok(await until('basic.local', 503), 'without its Secret')
  await kubectl.run(['create', 'secret', 'generic', 'passwords', '--from-literal=auth=foo:$apr1$8h2k4Jx1$gssR1P8NlBxuf7gT0KLEP.'])
  t.ok(await until('basic.local', 401))
  t.equal((await ask('basic.local')).headers['www-authenticate'], 'Basic realm="Friends"')
  const as = (user: string) => ask('basic.local', { authorization: `Basic ${Buffer.from(user).toString('base64')}` })
  t.same([(await as('foo:bar')).status, (await as('foo:no')).status, (await as('who:bar')).status], [200, 401, 401])

  await annotated('asks', 'auth-url=http://web.default.svc.cluster.local/')
  await annotated('refused', 'auth-url=http://web.default.svc.cluster.local/nowhere', 'auth-signin=https://login.local/start')
  t.ok(await until('asks.local', 200))
  t.ok(await until('refused.local', 500), 'who neither lets in nor refuses has failed')

  await kubectl.run('scale deployment whoami --replicas=3')
  await kubectl.run('rollout status deployment/whoami --timeout=60s')
  await annotated('sticky', 'affinity=cookie', 'session-cookie-name=route', 'session-cookie-max-age=60')
  t.ok(await until('sticky.local', 200))
  const cookie = String((await ask('sticky.local')).headers['set-cookie'])
  t.match(cookie, /^route=[\d.]+\|[0-9a-f]{32}; Max-Age=60; Path=\/; HttpOnly$/)
  const hosts = new Set<string | undefined>()
  for (let i = 0; i < 10; i++) hosts.add(/Hostname: (\S+)/.exec(await fetchText(`http://127.0.0.1:${httpPort}/`, { host: 'sticky.local', headers: { cookie: cookie.split(';')[0] ?? '' } }))?.[1])
  t.equal(hosts.size, 1)
  await kubectl.run('scale deployment whoami --replicas=1')
})

t.test('pods reach balancers, whose ranges of sources are kept', async (t) => {
  const read = (path: string) => kubectl.run(['get', 'service', 'web', '-o', `jsonpath=${path}`])
  const ip = await read('{.status.loadBalancer.ingress[0].ip}')
  t.match(ip, /^127\./)
  t.match((await fromClient(`http://${ip}`)).stdout, /Welcome to nginx/)
  await kubectl.run(['patch', 'service', 'web', '-p', '{"spec":{"loadBalancerSourceRanges":["10.244.99.0/24"]}}'])
  t.ok(await eventually(async () => /timed out/.test((await fromClient(`http://${ip}`)).stderr)))
  t.match((await fromClient('http://web')).stdout, /Welcome to nginx/, 'inside they have no say')
  await kubectl.run(['patch', 'service', 'web', '-p', '{"spec":{"loadBalancerSourceRanges":null}}'])
})

t.test('this machine reaches UDP node ports and ports of pods, and stands in for a port of a pod', async (t) => {
  await kubectl.apply(JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'echo', labels: { app: 'echo' } }, spec: { containers: [{ name: 'main', image: 'registry.k8s.io/e2e-test-images/agnhost:2.53', args: ['netexec', '--udp-port=8081'] }] } }))
  await kubectl.apply(JSON.stringify({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'echo' }, spec: { type: 'NodePort', selector: { app: 'echo' }, ports: [{ port: 8081, protocol: 'UDP' }] } }))
  await kubectl.run('wait pod/echo --for=condition=Ready --timeout=60s')
  const port = Number(await kubectl.run(['get', 'service', 'echo', '-o', 'jsonpath={.spec.ports[0].nodePort}']))
  const socket = dgram.createSocket('udp4')
  t.teardown(() => socket.close())
  const answered = new Promise<string>((resolve) => socket.on('message', (text) => resolve(text.toString())))
  const said = await eventually(() => {
    socket.send('hostname', port, '127.0.0.1')
    return Promise.race([answered, nextTurn().then(() => false as const)])
  })
  t.equal(said, 'echo')
  // The same port of this machine goes on with the pod that comes after.
  await kubectl.run('delete pod echo --grace-period=0 --force')
  await kubectl.apply(JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'again', labels: { app: 'echo' } }, spec: { containers: [{ name: 'main', image: 'registry.k8s.io/e2e-test-images/agnhost:2.53', args: ['netexec', '--udp-port=8081'] }] } }))
  let last = ''
  socket.on('message', (text) => (last = text.toString()))
  t.ok(await eventually(() => {
    socket.send('hostname', port, '127.0.0.1')
    return nextTurn().then(() => last === 'again')
  }))

  const own = http.createServer((request, response) => response.end(`a process of this machine was asked for ${request.url}\n`))
  await new Promise<void>((resolve) => own.listen(0, '127.0.0.1', resolve))
  t.teardown(() => own.close())
  const { port: ownPort } = own.address() as AddressInfo
  await kubectl.run(['annotate', 'pod', 'again', `orrery.io/redirect-ports=8080=${ownPort}`])
  await kubectl.run('expose pod again --name=stand-in --port=80 --target-port=8080')
  t.equal(await eventually(async () => (await fromClient('http://stand-in/path')).stdout || false), 'a process of this machine was asked for /path\n')
  await kubectl.run(['annotate', 'pod', 'again', 'orrery.io/redirect-ports-'])
  t.ok(await eventually(async () => /NOW/.test((await fromClient('http://stand-in/')).stdout)))
})
