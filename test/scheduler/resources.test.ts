import t from 'tap'
import { NodeInfo } from '../../src/scheduler/node-info.ts'
import { podInfoOf } from '../../src/scheduler/pod-info.ts'
import { podRequests, type RequestOptions } from '../../src/scheduler/resources.ts'
import type { Container, PodSpec, PodStatus } from '../../schemas/types.ts'
import { node, pod } from './_objects.ts'

const c = (cpu?: string, memory?: string, more: Partial<Container> = {}): Container => ({ name: 'c', ...more, resources: { requests: { ...(cpu ? { cpu } : {}), ...(memory ? { memory } : {}) } } })
const MB = 1024 * 1024

t.test('what a pod asks for', async (t) => {
  const table: [name: string, spec: PodSpec, options: RequestOptions, cpu: number, memory: number][] = [
    ['sum of containers', { containers: [c('100m', '1Mi'), c('1', '2Mi')] }, {}, 1100, 3 * MB],
    ['the largest init container', { containers: [c('100m')], initContainers: [c('2'), c('1', '5Mi')] }, {}, 2000, 5 * MB],
    ['sidecars add up', { containers: [c('1')], initContainers: [c('500m', undefined, { restartPolicy: 'Always' }), c('1')] }, {}, 1500, 0],
    ['overhead', { containers: [c('1')], overhead: { cpu: '250m' } }, {}, 1250, 0],
    ['of the pod as a whole', { containers: [c('1', '1Mi')], resources: { requests: { cpu: '3' } } }, {}, 3000, MB],
    ['defaults for containers that say nothing', { containers: [c(), c('1')] }, { nonZero: true }, 1100, 400 * MB],
  ]
  for (const [name, spec, options, cpu, memory] of table) {
    const requests = podRequests({ metadata: {}, spec }, options)
    t.same([requests.milliCPU, requests.memory], [cpu, memory], name)
  }
})

t.test('a resize that is under way counts in full', async (t) => {
  const status: PodStatus = { containerStatuses: [{ name: 'c', resources: { requests: { cpu: '2' } }, allocatedResources: { cpu: '3' } }] }
  t.equal(podRequests({ metadata: {}, spec: { containers: [c('1')] }, status }, { useStatus: true }).milliCPU, 3000)
})

t.test('a node sums up what is on it, and forgets what goes', async (t) => {
  const info = new NodeInfo(node('a'))
  const x = podInfoOf(pod('x', { cpu: '1', containers: [{ name: 'c', ports: [{ containerPort: 1, hostPort: 80 }], resources: { requests: { cpu: '1', 'example.com/gpu': '2' } } }] }))
  const y = podInfoOf(pod('y'))
  info.addPod(x)
  info.addPod(y)
  info.addPod(y)
  t.same([info.pods.size, info.requested.milliCPU, info.requested.scalar?.get('example.com/gpu'), info.nonZeroMilliCPU], [2, 1000, 2, 1100])
  t.equal(info.isPortUsed({ ip: '10.0.0.1', protocol: 'TCP', port: 80 }), true)
  const copy = info.clone()
  copy.removePod(x.uid)
  t.equal(copy.isPortUsed({ ip: '10.0.0.1', protocol: 'TCP', port: 80 }), false)
  t.same([copy.requested.milliCPU, info.requested.milliCPU], [0, 1000], 'the copy is a copy')
})
