import t from 'tap'
import { checkRefusals, stored } from '../../../helpers/refusals.ts'

const LEASE = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { namespace: 'ns' }, spec: { leaseDurationSeconds: 15, leaseTransitions: 0 } }

t.test('what is refused', (t) =>
  checkRefusals(t, LEASE, [
    ['no time', { 'spec.leaseDurationSeconds': 0 }, 'spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0'],
    ['fewer holders than none', { 'spec.leaseTransitions': -1 }, 'spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0'],
  ]))

t.test('coordinated election is off', async (t) => t.same((await stored(t, { ...LEASE, spec: { holderIdentity: 'me', strategy: 'OldestEmulationVersion', preferredHolder: 'you' } })).spec, { holderIdentity: 'me' }))
