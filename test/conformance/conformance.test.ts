/** Runs every case of every family against a cluster of its own, or with TARGET=kubeconfig against the one that file names. */
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import families from 'folder:test/conformance/cases'
import t from 'tap'
import { SystemRandom } from '../../src/clock.ts'
import { startCluster } from '../../src/cluster.ts'
import { kubectl } from '../helpers/kubectl.ts'
import type { Case, Context, Family, Step } from './_case.ts'
import { Client, type Answer } from './_client.ts'

const random = new SystemRandom()
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'conformance-'))

async function target(): Promise<{ kubeconfig: string; close(): Promise<void> }> {
  const given = process.env.TARGET
  if (given) return { kubeconfig: path.resolve(given), close: () => Promise.resolve() }
  const cluster = await startCluster({ host: '127.0.0.1', port: 0, dataDir: undefined, nodes: [], logLevel: 'error', freeze: true })
  const kubeconfig = path.join(dir, 'kubeconfig')
  fs.writeFileSync(kubeconfig, cluster.kubeconfig(), { mode: 0o600 })
  return { kubeconfig, close: () => cluster.close() }
}

function managersOf({ body }: Answer): string[] {
  const { managedFields = [] } = body.metadata as { managedFields?: { manager: string; operation: string; apiVersion: string; subresource?: string; fieldsV1: unknown }[] }
  return managedFields.map(({ manager, operation, apiVersion, subresource, fieldsV1 }) => `${operation.toLowerCase()} ${manager}${subresource ? `/${subresource}` : ''} ${apiVersion} ${JSON.stringify(fieldsV1)}`).sort()
}

async function check({ t: test, client }: Context, step: Step): Promise<void> {
  const { call, status = call.startsWith('POST') ? 201 : 200, body, headers, match, managers, warnings, headersMatch } = step
  const answer = await client.call(call, { ...(body === undefined ? {} : { body }), ...(headers ? { headers } : {}) })
  test.equal(answer.status, status, `${call}: ${answer.status >= 400 ? String(answer.body.message ?? answer.text) : 'status'}`)
  if (match !== undefined) test.match(answer.body, match, `${call}: body`)
  if (managers) test.same(managersOf(answer), managers, `${call}: managers`)
  if (warnings) test.same(answer.warnings, warnings, `${call}: warnings`)
  if (headersMatch) test.match(answer.headers, headersMatch, `${call}: headers`)
}

/** A namespace with the account that pods need, which on a bare API server nobody makes. */
async function prepare(client: Client, ns: string): Promise<void> {
  await client.call('POST /api/v1/namespaces', { body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: ns } } })
  await client.call(`POST /api/v1/namespaces/${ns}/serviceaccounts`, { body: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } } })
}

async function run(test: Context['t'], client: Client, { steps, run: code }: Case): Promise<void> {
  const id = `c${random.suffix(7)}`
  const ns = `conformance-${id}`
  await prepare(client, ns)
  const context: Context = {
    t: test, client, ns, id,
    kubectl: (command, options = {}) => kubectl('1.36', ['--namespace', ns, ...(typeof command === 'string' ? command.split(' ') : command)], { kubeconfig: client.kubeconfig, cwd: dir, env: { KUBECACHEDIR: path.join(dir, 'cache') }, ...options }),
    async make(place, object) {
      const { status, body, text } = await client.call(`POST ${place}`, { body: object })
      if (status !== 201) throw new Error(`POST ${place} answered ${status}: ${text}`)
      return body
    },
  }
  try {
    for (const step of steps?.({ ns, id }) ?? []) await check(context, step)
    await code?.(context)
  } finally {
    await client.call(`DELETE /api/v1/namespaces/${ns}`)
  }
}

const { kubeconfig, close } = await target()
const client = new Client(kubeconfig)
t.teardown(async () => {
  client.close()
  await close()
  fs.rmSync(dir, { recursive: true, force: true })
})
t.jobs = 4
for (const { family, cases } of families as Family[]) {
  t.test(family, async (test) => {
    for (const one of cases) await test.test(one.name, (inner) => run(inner, client, one))
  })
}
