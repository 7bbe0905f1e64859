/** Subcommands of agnhost that talk to others, in pods of a cluster of their own. */
import t from 'tap'
import type { Pod } from '../../schemas/types.ts'
import { convert } from '../../src/kubelet/sandbox/agnhost/conversion.ts'
import { parseEvents } from '../../src/kubelet/sandbox/agnhost/audit-proxy.ts'
import { eventually, Kubectl, startTestCluster } from '../helpers/cluster.ts'

t.test('versions of the example kind are converted into each other', async (t) => {
  const v1 = { apiVersion: 'stable.example.com/v1', hostPort: 'a:80' }
  const v2 = { apiVersion: 'stable.example.com/v2', host: 'a', port: '80' }
  t.same(convert(v1, v2.apiVersion), v2)
  t.same(convert(v2, v1.apiVersion), v1)
  t.same(convert({ apiVersion: v2.apiVersion }, v1.apiVersion), { apiVersion: v1.apiVersion })
  t.throws(() => convert({ ...v1, hostPort: 'a' }, v2.apiVersion), /invalid hostPort value `a`/)
  t.throws(() => convert(v1, v1.apiVersion), /conversion from a version to itself/)
})

t.test('audit events are told one by one', async (t) => {
  t.same(parseEvents('{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[{"level":"Metadata"}]}'), [{ kind: 'Event', apiVersion: 'audit.k8s.io/v1', level: 'Metadata' }])
  t.equal(parseEvents('{"kind":"EventList","apiVersion":"audit.k8s.io/v2","items":[]}'), undefined)
  t.equal(parseEvents('no'), undefined)
})

const IMAGE = 'registry.k8s.io/e2e-test-images/agnhost:2.63.0'

const pod = (name: string, args: readonly string[], more = '') => `
---
apiVersion: v1
kind: Pod
metadata: {name: ${name}, labels: {app: ${name}}}
spec:
  terminationGracePeriodSeconds: 1
  restartPolicy: Never
  containers: [{name: main, image: '${IMAGE}', args: ${JSON.stringify(args)}${more}}]
`
const service = (name: string, port: number) => `
---
apiVersion: v1
kind: Service
metadata: {name: ${name}}
spec: {selector: {app: ${name}}, ports: [{port: ${port}}]}
`

const manifests = [
  pod('agnhost-primary', ['guestbook', '--backend-port', '6379', '--http-port', '6379']),
  service('agnhost-primary', 6379),
  pod('agnhost-replica', ['guestbook', '--replicaof', 'agnhost-primary', '--http-port', '6379']),
  service('agnhost-replica', 6379),
  pod('frontend', ['guestbook', '--backend-port', '6379']),
  pod('client', ['inclusterclient', '--poll-interval', '1']),
  pod('issuer', ['test-service-account-issuer-discovery', '--token-path', '/var/run/secrets/kubernetes.io/serviceaccount/token', '--audience', 'https://kubernetes.default.svc']),
  pod('porter', ['porter'], ", env: [{name: SERVE_TLS_PORT_443, value: 'by TLS'}, {name: SERVE_PORT_80, value: <a href=x>x</a>}]"),
  pod('busy', ['netexec', '--http-port', '80', '--udp-port', '-1']),
  pod('limited', ['pause'], ', resources: {requests: {cpu: 250m, memory: 32Mi}, limits: {cpu: 500m, memory: 64Mi}}'),
  pod('hungry', ['stress', '-mem-total', '128Mi', '-mem-alloc-size', '64Mi'], ', resources: {limits: {memory: 64Mi}}'),
].join('')

const k = new Kubectl('1.36', await startTestCluster(t, { nodes: 1 }))
const logged = (name: string, wanted: RegExp) => eventually(async () => wanted.test(await k.run(`logs ${name}`)))
const curl = (url: string) => k.run(`exec frontend -- curl -sk ${url}`)

t.test('each does its part', async (t) => {
  await k.apply(manifests)
  await k.run('wait pod/frontend pod/porter pod/agnhost-replica pod/limited pod/busy --for=condition=Ready --timeout=60s')
  await logged('agnhost-replica', /Registered to node: agnhost-primary/)
  t.equal(await curl('http://localhost/guestbook?cmd=set&key=messages&value=hello'), '{"message":"Updated"}')
  t.equal(await curl('http://localhost/guestbook?cmd=get&key=messages'), '{"data":"hello"}', 'a replica is told by the primary')
  await logged('client', /calling \/healthz[\s\S]*authz_header=[\w-]{43}\n/)
  t.notMatch(await k.run('logs client'), /status=failed/)
  await logged('issuer', /OK: Validated signature on JWT[\s\S]*OK: Got valid claims from token!/)

  const { status } = await k.json<Pod>('get pod porter')
  t.equal(await curl(`https://${status?.podIP}/`), 'by TLS', 'it has a certificate')
  t.match(await curl(`-i http://${status?.podIP}/any`), /Content-Type: text\/html[\s\S]*<a href=x>x<\/a>$/)
  t.match(await k.run('exec busy -- curl -s -o /dev/null -w %{http_code} http://localhost/healthz'), '412', 'who serves no datagrams is not ready')
  const redirected = (query: string) => k.run(['exec', 'busy', '--', 'curl', '-s', '-w', '%{http_code} %header{location}', `http://localhost/redirect?${query}`])
  t.equal(await redirected('location=http%3A%2F%2F0.0.0.0%2F%3Fa%26b'), '<a href="http://0.0.0.0/?a&amp;b">Found</a>.\n\n302 http://0.0.0.0/?a&b')
  t.equal(await redirected('location=a/../echo%3Fmsg=x&code=307'), '<a href="/echo?msg=x">Temporary Redirect</a>.\n\n307 /echo?msg=x')
  const D = '/var/run/secrets/kubernetes.io/serviceaccount'
  const asked = async (line: string) => (await k.try(['exec', 'busy', '--', 'sh', '-c', `curl -s -o /dev/null -w '%{http_code} ' ${line}; echo $?`])).stdout
  t.equal(await asked('https://kubernetes.default.svc/version'), '000 60\n', 'signed by nobody the world knows')
  t.equal(await asked(`--cacert ${D}/ca.crt https://kubernetes.default.svc/version`), '200 0\n')
  t.equal(await asked(`--cacert ${D}/ca.crt --resolve api:443:1 https://kubernetes.default.svc.cluster.local/version`), '200 0\n')
  t.equal(await asked('-k https://kubernetes.default.svc/version'), '200 0\n')
  t.equal(await asked('--cacert /none https://kubernetes.default.svc/version'), '77\n')
  t.match((await k.try(`exec busy -- curl -sS https://kubernetes.default.svc/version`)).stderr, /^curl: \(60\) SSL certificate problem: (?:unable to get local issuer certificate|self-signed certificate in certificate chain)\n/)
  t.match((await k.try(`exec busy -- curl -sS --cacert ${D}/ca.crt https://${status?.podIP}/`)).stderr, 'curl: (60) SSL')
  t.equal(await redirected('location=/&code=x'), "argument 'code' must be an integer or empty, got \"x\"\n200 ")
})

t.test('a directory made for a subPath is as open as its volume', async (t) => {
  await k.apply(`
apiVersion: v1
kind: Pod
metadata: {name: below}
spec:
  restartPolicy: Never
  securityContext: {fsGroup: 123}
  volumes: [{name: v, emptyDir: {medium: Memory}}]
  containers: [{name: main, image: '${IMAGE}', args: [mounttest, --fs_type=/at, --file_perm=/at, --file_mode=/at, --file_owner=/at], volumeMounts: [{name: v, mountPath: /at, subPath: a/b}]}]`)
  const log = await eventually(async () => {
    const text = await k.run('logs below')
    return text.includes('GID') && text
  })
  t.match(log, /mount type of "\/at": tmpfs\n[^]*mode of file "\/at": dgtrwxrwxrwx\n[^]*perms of file "\/at": -rwxrwxrwx\n[^]*owner GID of "\/at": 123/)
})

t.test('the share of a container is told by its cgroup', async (t) => {
  const read = async (file: string) => (await k.run(`exec limited -- cat ${file}`)).trim()
  t.equal(await read('/sys/fs/cgroup/cpu.max'), '50000 100000')
  t.equal(await read('/sys/fs/cgroup/cpu.weight'), '35')
  t.equal(await read('/sys/fs/cgroup/memory.max'), '67108864')
  t.match(await k.run('exec limited -- mount -t cgroup2'), /^cgroup on \/sys\/fs\/cgroup type cgroup2 /)
  t.match(await read('/proc/1/oom_score_adj'), /^9\d\d$/)
  t.match(await read('/proc/1/cmdline'), /^\/agnhost\0pause/)
  const hungry = await eventually(async () => (await k.json<Pod>('get pod hungry')).status?.containerStatuses?.[0]?.state?.terminated ?? false)
  t.match(hungry, { reason: 'OOMKilled', exitCode: 137 })
})
