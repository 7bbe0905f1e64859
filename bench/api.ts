/** The API under load: create, get, list, update and watch fan-out: `npm run bench -- api [--kubeconfig FILE] [--objects N]`. */
import { SystemClock } from '../src/clock.ts'
import { BenchClient } from './_client.ts'
import { measure, row } from './_measure.ts'
import { processUse, target } from './_server.ts'

const { target: cluster, numbers } = await target({ objects: '2000', watchers: '200', connections: '4' })
const { objects = 0, watchers = 0, connections = 0 } = numbers
const clock = new SystemClock()
const client = new BenchClient(cluster.kubeconfig, connections)
const namespace = `bench-${process.pid}`
const configMaps = `/api/v1/namespaces/${namespace}/configmaps`
const payload = 'x'.repeat(900)

const configMap = (i: number) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `c-${i}`, labels: { part: String(i % 10) } }, data: { payload } })

/** Counts the events of a watch; one is one line. */
function counter(): { add(chunk: Buffer): void; count: number } {
  return {
    count: 0,
    add(chunk) {
      for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) this.count++
    },
  }
}

async function reads(): Promise<void> {
  await measure({ name: 'get, 32 at once', calls: objects * 3, atOnce: 32 }, (i) => client.call('GET', `${configMaps}/c-${i % objects}`))
  await measure({ name: `list of ${objects}`, calls: 30, atOnce: 1 }, () => client.call('GET', configMaps))
  await measure({ name: `list of ${objects} from the cache`, calls: 30, atOnce: 1 }, () => client.call('GET', `${configMaps}?resourceVersion=0`))
  await measure({ name: 'list of a tenth by label', calls: 100, atOnce: 4 }, () => client.call('GET', `${configMaps}?labelSelector=part%3D3`))
  await measure({ name: 'list of a page of 100', calls: 300, atOnce: 4 }, () => client.call('GET', `${configMaps}?limit=100`))
}

async function fanOut(): Promise<void> {
  const { metadata } = await client.json<{ metadata: { resourceVersion: string } }>('GET', `${configMaps}?limit=1`)
  const seen = counter()
  const stops = await Promise.all(Array.from({ length: watchers }, () => client.watch(`${configMaps}?watch=1&resourceVersion=${metadata.resourceVersion}`, (chunk) => seen.add(chunk))))
  const changes = 500
  const start = performance.now()
  await measure({ name: `update, 8 at once, ${watchers} watchers`, calls: changes, atOnce: 8 }, (i) => client.json('PATCH', `${configMaps}/c-${i % objects}`, { body: { data: { n: String(i) } }, type: 'application/merge-patch+json' }))
  while (seen.count < changes * watchers && performance.now() - start < 60_000) await clock.sleep(5)
  const seconds = (performance.now() - start) / 1000
  row(`watch fan-out to ${watchers}`, `${Math.round(seen.count / seconds)} events/s`, `${seen.count} of ${changes * watchers}`)
  for (const stop of stops) stop()
}

try {
  console.log(cluster.name)
  await client.json('POST', '/api/v1/namespaces', { body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } } })
  const half = objects / 2
  await measure({ name: 'create, one at a time', calls: Math.min(200, half), atOnce: 1 }, (i) => client.json('POST', configMaps, { body: configMap(objects + i) }))
  await measure({ name: 'create, 32 at once', calls: objects, atOnce: 32 }, (i) => client.json('POST', configMaps, { body: configMap(i) }))
  await reads()
  await fanOut()
  await measure({ name: 'delete, 32 at once', calls: half, atOnce: 32 }, (i) => client.json('DELETE', `${configMaps}/c-${i}`))
  if (cluster.pid) {
    const { residentMB, cpuMs } = processUse(cluster.pid)
    row('the server, all in all', `${residentMB.toFixed(0)} MB`, `${(cpuMs / 1000).toFixed(1)} s CPU`)
  }
} finally {
  await client.call('DELETE', `/api/v1/namespaces/${namespace}`)
  client.close()
  await cluster.close()
}
