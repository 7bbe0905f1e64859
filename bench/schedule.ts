/**
 * Pods onto nodes: from the first create until every pod has a node, plain, with required anti-affinity and with spread
 * constraints on all pods: `npm run bench -- schedule [--kubeconfig FILE] [--nodes N] [--pods N] [--rules plain,spread]`.
 * The nodes have no kubelet, so that nothing else works but the API and the scheduler; creating the pods is part of the time.
 */
import { BenchClient } from './_client.ts'
import { row } from './_measure.ts'
import { all, benchNode, benchPod, placed, rules } from './_pods.ts'
import { processUse, target } from './_server.ts'

const { target: cluster, numbers, given } = await target({ nodes: '5000', pods: '10000', rules: '' }, { serverNodes: 0 })
const { nodes = 0, pods = 0 } = numbers
const client = new BenchClient(cluster.kubeconfig, 4)

async function run(name: string): Promise<void> {
  const namespace = `bench-${name}-${process.pid}`
  const path = `/api/v1/namespaces/${namespace}/pods`
  await client.json('POST', '/api/v1/namespaces', { body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } } })
  const cpu = cluster.pid ? processUse(cluster.pid).cpuMs : 0
  const start = performance.now()
  await all(pods, (i) => client.json('POST', path, { body: benchPod(i, rules[name]) }))
  const createdMs = performance.now() - start
  await placed(client, path)
  const seconds = (performance.now() - start) / 1000
  const used = cluster.pid ? `${((processUse(cluster.pid).cpuMs - cpu) / pods).toFixed(2)} ms CPU a pod` : ''
  row(`${name}: ${pods} pods on ${nodes} nodes`, `${Math.round(pods / seconds)} pods/s`, `created in ${(createdMs / 1000).toFixed(1)} s`, `all in ${seconds.toFixed(1)} s`, used)
  await client.call('DELETE', `/api/v1/namespaces/${namespace}`)
  await client.call('DELETE', path)
}

try {
  console.log(cluster.name)
  await all(nodes, (i) => client.json('POST', '/api/v1/nodes', { body: benchNode(i) }))
  for (const name of given.rules ? given.rules.split(',') : Object.keys(rules)) await run(name)
} finally {
  await all(nodes, (i) => client.call('DELETE', `/api/v1/nodes/bench-${i}`))
  client.close()
  await cluster.close()
}
