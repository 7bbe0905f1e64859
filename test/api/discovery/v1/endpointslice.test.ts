import t from 'tap'
import slices from '../../../../api/discovery/v1/endpointslice.ts'
import { cells } from '../../../helpers/cells.ts'
import { startApi } from '../../../helpers/in-process-api.ts'
import { checkRefusals, checkUpdateRefusals, stored } from '../../../helpers/refusals.ts'

const metadata = { name: 'a', namespace: 'ns' }
const SLICE = { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata, addressType: 'IPv4', endpoints: [{ addresses: ['10.0.0.1'] }], ports: [{ port: 80 }] }
const LABEL = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"

t.test('what is refused', (t) => {
  const address = 'endpoints[0].addresses[0]'
  const zones = 'endpoints[0].hints.forZones'
  const many = <T>(n: number, of: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => of(i))
  return checkRefusals(t, SLICE, [
    ['an unknown type', { addressType: 'Some' }, 'addressType: Unsupported value: "Some": supported values: "FQDN", "IPv4", "IPv6"'],
    ['no address', { [address]: 'x' }, `${address}: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)`],
    ['one of the other family', { [address]: 'fd00::1' }, 'endpoints[0].addresses: Invalid value: "fd00::1": must be an IPv4 address'],
    ['the own host', { [address]: '127.0.0.1' }, `${address}: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)`],
    ['nowhere', { 'endpoints[0].addresses': [] }, 'endpoints[0].addresses: Required value: must contain at least 1 address'],
    ['too many addresses', { 'endpoints[0].addresses': many(101, () => '10.0.0.1') }, 'endpoints[0].addresses: Too many: 101: must have at most 100 items'],
    ['too many endpoints', { endpoints: many(1001, () => ({ addresses: ['10.0.0.1'] })) }, 'endpoints: Too many: 1001: must have at most 1000 items'],
    ['a port twice', { ports: [{ name: 'p', port: 1 }, { name: 'p', port: 2 }] }, 'ports[1].name: Duplicate value: "p"'],
    ['a strange protocol', { 'ports[0].protocol': 'ICMP' }, 'ports[0].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"'],
    ['a hint twice', { [zones]: [{ name: 'z' }, { name: 'z' }] }, `${zones}[1].name: Duplicate value: "z"`],
    ['a hint to nowhere', { [zones]: [{ name: 'a b' }] }, `${zones}[0].name: Invalid value: "a b": ${LABEL}`],
    ['too many hints', { [zones]: many(9, (i) => ({ name: `z${i}` })) }, `${zones}: Too many: 9: must have at most 8 items`],
  ])
})

t.test('what is filled in and stays', async (t) => {
  t.match(await stored(t, SLICE), { metadata: { generation: 1 }, ports: [{ name: '', protocol: 'TCP', port: 80 }] })
  t.match(await stored(t, { apiVersion: SLICE.apiVersion, kind: SLICE.kind, metadata, addressType: 'IPv6' }), { endpoints: null, ports: null })
  await checkUpdateRefusals(t, SLICE, [['another type', { addressType: 'IPv6', 'endpoints[0].addresses': ['fd00::1'] }, 'addressType: Invalid value: "IPv6": field is immutable']])
})

t.test('labels count for the generation, annotations do not', async (t) => {
  const { create, update } = await startApi(t)
  const first = await create(SLICE)
  const annotated = await update(first, (copy) => void (copy.metadata.annotations = { a: 'b' }))
  const labelled = await update(annotated, (copy) => void (copy.metadata.labels = { a: 'b' }))
  const emptied = await update(labelled, (copy) => void (copy['endpoints'] = []))
  const same = await update(emptied, (copy) => void (copy['endpoints'] = []))
  t.same([first, annotated, labelled, emptied, same].map(({ metadata: { generation } }) => generation), [1, 1, 2, 3, 3])
})

t.test('what tables show', async (t) => {
  const shown = (ports: object[] | null, endpoints: object[] | null) => cells(slices, { ...SLICE, ports, endpoints } as never)
  t.match(shown(null, null), { AddressType: 'IPv4', Ports: '<unset>', Endpoints: '<unset>' })
  t.match(shown([{ port: 1 }, { name: 'p' }, {}], [{ addresses: ['1', '2', '3'] }, { addresses: ['4'] }]), { Ports: '1,p,*', Endpoints: '1,2,3 + 1 more...' })
})
