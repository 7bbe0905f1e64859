/** A cluster with addresses of both families: what Services, pods and nodes get, and that it carries traffic. */
import t from 'tap'
import { eventually, Kubectl, startTestCluster } from '../helpers/cluster.ts'

const cluster = await startTestCluster(t, { nodes: 2, addresses: { serviceCIDRs: ['10.96.0.0/16', 'fd00:10:96::/112'] } })
const kubectl = new Kubectl('1.36', cluster)
const apply = (object: object) => kubectl.run('apply -f -', { stdin: JSON.stringify(object) })
const service = (name: string, spec: object) => apply({ apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }], ...spec } })
const read = (what: string, path: string) => kubectl.run(['get', ...what.split(' '), '-o', `jsonpath=${path}`])
const inClient = (command: string) => kubectl.try(['exec', 'client', '--', 'sh', '-c', command])

await apply({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'registry.k8s.io/e2e-test-images/agnhost:2.53', args: ['netexec'] }] } })
await kubectl.run(['run', 'client', '--image=busybox', '--restart=Never', '--', 'sleep', '3600'])
await service('both', { ipFamilyPolicy: 'PreferDualStack', type: 'NodePort' })
await service('six', { ipFamilies: ['IPv6'] })
await service('named', { clusterIP: 'None', ipFamilyPolicy: 'RequireDualStack' })
await kubectl.run('wait --for=condition=Ready pod --all --timeout=60s')

t.test('addresses', async (t) => {
  t.match(await read('node node-2', '{.spec.podCIDRs} {.status.addresses[*].address}'), /^\["10\.244\.1\.0\/24","fd00:10:244:1::\/64"\] 172\.18\.0\.3 fc00:f853:ccd:e793::3 node-2$/)
  t.match(await read('pod web', '{.status.podIP} {.status.podIPs[*].ip} {.status.hostIPs[*].ip}'), /^(10\.244\.\d\.\d+) \1 fd00:10:244:(\d:)?:\d+ 172\.18\.0\.\d fc00:f853:ccd:e793::\d$/)
  t.match(await read('service both', '{.spec.ipFamilies} {.spec.clusterIPs[*]}'), /^\["IPv4","IPv6"\] 10\.96\.\d+\.\d+ fd00:10:96::[0-9a-f]+$/)
  t.match(await read('service six', '{.spec.ipFamilyPolicy} {.spec.clusterIPs[*]}'), /^SingleStack fd00:10:96::[0-9a-f]+$/)
  t.equal(await read('service kubernetes', '{.spec.ipFamilies}'), '["IPv4"]')
  t.ok(await eventually(async () => (await read('endpointslice -l kubernetes.io/service-name=both', '{.items[*].addressType}')).split(' ').sort().join() === 'IPv4,IPv6'))
})

t.test('traffic', async (t) => {
  const six = await read('service six', '{.spec.clusterIP}')
  const [four = '', other = ''] = (await read('service both', '{.spec.clusterIPs[*]}')).split(' ')
  const nodePort = await read('service both', '{.spec.ports[0].nodePort}')
  const [own4 = '', own6 = ''] = (await read('pod client', '{.status.podIPs[*].ip}')).split(' ')
  const [pod4 = '', pod6 = ''] = (await read('pod web', '{.status.podIPs[*].ip}')).split(' ')
  const seen = async (host: string) => (await inClient(`wget -qO- http://${host}/clientip`)).stdout.replace(/:\d+$/, '')
  t.same(await Promise.all([pod4, four, 'both'].map((host) => seen(host.includes('.') ? `${host}:${host === pod4 ? 8080 : 80}` : host))), [own4, own4, own4])
  t.same(await Promise.all([`[${pod6}]:8080`, `[${other}]`, `[${six}]`, 'six', `[fc00:f853:ccd:e793::2]:${nodePort}`].map(seen)), Array(5).fill(`[${own6}]`), 'who asks over IPv6 is seen with its address of that family')
})

t.test('names', async (t) => {
  const [, six = ''] = (await read('service both', '{.spec.clusterIPs[*]}')).split(' ')
  const [pod4 = '', pod6 = ''] = (await read('pod web', '{.status.podIPs[*].ip}')).split(' ')
  const dig = async (command: string) => (await inClient(`dig +short ${command}`)).stdout.trim()
  t.equal(await dig('both.default.svc.cluster.local AAAA'), six)
  t.equal(await dig(`-x ${six}`), 'both.default.svc.cluster.local.')
  t.equal(await dig('six.default.svc.cluster.local A'), '')
  t.equal(await dig('named.default.svc.cluster.local A'), pod4)
  t.equal(await dig('named.default.svc.cluster.local AAAA'), pod6)
  t.equal(await dig(`${pod6.replaceAll(':', '-')}.default.pod.cluster.local AAAA`), pod6)
  t.match((await inClient('nslookup named')).stdout, new RegExp(`Address: ${pod4}\\nName:.*\\nAddress: ${pod6}\\n`))
  t.match((await inClient('cat /etc/hosts; hostname -i; ip -6 addr')).stdout, /inet6 fd00:10:244:/)
})

t.test('a policy knows blocks of both families', async (t) => {
  const [own4 = '', own6 = ''] = (await read('pod client', '{.status.podIPs[*].ip}')).split(' ')
  const [pod4 = '', pod6 = ''] = (await read('pod web', '{.status.podIPs[*].ip}')).split(' ')
  await apply({ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name: 'six' }, spec: { podSelector: { matchLabels: { app: 'web' } }, ingress: [{ from: [{ ipBlock: { cidr: `${own6}/128` } }] }] } })
  t.match((await inClient(`wget -qO- -T 2 http://[${pod6}]:8080/clientip`)).stdout, own6)
  t.match((await inClient(`wget -qO- -T 2 http://${pod4}:8080/clientip`)).stderr, /timed out/)
  t.ok(own4)
  await kubectl.run('delete networkpolicy six')
})

t.test('a family is added and taken away again', async (t) => {
  await service('grows', {})
  t.match(await read('service grows', '{.spec.ipFamilyPolicy} {.spec.clusterIPs}'), /^SingleStack \["10\.96\.\d+\.\d+"\]$/)
  await kubectl.run(['patch', 'service', 'grows', '-p', '{"spec":{"ipFamilyPolicy":"PreferDualStack"}}'])
  t.match(await read('service grows', '{.spec.clusterIPs}'), /^\["10\.96\.\d+\.\d+","fd00:10:96::[0-9a-f]+"\]$/)
  t.ok(await eventually(async () => /endpointslice\S*\n.*endpointslice/s.test(await kubectl.run('get endpointslice -l kubernetes.io/service-name=grows -o name'))))
  await kubectl.run(['patch', 'service', 'grows', '-p', '{"spec":{"ipFamilyPolicy":"SingleStack"}}'])
  t.match(await read('service grows', '{.spec.clusterIPs}'), /^\["10\.96\.\d+\.\d+"\]$/)
})
