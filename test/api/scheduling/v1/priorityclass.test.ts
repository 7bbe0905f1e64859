import t from 'tap'
import { checkRefusals, checkUpdateRefusals, stored } from '../../../helpers/refusals.ts'

const CLASS = { apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', value: 10 }
const RESERVED = "priority class names with 'system-' prefix are reserved for system use only. error: "

t.test('what is refused', (t) =>
  checkRefusals(t, CLASS, [
    ['higher than users may be', { value: 1_000_000_001 }, 'value: Forbidden: maximum allowed value of a user defined priority is 1000000000'],
    ['a name of the system', { 'metadata.name': 'system-x' }, `metadata.name: Forbidden: ${RESERVED}system-x is not a known system priority class`],
    ['another value of the system’s', { 'metadata.name': 'system-node-critical' }, `metadata.name: Forbidden: ${RESERVED}value of system-node-critical PriorityClass must be 2000001000`],
    ['the default of all', { 'metadata.name': 'system-cluster-critical', value: 2_000_000_000, globalDefault: true }, `metadata.name: Forbidden: ${RESERVED}globalDefault of system-cluster-critical PriorityClass must be false`],
    ['an unknown policy', { preemptionPolicy: 'Sometimes' }, 'preemptionPolicy: Unsupported value: "Sometimes": supported values: "PreemptLowerPriority", "Never"'],
  ]))

t.test('what may not change', (t) =>
  checkUpdateRefusals(t, CLASS, [
    ['the value', { value: 11 }, 'value: Forbidden: may not be changed in an update.'],
    ['the policy', { preemptionPolicy: 'Never' }, 'preemptionPolicy: Invalid value: "Never": field is immutable'],
    ['what is told about it', { description: 'x' }],
  ]))

t.test('what is filled in', async (t) => t.equal((await stored(t, CLASS)).preemptionPolicy, 'PreemptLowerPriority'))
