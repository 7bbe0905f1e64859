/** Runs every case of every family against the cluster that a kubeconfig names. */
import families from 'folder:test/behaviour/cases'
import type { Test } from 'tap'
import { SystemRandom } from '../../src/clock.ts'
import { Client } from '../conformance/_client.ts'
import { eventually } from '../helpers/cluster.ts'
import { Place, type Family } from './_place.ts'

const random = new SystemRandom()

export function runBehaviour(t: Test, kubeconfig: string): void {
  const client = new Client(kubeconfig)
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
}
