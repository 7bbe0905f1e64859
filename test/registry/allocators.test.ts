import t from 'tap'
import { SeededRandom } from '../../src/clock.ts'
import { ServiceAllocators, serviceRangeProblem } from '../../src/registry/allocators.ts'

const OWNER = { namespace: 'ns', name: 'svc' }
const REAL = { dryRun: false }
const DRY = { dryRun: true }

const small = (seed = 1): ServiceAllocators => new ServiceAllocators({ random: new SeededRandom(seed), serviceCIDRs: ['10.0.0.0/29'], nodePorts: { first: 30000, last: 30003 } })
const standard = (seed = 1): ServiceAllocators => new ServiceAllocators({ random: new SeededRandom(seed) })
const refusal = (act: () => unknown): string => {
  try {
    act()
    return ''
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
const times = <T>(n: number, of: () => T): T[] => Array.from({ length: n }, of)

t.test('ranges that Services can have', async (t) => {
  for (const text of ['10.96.0.0/16', '10.1.2.3/24', 'fd00::/64', 'fd00:10:96::/112']) t.equal(serviceRangeProblem(text), undefined, text)
  for (const text of ['', '10.0.0.0', '10.0.0.0/31', '10.0.0.0/7', '10.0.0.0/x']) t.equal(serviceRangeProblem(text), `not a service range of /8 to /30: ${text}`)
  t.equal(serviceRangeProblem('fd00::/48'), 'not a service range of /64 to /126: fd00::/48')
  t.throws(() => new ServiceAllocators({ random: new SeededRandom(1), serviceCIDRs: ['10.0.0.0/31'] }), { message: 'not a service range of /8 to /30: 10.0.0.0/31' })
})

t.test('both families', async (t) => {
  const pools = new ServiceAllocators({ random: new SeededRandom(1), serviceCIDRs: ['fd00::10/125', '10.0.0.0/29'] })
  t.same(pools.serviceIPFamilies, ['IPv6', 'IPv4'])
  const six = (requested?: string, options = REAL): string => pools.allocateServiceIP('IPv6', OWNER, { ...(requested ? { requested } : {}), ...options })
  t.equal(six('fd00:0::0013'), 'fd00:0::0013', 'as it was asked for')
  t.equal(refusal(() => six('fd00::13')), 'provided IP is already allocated')
  t.equal(refusal(() => six('10.0.0.1')), 'the provided network does not match the current range')
  t.equal(refusal(() => six('fd00::1', DRY)), 'the provided IP (fd00::1) is not in the valid range. The range of valid IPs is fd00::10/125')
  t.same(times(6, six).sort(), ['fd00::11', 'fd00::12', 'fd00::14', 'fd00::15', 'fd00::16', 'fd00::17'], 'the last one too, which is no broadcast')
  t.equal(refusal(six), 'range is full')
  pools.releaseServiceIP('fd00::0:15')
  t.equal(six(), 'fd00::15')
  t.match(pools.allocateServiceIP('IPv4', OWNER, REAL), /^10\.0\.0\.[1-6]$/)
  pools.useServiceCIDRs(['fd01::/64'])
  t.match(six(), /^fd01::/, 'of a range that was added')
})

t.test('addresses', async (t) => {
  const pools = small()
  const next = (): string => pools.allocateServiceIP('IPv4', OWNER, REAL)
  const wanted = (requested: string, options = REAL): string => pools.allocateServiceIP('IPv4', OWNER, { requested, ...options })
  t.equal(wanted('10.0.0.3'), '10.0.0.3')
  t.equal(refusal(() => wanted('10.0.0.3')), 'provided IP is already allocated')
  for (const outside of ['10.0.0.0', '10.0.0.7', '10.0.0.8', '1.1.1.1', 'x']) t.equal(refusal(() => wanted(outside)), 'the provided network does not match the current range', outside)
  t.equal(refusal(() => wanted('1.1.1.1', DRY)), 'the provided IP (1.1.1.1) is not in the valid range. The range of valid IPs is 10.0.0.0/29')
  t.equal(refusal(() => pools.allocateServiceIP('IPv6', OWNER, REAL)), 'the provided network does not match the current range')
  t.same(times(5, next).sort(), ['10.0.0.1', '10.0.0.2', '10.0.0.4', '10.0.0.5', '10.0.0.6'], 'each but the first and the last of the network, once')
  t.equal(refusal(next), 'range is full')
  pools.releaseServiceIP('10.0.0.5')
  pools.releaseServiceIP('9.9.9.9')
  t.equal(next(), '10.0.0.5')
})

t.test('a Service without a name gets none, and loses none', async (t) => {
  const pools = small()
  const nameless = (): string => pools.allocateServiceIP('IPv4', { namespace: 'ns', name: '' }, { requested: '10.0.0.1', ...REAL })
  t.equal(refusal(nameless), 'IPAddress.networking.k8s.io "10.0.0.1" is invalid: spec.parentRef.name: Required value')
  t.equal(refusal(nameless), 'IPAddress.networking.k8s.io "10.0.0.1" is invalid: spec.parentRef.name: Required value')
})

t.test('ports', async (t) => {
  const pools = small()
  const port = (requested?: number, options = REAL): number => pools.allocateNodePort({ ...(requested ? { requested } : {}), ...options })
  t.equal(port(30001), 30001)
  t.equal(refusal(() => port(30001)), 'provided port is already allocated')
  t.equal(refusal(() => port(30001, DRY)), 'provided port is already allocated')
  t.equal(refusal(() => port(80)), 'provided port is not in the valid range. The range of valid ports is 30000-30003')
  t.same(times(3, port).sort(), [30000, 30002, 30003])
  t.equal(refusal(port), 'range is full')
  pools.releaseNodePort(30002)
  t.equal(port(), 30002)
})

t.test('a dry run takes nothing', async (t) => {
  const pools = small()
  const all = (): unknown[] => [
    pools.allocateServiceIP('IPv4', OWNER, DRY),
    pools.allocateServiceIP('IPv4', OWNER, { requested: '10.0.0.3', ...DRY }),
    pools.allocateNodePort(DRY),
    pools.allocateNodePort({ requested: 30001, ...DRY }),
  ]
  t.same(all(), ['10.0.0.0', '10.0.0.3', 32769, 30001])
  t.same(all(), ['10.0.0.0', '10.0.0.3', 32769, 30001])
})

t.test('who asks for nothing gets of the upper part as long as there is some', async (t) => {
  const pools = new ServiceAllocators({ random: new SeededRandom(3), serviceCIDRs: ['10.0.0.0/26'] })
  const last = (ip: string): number => Number(ip.split('.')[3])
  const ips = times(62, () => last(pools.allocateServiceIP('IPv4', OWNER, REAL)))
  t.ok(ips.slice(0, 46).every((n) => n > 16), 'first the upper 46')
  t.ok(ips.slice(46).every((n) => n <= 16), 'then the 16 kept back')
  t.equal(new Set(ips).size, 62)
  const ports = standard()
  t.ok(times(200, () => ports.allocateNodePort(REAL)).every((port) => port >= 30086))
})

t.test('the same chance gives the same numbers', async (t) => {
  const draw = (seed: number): unknown[] => times(5, () => standard(seed).allocateServiceIP('IPv4', OWNER, REAL))
  t.same(draw(1), draw(1))
  t.not(String(draw(1)), String(draw(2)))
})

t.test('a start takes what the stored Services hold', async (t) => {
  const pools = small()
  pools.allocateServiceIP('IPv4', OWNER, { requested: '10.0.0.6', ...REAL })
  pools.restore([
    { metadata: {}, spec: { clusterIP: '10.0.0.1', clusterIPs: ['10.0.0.1', 'fd00::1'], ports: [{ nodePort: 30000 }, {}], healthCheckNodePort: 30001 } },
    { metadata: {}, spec: { clusterIP: '10.0.0.2' } },
    { metadata: {}, spec: { clusterIP: 'None' } },
    { metadata: {}, spec: { clusterIP: '', ports: [{ nodePort: 80 }] } },
    { metadata: {} },
  ])
  const take = (requested: string): string => refusal(() => pools.allocateServiceIP('IPv4', OWNER, { requested, ...REAL }))
  t.same(['10.0.0.1', '10.0.0.2', '10.0.0.6'].map(take), ['provided IP is already allocated', 'provided IP is already allocated', ''])
  t.same(times(2, () => pools.allocateNodePort(REAL)).sort(), [30002, 30003])
})

t.test('who listens hears of addresses, not of dry runs', async (t) => {
  const heard: string[] = []
  const pools = new ServiceAllocators({
    random: new SeededRandom(1),
    onServiceIP: { allocated: (ip, { namespace, name }) => heard.push(`+${ip} ${namespace}/${name}`), released: (ip) => heard.push(`-${ip}`) },
  })
  const requested = '10.96.0.10'
  pools.allocateServiceIP('IPv4', OWNER, { requested, ...DRY })
  pools.allocateServiceIP('IPv4', OWNER, { requested, ...REAL })
  pools.releaseServiceIP(requested)
  pools.releaseServiceIP(requested)
  t.same(heard, ['+10.96.0.10 ns/svc', '-10.96.0.10'])
})

t.test('several ranges', async (t) => {
  const pools = small()
  const owner = { namespace: 'a', name: 'b' }
  const next = () => pools.allocateServiceIP('IPv4', owner, { dryRun: false })
  pools.useServiceCIDRs(['10.0.0.0/29', '10.9.0.0/30', 'fd00::/108'])
  const given = Array.from({ length: 8 }, next)
  t.equal(given.filter((ip) => ip.startsWith('10.0.0.')).length, 6, 'the first range is used up')
  t.same(given.filter((ip) => ip.startsWith('10.9.0.')).sort(), ['10.9.0.1', '10.9.0.2'])
  t.throws(next, { message: 'range is full' })
  pools.releaseServiceIP('10.9.0.2')
  t.equal(pools.allocateServiceIP('IPv4', owner, { requested: '10.9.0.2', dryRun: false }), '10.9.0.2')
  pools.useServiceCIDRs(['10.0.0.0/29'])
  pools.releaseServiceIP('10.9.0.1')
  t.throws(() => pools.allocateServiceIP('IPv4', owner, { requested: '10.9.0.1', dryRun: false }), { message: 'the provided network does not match the current range' })
  pools.useServiceCIDRs(['10.0.0.0/28'])
  t.match(next(), /^10\.0\.0\.(?:[7-9]|1[0-4])$/, 'addresses of an overlapping range stay taken')
})
