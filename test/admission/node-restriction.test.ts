import t from 'tap'
import { nodeRestriction } from '../../src/admission/node-restriction.ts'
import { isStatusError } from '../../src/errors.ts'
import type { KubeObject } from '../../src/registry/kind.ts'
import { startApi, userNamed } from '../helpers/in-process-api.ts'

const kubelet = userNamed('system:node:n1', 'system:nodes')
const pod = (name: string, spec: object = {}, metadata: object = {}) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'ns', ...metadata }, spec: { containers: [{ name: 'c', image: 'i' }], ...spec } })
const node = (name: string, labels: Record<string, string> = {}, spec: object = {}) => ({ apiVersion: 'v1', kind: 'Node', metadata: { name, labels }, spec })

async function message(write: Promise<unknown>): Promise<string> {
  try {
    await write
    return ''
  } catch (error) {
    if (!isStatusError(error)) throw error
    return error.message
  }
}

t.test('who is a node', async (t) => {
  const { refused } = await startApi(t, { plugins: [nodeRestriction] })
  const other = node('n2')
  t.same(await refused(other, kubelet), ['nodes "n2" is forbidden: node "n1" is not allowed to modify node "n2"'])
  t.same(await refused(other, userNamed('system:node:n1')), [], 'not without the group')
  t.same(await refused(other, userNamed('n1', 'system:nodes')), [], 'nor by another name')
  t.same(await refused(other, userNamed('system:node:', 'system:nodes')), ['nodes "n2" is forbidden: could not determine node from user "system:node:"'])
})

t.test('nodes', async (t) => {
  const { create, refused, client } = await startApi(t, { plugins: [nodeRestriction] })
  const labels = { 'kubernetes.io/hostname': 'n1', 'node.kubernetes.io/x': 'y', 'a.kubelet.kubernetes.io/x': 'y', 'example.com/z': 'w' }
  t.same(await refused(node('n1', { ...labels, 'node-restriction.kubernetes.io/a': 'b', 'x.k8s.io/c': 'd' }), kubelet), ['nodes "n1" is forbidden: node "n1" is not allowed to set the following labels: node-restriction.kubernetes.io/a, x.k8s.io/c'])
  const made = await create(node('n1', labels), kubelet)
  const update = (object: object) => message(client(kubelet).update({ ...made, ...object } as KubeObject, { dryRun: true }))
  t.equal(await update({ metadata: { ...made.metadata, labels: { ...labels, 'foo.kubernetes.io/x': 'y' } } }), 'nodes "n1" is forbidden: is not allowed to modify labels: foo.kubernetes.io/x')
  t.equal(await update({ spec: { taints: [{ key: 'k', effect: 'NoSchedule' }] } }), 'nodes "n1" is forbidden: node "n1" is not allowed to modify taints')
  t.equal(await update({ metadata: { ...made.metadata, ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'x', uid: 'u' }] } }), 'nodes "n1" is forbidden: node "n1" is not allowed to modify ownerReferences')
  t.equal(await update({ metadata: { ...made.metadata, annotations: { a: 'b' } } }), '')
})

t.test('mirror pods', async (t) => {
  const { create, refused, client } = await startApi(t, { plugins: [nodeRestriction] })
  const { metadata } = await create(node('n1'))
  const mirror = (owner: object | undefined, more: object = {}) => pod('m', { nodeName: 'n1', ...more }, { annotations: { 'kubernetes.io/config.mirror': 'x' }, ...(owner ? { ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: 'n1', uid: metadata.uid, controller: true, ...owner }] } : {}) })
  const head = 'pods "m" is forbidden: '
  const cases: [string, ReturnType<typeof pod>, string?][] = [
    ['no mirror', pod('m', { nodeName: 'n1' }), 'pod does not have "kubernetes.io/config.mirror" annotation, node "n1" can only create mirror pods'],
    ['of another node', mirror({}, { nodeName: 'n2' }), 'node "n1" can only create pods with spec.nodeName set to itself'],
    ['without an owner', mirror(undefined), 'node "n1" can only create pods with an owner reference set to itself'],
    ['with another owner', mirror({ name: 'n2' }), 'node "n1" can only create pods with an owner reference set to itself'],
    ['not controlled', mirror({ controller: false }), 'node "n1" can only create pods with a controller owner reference set to itself'],
    ['blocking', mirror({ blockOwnerDeletion: true }), 'node "n1" must not set blockOwnerDeletion on an owner reference'],
    ['of an older node', mirror({ uid: 'old' }), `node n1 UID mismatch: expected old got ${metadata.uid}`],
    ['with a secret', mirror({}, { volumes: [{ name: 'v', secret: { secretName: 's' } }] }), 'node "n1" can not create pods that reference secrets'],
    ['with a claim', mirror({}, { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 's' } }] }), 'node "n1" can not create pods that reference persistentvolumeclaims'],
    ['with a projected token', mirror({}, { volumes: [{ name: 'v', projected: { sources: [{ serviceAccountToken: { path: 't' } }] } }] }), 'node "n1" can not create pods that reference serviceaccounts (via projected volumes)'],
    ['as it should be', mirror({}, { volumes: [{ name: 'v', hostPath: { path: '/' } }] })],
  ]
  for (const [name, object, text] of cases) t.same(await refused(object, kubelet), text === undefined ? [] : [head + text], name)
  await create(pod('mine', { nodeName: 'n1' }))
  await create(pod('theirs', { nodeName: 'n2' }))
  const remove = (name: string) => message(client(kubelet).delete('v1/Pod', { namespace: 'ns', name }))
  t.same([await remove('theirs'), await remove('mine')], ['pods "theirs" is forbidden: node "n1" can only delete pods with spec.nodeName set to itself', ''])
})

t.test('status, evictions and claims', async (t) => {
  const { create, client } = await startApi(t, { plugins: [nodeRestriction] })
  const mine = await create(pod('mine', { nodeName: 'n1' }))
  const theirs = await create(pod('theirs', { nodeName: 'n2' }))
  const status = (object: object, more: object = {}) => message(client(kubelet).updateStatus({ ...object, status: { phase: 'Running' }, ...more } as unknown as KubeObject))
  t.equal(await status(theirs), 'pods "theirs" is forbidden: node "n1" can only update pod status for pods with spec.nodeName set to itself')
  t.equal(await status(mine), '')
  const evict = (name: string) => message(client(kubelet).create({ apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace: 'ns' } }, { subresource: 'eviction' }))
  t.equal(await evict('theirs'), 'pods "theirs" is forbidden: node n1 can only evict pods with spec.nodeName set to itself')
  t.equal(await evict('none'), 'pod "none" not found')
  t.equal(await evict('mine'), '')
  t.equal(await message(client(kubelet).update({ ...theirs } as KubeObject)), 'pods "theirs" is forbidden: unexpected operation "UPDATE", node "n1" can only create and delete mirror pods')
  const claim = await create({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'c', namespace: 'ns' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } })
  t.equal(await status(claim, { status: { capacity: { storage: '2Gi' } } }), '')
  t.match(await status(await client().get('v1/PersistentVolumeClaim', { namespace: 'ns', name: 'c' }), { status: { phase: 'Lost' } }), /^persistentvolumeclaims "c" is forbidden: node "n1" is not allowed to update fields other than status\.quantity and status\.conditions/)
})

t.test('leases, CSI nodes and resource slices', async (t) => {
  const { refused } = await startApi(t, { plugins: [nodeRestriction] })
  const lease = (name: string, namespace: string) => ({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name, namespace } })
  t.same(await refused(lease('n1', 'kube-node-lease'), kubelet), [])
  t.same(await refused(lease('n1', 'ns'), kubelet), ['leases.coordination.k8s.io "n1" is forbidden: can only access leases in the "kube-node-lease" system namespace'])
  t.same(await refused(lease('n2', 'kube-node-lease'), kubelet), ['leases.coordination.k8s.io "n2" is forbidden: can only access node lease with the same name as the requesting node'])
  t.same(await refused({ apiVersion: 'storage.k8s.io/v1', kind: 'CSINode', metadata: { name: 'n2' }, spec: { drivers: [] } }, kubelet), ['csinodes.storage.k8s.io "n2" is forbidden: can only access CSINode with the same name as the requesting node'])
  const slice = (nodeName: string) => ({ apiVersion: 'resource.k8s.io/v1', kind: 'ResourceSlice', metadata: { name: 's' }, spec: { driver: 'd.example.com', nodeName, pool: { name: 'p', generation: 1, resourceSliceCount: 1 } } })
  t.same(await refused(slice('n2'), kubelet), ['resourceslices.resource.k8s.io "s" is forbidden: can only create ResourceSlice with the same NodeName as the requesting node'])
})

t.test('tokens of service accounts', async (t) => {
  const serviceAccountTokens = { defaultAudiences: ['api'], sign: () => Promise.resolve({ token: 'token', id: 'id' }) }
  const { create, client } = await startApi(t, { plugins: [nodeRestriction], serviceAccountTokens })
  await create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'bot', namespace: 'ns' } })
  const volumes = [{ name: 'v', projected: { sources: [{ serviceAccountToken: { path: 't', audience: 'vault' } }] } }]
  const mine = await create(pod('mine', { nodeName: 'n1', serviceAccountName: 'bot', volumes }))
  const theirs = await create(pod('theirs', { nodeName: 'n2', serviceAccountName: 'bot' }))
  const token = (to: KubeObject | undefined, more: object = {}, ref: object = {}) => {
    const boundObjectRef = to && { apiVersion: 'v1', kind: 'Pod', name: to.metadata.name, uid: to.metadata.uid, ...ref }
    const spec = { audiences: ['vault'], expirationSeconds: 3600, ...(boundObjectRef ? { boundObjectRef } : {}), ...more }
    return message(client(kubelet).create({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', metadata: { name: 'bot', namespace: 'ns' }, spec } as KubeObject, { subresource: 'token' }))
  }
  const head = 'serviceaccounts "bot" is forbidden: '
  t.equal(await token(mine), '')
  t.equal(await token(undefined), `${head}node requested token not bound to a pod`)
  t.equal(await token(mine, {}, { uid: '' }), `${head}node requested token with a pod binding without a uid`)
  t.match(await token(mine, {}, { uid: 'x' }), /the UID in the bound object reference \(x\) does not match the UID in record/)
  t.equal(await token(theirs), `${head}node requested token bound to a pod scheduled on a different node`)
  t.equal(await token(mine, { audiences: ['a', 'b'] }), `${head}node may only request 0 or 1 audiences`)
  t.equal(await token(mine, { audiences: ['other'] }), `${head}audience "other" not found in pod spec volume, system:node:n1 is not authorized to request tokens for this audience`)
})
