/** The kubelets' own port: who may ask what, from pods, and through the API server. */
import t from 'tap'
import { WebSocket } from 'ws'
import { kubeletAttributes } from '../../src/streaming/kubelet/kubelet-attributes.ts'
import { isServed } from '../../src/streaming/kubelet/kubelet-routes.ts'
import type { Node } from '../../schemas/types.ts'
import { eventually, Kubectl, startTestCluster } from '../helpers/cluster.ts'
import { podManifest } from '../helpers/manifests.ts'

t.test('what must be allowed', async (t) => {
  const table: [method: string, path: string, verb: string, subresources: string][] = [
    ['GET', '/metrics', 'get', 'metrics'],
    ['GET', '/metrics/cadvisor', 'get', 'metrics'],
    ['GET', '/stats/summary', 'get', 'stats'],
    ['GET', '/logs/', 'get', 'log'],
    ['GET', '/pods', 'get', 'pods proxy'],
    ['GET', '/runningpods/', 'get', 'pods proxy'],
    ['GET', '/healthz/ping', 'get', 'healthz proxy'],
    ['GET', '/configz', 'get', 'configz proxy'],
    ['GET', '/statusz', 'get', 'statusz'],
    ['POST', '/checkpoint/a/b/c', 'create', 'checkpoint'],
    ['POST', '/exec/a/b/c', 'create', 'proxy'],
    ['GET', '/exec/a/b/c', 'get', 'proxy'],
    ['DELETE', '/podsX', 'delete', 'proxy'],
    ['HEAD', '/', '', 'proxy'],
  ]
  for (const [method, path, verb, subresources] of table) t.same(kubeletAttributes(method, path), { verb, subresources: subresources.split(' ') }, `${method} ${path}`)
  for (const path of ['/', '/spec', '/stat', '/podsX']) t.notOk(isServed(path), path)
  for (const path of ['/pods', '/runningpods/', '/debug/pprof/heap', '/exec/a/b/c']) t.ok(isServed(path), path)
})

const ROLE = `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: reads-nodes}
rules: [{apiGroups: [''], resources: [nodes/metrics, nodes/healthz], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: reads-nodes}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: reads-nodes}
subjects: [{kind: ServiceAccount, name: default, namespace: default}]
`

t.test('in a cluster', async (t) => {
  const cluster = await startTestCluster(t, { nodes: 1, adminToken: 'secret' })
  const k = new Kubectl('1.36', cluster)
  await k.apply(podManifest({ name: 'web', container: { image: 'curlimages/curl', command: ['sh', '-c', 'echo said; sleep 1000'] } }))
  await k.run('wait pod/web --for=condition=Ready --timeout=20s')
  const ip = (await k.json<Node>('get node node-1')).status?.addresses?.find((a) => a.type === 'InternalIP')?.address ?? ''
  const inPod = (script: string) => k.run(['exec', 'web', '--', 'sh', '-c', script])
  const ask = (path: string, flags = '-H "Authorization: Bearer $(cat /var/run/secrets/kubernetes.io/serviceaccount/token)"') => inPod(`curl -sk -w ' %{http_code}' ${flags} https://${ip}:10250${path}`)
  t.equal(await ask('/metrics', ''), 'Unauthorized 401')
  t.equal(await ask('/metrics', '-H "Authorization: Bearer wrong"'), 'Unauthorized 401')
  t.equal(await ask('/nothing', ''), '404 page not found\n 404')
  const user = 'system:serviceaccount:default:default'
  t.equal(await ask('/metrics'), `Forbidden (user=${user}, verb=get, resource=nodes, subresource(s)=[metrics])\n 403`)
  t.equal(await ask('/pods'), `Forbidden (user=${user}, verb=get, resource=nodes, subresource(s)=[pods proxy])\n 403`)
  await k.apply(ROLE)
  await eventually(async () => (await ask('/metrics')).includes('kubelet_running_pods 1\n'))
  t.equal(await ask('/healthz'), 'ok 200')
  t.match(await ask('/configz'), /subresource\(s\)=\[configz proxy\]\)\n 403$/)

  const raw = (path: string) => k.run(`get --raw /api/v1/nodes/node-1/proxy/${path}`)
  t.equal(await raw('containerLogs/default/web/main?tailLines=1'), 'said\n')
  t.match(await k.fails('get --raw /api/v1/nodes/node-1/proxy/debug/pprof/heap'), 'MethodNotAllowed')
  t.match(await raw('statusz'), '\nkubelet statusz\n')
  t.equal(await k.run(['create', '--raw', '/api/v1/nodes/node-1/proxy/run/default/web/main?cmd=echo+a+b', '-f', '-'], { stdin: '' }), 'a b\n')
  t.match(await k.fails(['create', '--raw', '/api/v1/nodes/node-1/proxy/run/default/web/main?cmd=ls+/none', '-f', '-'], { stdin: '' }), "command 'ls /none' exited with 1: ls: /none: No such file or directory")
  const words = await new Promise<string>((resolve, reject) => {
    const url = `${cluster.cluster.url.replace('https', 'wss')}/api/v1/nodes/node-1/proxy/exec/default/web/main?command=echo&command=through&output=1`
    const socket = new WebSocket(url, ['v4.channel.k8s.io'], { rejectUnauthorized: false, headers: { authorization: `Bearer secret` } })
    let text = ''
    socket.on('message', (data: Buffer) => (text += data[0] === 1 ? data.subarray(1).toString() : ''))
    socket.on('close', () => resolve(text))
    socket.on('error', reject)
  })
  t.equal(words, 'through\n')
})
