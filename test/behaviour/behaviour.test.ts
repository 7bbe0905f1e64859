/**
 * What a cluster makes of what it is given, on one of our own, or with TARGET=kubeconfig on the one that file names, which
 * has controllers, a scheduler and two nodes or more. Nothing here is told of Orrery.
 */
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import families from 'folder:test/behaviour/cases'
import t from 'tap'
import { SystemRandom } from '../../src/clock.ts'
import { startCluster } from '../../src/cluster.ts'
import { Client } from '../conformance/_client.ts'
import { eventually } from '../helpers/cluster.ts'
import { Place, type Family } from './_place.ts'

const random = new SystemRandom()

async function target(): Promise<string> {
  if (process.env.TARGET) return path.resolve(process.env.TARGET)
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'behaviour-'))
  const cluster = await startCluster({ host: '127.0.0.1', port: 0, dataDir: undefined, nodes: [{ name: 'n1' }, { name: 'n2' }], logLevel: 'error', freeze: true })
  const kubeconfig = path.join(dir, 'kubeconfig')
  fs.writeFileSync(kubeconfig, cluster.kubeconfig(), { mode: 0o600 })
  t.teardown(async () => {
    await cluster.close()
    fs.rmSync(dir, { recursive: true, force: true })
  })
  return kubeconfig
}

const client = new Client(await target())
t.teardown(() => client.close())
t.jobs = 4
for (const { family, cases } of families as Family[])
  for (const { name, run } of cases)
    t.test(`${family}: ${name}`, async (test) => {
      const ns = `behaviour-${random.suffix(7)}`
      const place = new Place(test, client, ns)
      await client.call('POST /api/v1/namespaces', { body: { metadata: { name: ns } } })
      await eventually(async () => (await place.get('v1 serviceaccounts/default')).status === 200)
      try {
        await run(place)
      } finally {
        await client.call(`DELETE /api/v1/namespaces/${ns}`)
      }
    })
