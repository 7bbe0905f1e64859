import t from 'tap'
import establishing from '../../controllers/crd-establishing.ts'
import type { CustomResourceDefinition } from '../../schemas/types.ts'
import { loadPki } from '../../src/auth/pki.ts'
import { SystemClock, SystemRandom } from '../../src/clock.ts'
import { conditionsOf, definition, specOf, version, withStatus } from '../helpers/definitions.ts'
import { FakeCluster } from '../helpers/fake-client.ts'
import { ControllerRun } from '../helpers/run-controller.ts'

const CRD = 'apiextensions.k8s.io/v1/CustomResourceDefinition'
const ESTABLISHED = 'Established=True InitialNamesAccepted: the initial names have been accepted'
const BAD_CA = 'Established=False InvalidCABundle: The conversion webhook CABundle is invalid'

function start(crd: CustomResourceDefinition) {
  const cluster = new FakeCluster()
  const run = new ControllerRun(cluster, establishing)
  cluster.seed(crd)
  const name = crd.metadata.name ?? ''
  return { cluster, run, name, shown: () => conditionsOf(cluster.read<CustomResourceDefinition>(CRD, name)) }
}

function trusting(caBundle: string | undefined): CustomResourceDefinition {
  const crd = definition('Widget', [version('v1', specOf({}))], { conversion: { strategy: 'Webhook', webhook: { conversionReviewVersions: ['v1'], clientConfig: { url: 'https://a.b/c', ...(caBundle === undefined ? {} : { caBundle: Buffer.from(caBundle).toString('base64') }) } } } })
  return withStatus(crd, 'NamesAccepted', '!Established')
}

t.test('once its names are accepted', async (t) => {
  const { cluster, run, name, shown } = start(withStatus(definition('Widget', [version('v1', specOf({}))]), '!NamesAccepted', '!Established'))
  await run.settle()
  t.equal(cluster.writes.length, 0)
  cluster.edit<CustomResourceDefinition>(CRD, name, (copy) => void Object.assign(copy, withStatus(copy, 'NamesAccepted', '!Established')))
  await run.settle()
  t.same(shown(), ['NamesAccepted=True R: m', ESTABLISHED])
  await run.step(60_000)
  t.equal(cluster.writes.length, 1)
})

t.test('the authority of its conversion webhook', async (t) => {
  const { ca } = await loadPki({ dir: undefined, hosts: [], clock: new SystemClock(), random: new SystemRandom() })
  const cases: [name: string, bundle: string | undefined, condition: string][] = [
    ['none', undefined, ESTABLISHED],
    ['empty', '', ESTABLISHED],
    ['a certificate', ca.cert, ESTABLISHED],
    ['a certificate among other things', `text\n-----BEGIN OTHER-----\nAAAA\n-----END OTHER-----\n${ca.cert}`, ESTABLISHED],
    ['no certificate', 'text', BAD_CA],
    ['a broken one', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n', BAD_CA],
  ]
  for (const [name, bundle, condition] of cases) {
    const { cluster, run, shown } = start(trusting(bundle))
    await run.settle()
    t.equal(shown()[1], condition, name)
    await run.settle()
    t.equal(cluster.writes.length, 1, name)
  }
})
