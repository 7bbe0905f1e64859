/** The verdicts of agnhost's webhooks. */
import t from 'tap'
import type { AdmissionRequest } from '../../../schemas/types.ts'
import { judges } from '../../../src/kubelet/sandbox/agnhost/webhook.ts'

const slept: number[] = []
const all = judges({
  sidecarImage: 'sidecar:1',
  sleep: async (ms) => {
    slept.push(ms)
  },
})

const pod = (labels: Record<string, string>, ...names: string[]) => ({ metadata: { labels }, spec: { containers: names.map((name) => ({ name })) } })
const ops = (verdict: { patch?: string }) => JSON.parse(Buffer.from(verdict.patch ?? '', 'base64').toString() || '[]') as unknown

t.test('who is refused', async (t) => {
  const cases: readonly (readonly [string, object, string, object])[] = [
    ['/always-deny', {}, 'CREATE', { allowed: false, status: { message: 'this webhook denies all requests' } }],
    ['/pods', pod({ a: 'b' }, 'app'), 'CREATE', { allowed: true }],
    ['/pods', pod({ 'webhook-e2e-test': 'webhook-disallow' }, 'webhook-disallow'), 'CREATE', { allowed: false, status: { message: 'the pod contains unwanted label; the pod contains unwanted container name;' } }],
    ['/pods/attach', { stdin: true, container: 'container1' }, 'CONNECT', { allowed: false }],
    ['/pods/attach', { stdin: true, container: 'other' }, 'CONNECT', { allowed: true }],
    ['/configmaps', { data: { 'webhook-e2e-test': 'webhook-disallow' } }, 'UPDATE', { allowed: false, status: { reason: 'the configmap contains unwanted key and value' } }],
    ['/configmaps', { data: { 'webhook-e2e-test': 'webhook-disallow' } }, 'DELETE', { allowed: true }],
    ['/custom-resource', { data: { 'webhook-e2e-test': 'webhook-nondeletable' } }, 'DELETE', { allowed: false }],
    ['/crd', pod({ 'webhook-e2e-test': 'webhook-disallow' }), 'CREATE', { allowed: false, status: { message: 'the crd contains unwanted label' } }],
  ]
  for (const [path, looked, operation, verdict] of cases) t.match(await all[path]?.(looked, { operation } as AdmissionRequest), verdict, `${path} ${operation}`)
})

t.test('what is changed', async (t) => {
  const cases: readonly (readonly [string, object, unknown])[] = [
    ['/add-label', { metadata: {} }, [{ op: 'add', path: '/metadata/labels', value: { 'added-label': 'yes' } }]],
    ['/add-label', pod({ a: 'b' }), [{ op: 'add', path: '/metadata/labels/added-label', value: 'yes' }]],
    ['/add-label', pod({ 'added-label': 'no' }), [{ op: 'replace', path: '/metadata/labels/added-label', value: 'yes' }]],
    ['/add-label', pod({ 'added-label': 'yes' }), []],
    ['/mutating-configmaps', { data: { 'mutation-start': 'yes' } }, [{ op: 'add', path: '/data/mutation-stage-1', value: 'yes' }]],
    ['/mutating-configmaps', { data: { 'mutation-start': 'yes', 'mutation-stage-1': 'yes' } }, [{ op: 'add', path: '/data/mutation-stage-2', value: 'yes' }]],
    ['/mutating-configmaps', { data: {} }, []],
    ['/mutating-pods-sidecar', pod({}), [{ op: 'add', path: '/spec/containers/-', value: { image: 'sidecar:1', name: 'webhook-added-sidecar', resources: {} } }]],
  ]
  for (const [path, looked, expected] of cases) t.same(ops((await all[path]?.(looked, { operation: 'CREATE' } as AdmissionRequest)) ?? {}), expected, path)
})

t.test('one takes its time', async (t) => {
  t.match(await all['/always-allow-delay-5s']?.({}, {} as AdmissionRequest), { allowed: true })
  t.same(slept, [5000])
})
