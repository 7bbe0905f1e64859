import t from 'tap'
import type { Container } from '../../../../schemas/types.ts'
import { aggregateContainerResources, computePodQOS } from '../../../../api/core/v1/_pod-resources.ts'

const asking = (requests: Record<string, string>, limits: Record<string, string> = {}, more: Container = {}): Container => ({ name: 'c', resources: { requests, limits }, ...more })
const full = { cpu: '1', memory: '1Gi' }

t.test('quality of service', (t) => {
  const cases: [name: string, containers: Container[], expect: string][] = [
    ['nothing asked for', [{ name: 'c' }], 'BestEffort'],
    ['nothing but storage', [asking({ 'ephemeral-storage': '1Gi' })], 'BestEffort'],
    ['zero', [asking({ cpu: '0' })], 'BestEffort'],
    ['some', [asking({ cpu: '1' })], 'Burstable'],
    ['limits above requests', [asking(full, { cpu: '2', memory: '1Gi' })], 'Burstable'],
    ['equal, written otherwise', [asking(full, { cpu: '1000m', memory: '1024Mi' })], 'Guaranteed'],
    ['one of two', [asking(full, full), { name: 'd' }], 'Burstable'],
  ]
  for (const [name, containers, expect] of cases) t.equal(computePodQOS({ metadata: {}, spec: { containers } }), expect, name)
  t.equal(computePodQOS({ metadata: {}, spec: { containers: [{ name: 'c' }], resources: { requests: full, limits: full } } }), 'Guaranteed', 'the pod’s own come first')
  t.equal(computePodQOS({ metadata: {}, spec: { containers: [asking(full, full)], initContainers: [{ name: 'i' }] } }), 'Burstable', 'init containers count')
  t.end()
})

t.test('what all containers ask for together', (t) => {
  const sum = (containers: Container[], initContainers: Container[] = []) => aggregateContainerResources({ containers, initContainers }, 'requests')
  const sidecar = { restartPolicy: 'Always' }
  t.same(sum([asking({ cpu: '500m' }), asking({ cpu: '1', memory: '1Mi' })]), { cpu: '1500m', memory: '1Mi' })
  t.same(sum([asking({ cpu: '1' })], [asking({ cpu: '3' }), asking({ cpu: '2' })]), { cpu: '3' }, 'the greatest beginning')
  t.same(sum([asking({ cpu: '1' })], [asking({ cpu: '1' }, {}, sidecar)]), { cpu: '2' }, 'sidecars stay')
  t.same(sum([asking({ cpu: '1' })], [asking({ cpu: '1' }, {}, sidecar), asking({ cpu: '2' })]), { cpu: '3' }, 'and run beside what comes after them')
  t.same(sum([asking({ cpu: '1' })], [asking({ cpu: '2' }), asking({ cpu: '1' }, {}, sidecar)]), { cpu: '2' }, 'but not before')
  t.end()
})
