import t, { type Test } from 'tap'
import { limitRanger } from '../../src/admission/limit-ranger.ts'
import { startApi } from '../helpers/in-process-api.ts'

type Quantities = Record<string, string>
type Limit = { type: string } & Partial<Record<'min' | 'max' | 'default' | 'defaultRequest' | 'maxLimitRequestRatio', Quantities>>
interface Asked {
  requests?: Quantities
  limits?: Quantities
}

const container = (name: string, resources: Asked = {}, more: object = {}) => ({ name, image: 'i', resources, ...more })
const pod = (...containers: object[]) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'ns' }, spec: { containers } })
const claim = (storage: string) => ({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'c', namespace: 'ns' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } } } })

async function withLimits(t: Test, ...limits: Limit[]) {
  const api = await startApi(t, { plugins: [limitRanger] })
  await api.create({ apiVersion: 'v1', kind: 'LimitRange', metadata: { name: 'l', namespace: 'ns' }, spec: { limits } })
  return api
}

t.test('defaults', async (t) => {
  const { create, refused } = await withLimits(t, { type: 'Container', default: { cpu: '500m', memory: '128Mi' }, defaultRequest: { memory: '64Mi' } })
  const made = await create({
    ...pod(container('a'), container('b', { limits: { cpu: '1' } })),
    spec: { containers: [container('a'), container('b', { limits: { cpu: '1' } })], initContainers: [container('i', { requests: { cpu: '1m' } })] },
  })
  const all = { limits: { cpu: '500m', memory: '128Mi' }, requests: { cpu: '500m', memory: '64Mi' } }
  t.match(made.metadata.annotations, {
    'kubernetes.io/limit-ranger':
      'LimitRanger plugin set: cpu, memory request for container a; cpu, memory limit for container a; memory request for container b; memory limit for container b; memory request for init container i; cpu, memory limit for init container i',
  })
  const { containers, initContainers } = made.spec as { containers: { resources: Asked }[]; initContainers: { resources: Asked }[] }
  t.same(containers[0]?.resources.limits, all.limits)
  t.same(containers[1]?.resources.limits, { cpu: '1', memory: '128Mi' })
  t.same(initContainers[0]?.resources, { requests: { cpu: '1m', memory: '64Mi' }, limits: all.limits })
  t.same(await refused({ ...pod(container('c')), metadata: { name: 'elsewhere', namespace: 'other' } }), [], 'other namespaces have their own limits')
})

t.test('limits of containers', async (t) => {
  const { refused } = await withLimits(t, { type: 'Container', min: { cpu: '100m' }, max: { cpu: '1', 'example.com/gpu': '1' }, maxLimitRequestRatio: { cpu: '4' }, default: { 'example.com/gpu': '0' } })
  const head = 'pods "p" is forbidden: '
  const cases: [string, Asked, string?][] = [
    ['just right', { requests: { cpu: '250m' }, limits: { cpu: '1' } }],
    ['no more than allowed', { requests: { cpu: '999m' }, limits: { cpu: '1001m' } }, 'maximum cpu usage per Container is 1, but limit is 1001m'],
    ['nothing, which gets the most', {}],
    ['too small', { requests: { cpu: '50m' }, limits: { cpu: '50m' } }, 'minimum cpu usage per Container is 100m, but request is 50m'],
    ['too far apart', { requests: { cpu: '100m' }, limits: { cpu: '401m' } }, 'cpu max limit to request ratio per Container is 4, but provided ratio is 4.010000'],
    ['no request', { limits: { cpu: '1' } }],
    ['another resource', { requests: { cpu: '1', 'example.com/gpu': '2' }, limits: { cpu: '1', 'example.com/gpu': '2' } }, 'maximum example.com/gpu usage per Container is 1, but limit is 2'],
  ]
  for (const [name, resources, text] of cases) t.same(await refused(pod(container('c', resources))), text === undefined ? [] : [head + text], name)
})

t.test('limits of pods', async (t) => {
  const { refused } = await withLimits(t, { type: 'Pod', min: { memory: '10Mi' }, max: { cpu: '1' }, maxLimitRequestRatio: { memory: '2' } })
  const both = (cpu: string) => ({ requests: { cpu, memory: '20Mi' }, limits: { cpu, memory: '20Mi' } })
  const nothing = 'memory max limit to request ratio per Pod is 2, but no request is specified or request is 0'
  t.same(await refused(pod(container('a'))), [`pods "p" is forbidden: [minimum memory usage per Pod is 10Mi.  No request is specified, maximum cpu usage per Pod is 1.  No limit is specified, ${nothing}]`])
  const over = ['pods "p" is forbidden: maximum cpu usage per Pod is 1, but limit is 1100m']
  t.same(await refused(pod(container('a', both('500m')), container('b', both('500m')))), [])
  t.same(await refused(pod(container('a', both('500m')), container('b', both('600m')))), over)
  const withInit = (cpu: string, restartPolicy?: string) => ({ ...pod(), spec: { containers: [container('a', both('500m'))], initContainers: [container('i', both(cpu), restartPolicy ? { restartPolicy } : {})] } })
  t.same(await refused(withInit('1')), [], 'an init container is over before')
  t.same(await refused(withInit('600m', 'Always')), over, 'a sidecar is not')
  t.same(await refused(withInit('1100m')), over)
})

t.test('claims, and what they become', async (t) => {
  const { create, refused, refusedUpdate } = await withLimits(t, { type: 'PersistentVolumeClaim', min: { storage: '1Gi' }, max: { storage: '5Gi' } })
  t.same(await refused(claim('512Mi')), ['persistentvolumeclaims "c" is forbidden: minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 512Mi'])
  const made = await create(claim('2Gi'))
  t.same(await refusedUpdate(made, (c) => void ((c.metadata.labels = { a: 'b' }), undefined)), [])
})
