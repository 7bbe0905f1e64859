/** ResourceClaims of pods: made from templates, reserved, given back. */
import t from 'tap'
import type { Pod, ResourceClaim, ResourceClaimTemplate } from '../../schemas/types.ts'
import claims, { plan } from '../../controllers/resourceclaim-claims.ts'
import pods, { generateNameFor } from '../../controllers/resourceclaim.ts'
import { FakeCluster } from '../helpers/fake-client.ts'
import { pod } from '../helpers/objects.ts'
import { ControllerRun } from '../helpers/run-controller.ts'

const CLAIM = 'resource.k8s.io/v1/ResourceClaim'
const template: ResourceClaimTemplate = { apiVersion: 'resource.k8s.io/v1', kind: 'ResourceClaimTemplate', metadata: { name: 'gpu', namespace: 'default' }, spec: { metadata: { labels: { a: 'b' } }, spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'c' } }] } } } }
const asking = (name: string, more: Partial<Pod['spec']> = {}): Pod => ({ ...pod(name), spec: { ...pod(name).spec, resourceClaims: [{ name: 'mine', resourceClaimTemplateName: 'gpu' }], ...more } })

t.test('names keep a part of both', (t) => {
  t.equal(generateNameFor('web', 'gpu'), 'web-gpu-')
  t.equal(generateNameFor('p'.repeat(60), 'c'.repeat(40)), `${'p'.repeat(33)}-${'c'.repeat(22)}`)
  t.end()
})

t.test('a claim for each template that a pod names', async (t) => {
  const cluster = new FakeCluster()
  const run = new ControllerRun(cluster, pods)
  cluster.seed(asking('a'))
  await run.settle()
  t.same(cluster.events, ['Pod/a Warning FailedResourceClaimCreation: PodResourceClaim mine: resource claim template "gpu": resourceclaimtemplate.resource.k8s.io "gpu" not found'])
  cluster.seed(template)
  await run.settle()
  const [claim] = cluster.all<ResourceClaim>(CLAIM)
  t.match(claim, { metadata: { name: /^a-mine-/, labels: { a: 'b' }, annotations: { 'resource.kubernetes.io/pod-claim-name': 'mine' }, ownerReferences: [{ kind: 'Pod', name: 'a', controller: true }] }, spec: template.spec.spec })
  t.same(cluster.read<Pod>('v1/Pod', 'a').status?.resourceClaimStatuses, [{ name: 'mine', resourceClaimName: claim?.metadata.name }])
  await run.settle()
  t.equal(cluster.all(CLAIM).length, 1)
})

t.test('what becomes of a claim', (t) => {
  const used = (status: ResourceClaim['status'], metadata: Partial<ResourceClaim['metadata']> = {}): ResourceClaim => ({ apiVersion: 'resource.k8s.io/v1', kind: 'ResourceClaim', metadata: { name: 'c', namespace: 'default', ...metadata }, spec: {}, status })
  const by = (...names: string[]) => names.map((name) => ({ resource: 'pods', name, uid: `uid-${name}` }))
  const there = new Map([['runs', pod('runs', { node: 'n', phase: 'Running' })], ['done', pod('done', { phase: 'Succeeded' })], ['goes', pod('goes', { deleted: true })]])
  const planOf = (claim: ResourceClaim) => {
    const { remaining, ...rest } = plan(claim, (name) => there.get(name))
    return [remaining.map((r) => r.name ?? '').join(), ...Object.entries(rest).flatMap(([key, value]) => (value ? [key] : []))].join(' ')
  }
  const finalizers = ['resource.kubernetes.io/delete-protection']
  const owner = (name: string) => ({ ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name, uid: `uid-${name}`, controller: true }] })
  const cases: readonly (readonly [ResourceClaim, string, string])[] = [
    [used({ allocation: {}, reservedFor: by('runs', 'done') }, { finalizers }), 'runs', 'one user is left'],
    [used({ allocation: {}, reservedFor: by('done', 'goes', 'gone') }, { finalizers }), ' deallocate release', 'nobody is left'],
    [used({ allocation: {}, reservedFor: by('done') }), '', 'somebody else protects it'],
    [used({ allocation: {} }, { finalizers }), '', 'nobody has used it yet'],
    [used({ allocation: {} }, { finalizers, deletionTimestamp: '2026-01-01T00:00:00Z' }), ' deallocate release', 'it is to go'],
    [used({}, owner('done')), ' remove', 'its pod is done'],
    [used({}, owner('runs')), '', 'its pod runs'],
    [used({}, owner('gone')), '', 'the garbage collector has it'],
  ]
  for (const [claim, expect, name] of cases) t.equal(planOf(claim), expect, name)
  t.end()
})

t.test('reservations go with their pods', async (t) => {
  const cluster = new FakeCluster()
  const run = new ControllerRun(cluster, claims)
  const user = asking('a', { nodeName: 'n', resourceClaims: [{ name: 'mine', resourceClaimName: 'c' }] })
  const claim: ResourceClaim = { apiVersion: 'resource.k8s.io/v1', kind: 'ResourceClaim', metadata: { name: 'c', namespace: 'default', finalizers: ['resource.kubernetes.io/delete-protection'] }, spec: {}, status: { allocation: {}, reservedFor: [{ resource: 'pods', name: 'a', uid: 'uid-a' }] } }
  cluster.seed(user, claim)
  await run.settle()
  t.equal(cluster.writes.length, 0)
  await cluster.delete('v1/Pod', { namespace: 'default', name: 'a' })
  await run.settle()
  const { metadata, status } = cluster.read<ResourceClaim>(CLAIM, 'c')
  t.same([metadata.finalizers, status], [[], { reservedFor: [] }])
  t.same(run.errors, [])
})
