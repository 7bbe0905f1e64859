import t from 'tap'
import endpoints from '../../../../api/core/v1/endpoints.ts'
import type { Endpoints, EndpointSubset } from '../../../../schemas/types.ts'
import { cells } from '../../../helpers/cells.ts'
import { checkRefusals, stored } from '../../../helpers/refusals.ts'

const ENDPOINTS = { apiVersion: 'v1', kind: 'Endpoints', metadata: { name: 'a', namespace: 'ns' }, subsets: [{ addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 80 }] }] }

t.test('what is refused', (t) => {
  const address = 'subsets[0].addresses[0]'
  const port = 'subsets[0].ports[0]'
  return checkRefusals(t, ENDPOINTS, [
    ['nobody', { 'subsets[0].addresses': undefined }, 'subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`'],
    ['no address', { [`${address}.ip`]: 'x' }, `${address}.ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)`, `${address}.ip: Invalid value: "x": must be a valid IP address`],
    ['the own host', { [`${address}.ip`]: '127.0.0.1' }, `${address}.ip: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)`],
    ['the link', { [`${address}.ip`]: '169.254.1.1' }, `${address}.ip: Invalid value: "169.254.1.1": may not be in the link-local range (169.254.0.0/16, fe80::/10)`],
    ['any', { [`${address}.ip`]: '0.0.0.0' }, `${address}.ip: Invalid value: "0.0.0.0": may not be unspecified (0.0.0.0)`],
    ['all of a group', { [`${address}.ip`]: '224.0.0.1' }, `${address}.ip: Invalid value: "224.0.0.1": may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)`],
    ['ports without names', { 'subsets[0].ports': [{ port: 1 }, { port: 2 }] }, `${port}.name: Required value`, 'subsets[0].ports[1].name: Required value'],
    ['no port', { [`${port}.port`]: 0 }, `${port}.port: Invalid value: 0: must be between 1 and 65535, inclusive`],
    ['a strange protocol', { [`${port}.protocol`]: 'ICMP' }, `${port}.protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"`],
  ])
})

t.test('protocols are filled in', async (t) => t.match(await stored(t, ENDPOINTS), { subsets: [{ ports: [{ port: 80, protocol: 'TCP' }] }] }))

t.test('what tables show', async (t) => {
  const shown = (subsets: EndpointSubset[]): unknown => cells(endpoints, { metadata: { name: 'a' }, subsets } as Endpoints)['Endpoints']
  t.equal(shown([]), '<none>')
  t.equal(shown([{ addresses: [{ ip: '10.0.0.1' }, { ip: 'fd00::1' }], ports: [{ port: 80 }] }]), '10.0.0.1:80,[fd00::1]:80')
  t.equal(shown([{ addresses: [{ ip: '10.0.0.1' }] }]), '10.0.0.1')
  t.equal(shown([{ addresses: [{ ip: '10.0.0.1' }, { ip: '10.0.0.2' }], ports: [{ port: 1 }, { port: 2 }] }]), '10.0.0.1:1,10.0.0.2:1,10.0.0.1:2 + 1 more...')
})
