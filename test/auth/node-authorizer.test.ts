import t from 'tap'
import { NodeAuthorizer } from '../../src/auth/node-authorizer.ts'
import type { AuthorizationAttributes } from '../../src/registry/authorization.ts'
import { startApi, userNamed } from '../helpers/in-process-api.ts'

const NODE = userNamed('system:node:n1', 'system:nodes')
const pod = (name: string, nodeName: string, spec: object, annotations = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'ns', annotations },
  spec: { nodeName, containers: [{ name: 'c', image: 'i' }], ...spec },
})

/** `verb group/resource[/subresource] [namespace/]name [node that is selected]` */
function asked(text: string, user = NODE): AuthorizationAttributes {
  const [verb = '', what = '', where = '', selected] = text.split(' ')
  const [apiGroup = '', resource = '', subresource = ''] = what.split('/')
  const [namespace = '', name = ''] = where.includes('/') ? where.split('/') : ['', where]
  const fieldSelector = selected ? { fieldSelector: [{ key: 'spec.nodeName', operator: '=', values: [selected] }] } : {}
  return { user, verb, apiGroup, apiVersion: 'v1', resource, subresource, namespace, name, ...fieldSelector }
}

const UNRELATED = "no relationship found between node 'n1' and this object"
const CASES: readonly [string, string | true][] = [
  ['get /secrets ns/mounted', true],
  ['watch /secrets ns/mounted', true],
  ['get /secrets ns/pull', true],
  ['get /secrets ns/volume', true],
  ['get /secrets ns/other', UNRELATED],
  ['get /secrets ns/mirror', UNRELATED],
  ['get /secrets elsewhere/mounted', UNRELATED],
  ['list /secrets ns/', 'No Object name found'],
  ['list /secrets ', 'can only read namespaced object of this type'],
  ['update /secrets ns/mounted', 'can only read resources of this type'],
  ['get /configmaps ns/env', true],
  ['get /configmaps ns/other', UNRELATED],
  ['get /persistentvolumeclaims ns/claim', true],
  ['patch /persistentvolumeclaims/status ns/claim', true],
  ['get /persistentvolumeclaims/status ns/claim', 'can only get/update/patch this type'],
  ['list /persistentvolumeclaims ns/', 'can only get individual resources of this type'],
  ['get /persistentvolumes bound', true],
  ['get /persistentvolumes free', UNRELATED],
  ['create /serviceaccounts/token ns/runner', true],
  ['create /serviceaccounts/token ns/other', UNRELATED],
  ['create /serviceaccounts ns/', 'can only create tokens for individual service accounts'],
  ['get /serviceaccounts ns/runner', true],
  ['update coordination.k8s.io/leases kube-node-lease/n1', true],
  ['update coordination.k8s.io/leases kube-node-lease/n2', 'can only access node lease with the same name as the requesting node'],
  ['update coordination.k8s.io/leases ns/n1', 'can only access leases in the "kube-node-lease" system namespace'],
  ['list coordination.k8s.io/leases kube-node-lease/', 'can only get, create, update, patch, or delete a node lease'],
  ['patch storage.k8s.io/csinodes n1', true],
  ['patch storage.k8s.io/csinodes n2', 'can only access CSINode with the same name as the requesting node'],
  ['get /nodes n1', true],
  ['get /nodes n2', "node 'n1' cannot read 'n2', only its own Node object"],
  ['list /nodes ', "node 'n1' cannot read all nodes, only its own Node object"],
  ['update /nodes/status n1', true],
  ['delete /nodes n1', ''],
  ['list /pods  n1', true],
  ['list /pods  n2', 'can only list/watch pods with spec.nodeName field selector'],
  ['get /pods ns/mine', true],
  ['get /pods ns/theirs', UNRELATED],
  ['create /pods/eviction ns/mine', true],
  ['create /pods/binding ns/mine', ''],
  ['list resource.k8s.io/resourceslices ', 'can only list/watch/deletecollection resourceslices with nodeName field selector'],
  ['list /services ', true],
  ['create /services ns/', ''],
  ['get certificates.k8s.io/podcertificaterequests ns/x', ''],
]

t.test('what a node may do', async (t) => {
  const api = await startApi(t)
  const volumes = [
    { name: 'a', secret: { secretName: 'mounted' } },
    { name: 'b', persistentVolumeClaim: { claimName: 'claim' } },
  ]
  const env = [{ name: 'E', valueFrom: { configMapKeyRef: { name: 'env', key: 'k' } } }]
  await api.create(pod('mine', 'n1', { volumes, imagePullSecrets: [{ name: 'pull' }], serviceAccountName: 'runner', containers: [{ name: 'c', image: 'i', env }] }))
  await api.create(pod('theirs', 'n2', { volumes: [{ name: 'a', secret: { secretName: 'other' } }], serviceAccountName: 'other' }))
  await api.create(pod('static', 'n1', { volumes: [{ name: 'a', secret: { secretName: 'mirror' } }] }, { 'kubernetes.io/config.mirror': 'x' }))
  const volume = (name: string, claim: string) => ({
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name },
    spec: {
      capacity: { storage: '1Gi' },
      accessModes: ['ReadWriteOnce'],
      claimRef: { namespace: 'ns', name: claim },
      csi: { driver: 'd.example.com', volumeHandle: 'v', nodePublishSecretRef: { namespace: 'ns', name: `volume` } },
    },
  })
  await api.create(volume('bound', 'claim'))
  await api.create(volume('free', 'unclaimed'))
  const authorizer = new NodeAuthorizer(api.informers)
  for (const [text, expected] of CASES) {
    const verdict = authorizer.authorize(asked(text))
    t.equal(verdict.decision === 'Allow' ? true : verdict.reason, expected, text)
  }
  t.equal(authorizer.authorize({ user: NODE, verb: 'get', path: '/api' }).decision, 'NoOpinion')
  t.same(authorizer.authorize(asked('get /nodes n1', userNamed('system:node:n1'))), { decision: 'NoOpinion', reason: '' }, 'the group makes the node')
  t.equal(authorizer.authorize(asked('get /nodes n1', userNamed('system:node:', 'system:nodes'))).reason, 'unknown node for user "system:node:"')
  t.equal(authorizer.rulesFor(NODE).error, 'node authorizer does not support user rule resolution')
})
