/** What admission sees of requests for subresources and reviews, over the wire. */
import t from 'tap'
import type { AdmissionRequest } from '../../schemas/types.ts'
import { startApiCluster } from '../helpers/http.ts'
import { patch, startWebhookServer } from '../helpers/webhook-server.ts'

const NS = '/api/v1/namespaces/default'
const WEBHOOKS = '/apis/admissionregistration.k8s.io/v1'

function webhook(url: string, caBundle: string, resources: string[]) {
  return { name: 'w.example.com', clientConfig: { url, caBundle }, rules: [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources }], sideEffects: 'None', admissionReviewVersions: ['v1'] }
}

t.test('subresources', async (t) => {
  const http = await startApiCluster(t)
  const refuse = new Set<string>()
  const server = await startWebhookServer(t, ({ operation, subResource = '' }) => ({ allowed: !refuse.has(`${operation} ${subResource}`) }))
  await http.make(`${NS}/serviceaccounts`, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'bot' } })
  const container = { name: 'c', image: 'i' }
  const placed = { nodeName: 'nowhere', serviceAccountName: 'bot' }
  await http.make(`${NS}/pods`, { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: { ...placed, containers: [container] } })
  await http.make(`${NS}/pods`, { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'free' }, spec: { serviceAccountName: 'bot', schedulerName: 'none', containers: [container] } })
  const template = { metadata: { labels: { a: 'b' } }, spec: { serviceAccountName: 'bot', schedulerName: 'none', containers: [container] } }
  await http.make('/apis/apps/v1/namespaces/default/replicasets', { apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { name: 'rs' }, spec: { replicas: 0, selector: { matchLabels: { a: 'b' } }, template } })
  const resources = ['pods/exec', 'pods/binding', 'pods/eviction', 'serviceaccounts/token', 'replicasets/scale', 'subjectaccessreviews']
  await http.make(`${WEBHOOKS}/validatingwebhookconfigurations`, { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingWebhookConfiguration', metadata: { name: 'w' }, webhooks: [webhook(server.url, server.caBundle, resources)] })

  const asked = async (write: Promise<unknown>): Promise<AdmissionRequest | undefined> => {
    server.asked.length = 0
    await write
    return server.asked[0]?.request
  }
  const token = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 600 } }
  t.match(await asked(http.post(`${NS}/serviceaccounts/bot/token`, token)), {
    operation: 'CREATE',
    kind: { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' },
    resource: { group: '', resource: 'serviceaccounts' },
    subResource: 'token',
    name: 'bot',
    object: { kind: 'TokenRequest', spec: { expirationSeconds: 600 } },
  })
  t.match(await asked(http.post(`${NS}/pods/free/binding`, { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'free' }, target: { kind: 'Node', name: 'n' } })), { kind: { kind: 'Binding' }, resource: { resource: 'pods' }, subResource: 'binding', object: { target: { name: 'n' } } })
  t.match(await asked(http.put('/apis/apps/v1/namespaces/default/replicasets/rs/scale', { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'rs', namespace: 'default' }, spec: { replicas: 0 } }, { headers: {} })), {
    operation: 'UPDATE',
    kind: { group: 'autoscaling', version: 'v1', kind: 'Scale' },
    resource: { group: 'apps', version: 'v1', resource: 'replicasets' },
    subResource: 'scale',
    object: { kind: 'Scale', metadata: { name: 'rs' } },
    oldObject: { kind: 'Scale' },
  })
  t.match(await asked(http.post(`${NS}/pods/p/exec?command=ls&command=-l&stdin=true&container=c`, undefined)), {
    operation: 'CONNECT',
    kind: { kind: 'PodExecOptions' },
    subResource: 'exec',
    name: 'p',
    object: { kind: 'PodExecOptions', apiVersion: 'v1', command: ['ls', '-l'], stdin: true, container: 'c' },
    options: null,
  })
  const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec: { user: 'jane', resourceAttributes: { verb: 'get', resource: 'pods' } } }
  t.match(await asked(http.post('/apis/authorization.k8s.io/v1/subjectaccessreviews', review)), { operation: 'CREATE', kind: { kind: 'SubjectAccessReview' }, object: { spec: { user: 'jane' } } })

  for (const sub of ['CONNECT exec', 'CREATE eviction', 'UPDATE scale']) refuse.add(sub)
  const denied = 'admission webhook "w.example.com" denied the request without explanation'
  t.match(await http.post(`${NS}/pods/p/exec?command=ls`, undefined), { status: 400, body: { message: denied } })
  t.match(await http.post(`${NS}/pods/p/eviction`, { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'p' } }), { status: 400, body: { message: denied } })
  t.match(await http.patch('/apis/apps/v1/namespaces/default/replicasets/rs/scale', { spec: { replicas: 3 } }), { status: 400, body: { message: denied } })
  t.match(await http.get('/apis/apps/v1/namespaces/default/replicasets/rs'), { body: { spec: { replicas: 0 } } })
})

t.test('options and warnings, and a scale that is changed', async (t) => {
  const http = await startApiCluster(t)
  const server = await startWebhookServer(t, ({ subResource }) => ({ warnings: ['mind the gap', 'mind the gap'], ...(subResource === 'scale' ? patch({ op: 'replace', path: '/spec/replicas', value: 2 }) : {}) }))
  await http.make(`${NS}/configmaps`, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } })
  const template = { metadata: { labels: { a: 'b' } }, spec: { schedulerName: 'none', containers: [{ name: 'c', image: 'i' }] } }
  await http.make('/apis/apps/v1/namespaces/default/replicasets', { apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { name: 'rs' }, spec: { replicas: 0, selector: { matchLabels: { a: 'b' } }, template } })
  const webhooks = [webhook(server.url, server.caBundle, ['configmaps', 'replicasets/scale'])]
  await http.make(`${WEBHOOKS}/mutatingwebhookconfigurations`, { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'MutatingWebhookConfiguration', metadata: { name: 'w' }, webhooks })
  const { status, warnings } = await http.patch(`${NS}/configmaps/a?fieldManager=me&fieldValidation=Strict&dryRun=All`, { data: { k: 'v' } })
  t.same({ status, warnings }, { status: 200, warnings: ['mind the gap'] })
  t.match(server.asked[0]?.request, { operation: 'UPDATE', options: { kind: 'UpdateOptions', apiVersion: 'meta.k8s.io/v1', dryRun: ['All'], fieldManager: 'me', fieldValidation: 'Strict' } })
  t.match(await http.patch('/apis/apps/v1/namespaces/default/replicasets/rs/scale', { spec: { replicas: 5 } }), { status: 200, body: { spec: { replicas: 2 } } })
})

t.test('plugins are switched on and off', async (t) => {
  const http = await startApiCluster(t, { admission: { enable: ['AlwaysPullImages'], disable: ['ServiceAccount'] } })
  const made = await http.make(`${NS}/pods`, { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'i:1' }] } })
  t.match(made, { spec: { containers: [{ imagePullPolicy: 'Always' }] } })
  t.notOk((made.spec as { serviceAccountName?: string }).serviceAccountName)
})
