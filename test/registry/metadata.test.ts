import t from 'tap'
import { startApi } from '../helpers/in-process-api.ts'
import type { KubeObject } from '../../src/registry/kind.ts'

type Drawn = Record<string, string>
/** A letter for each check of metadata. */
const LETTERS: Drawn = { 'metadata.labels': 'L', 'metadata.annotations': 'A', 'metadata.finalizers[0]': 'F', 'metadata.generateName': 'G', 'metadata.deletionGracePeriodSeconds': 'I', 'metadata.ownerReferences.apiVersion': 'O' }
const lettersOf = (lines: readonly string[]): string => lines.map((line) => LETTERS[line.slice(0, line.indexOf(': '))] ?? `?${line}`).join('')

/** Breaks every rule at once. */
function spoil({ metadata }: KubeObject): void {
  metadata.deletionGracePeriodSeconds = 1
  metadata.labels = { ...metadata.labels, '-x': 'y' }
  metadata.annotations = { ...metadata.annotations, 'Bad!Key': 'y' }
  metadata.finalizers = ['x']
  metadata.generateName = 'BAD_'
  metadata.ownerReferences = [{ apiVersion: 'a/b/c', kind: 'k', name: 'n', uid: 'u' }]
}

const LIMITED = { type: 'Limited', limited: { nominalConcurrencyShares: 5, limitResponse: { type: 'Reject' } } }

t.test('which rules an update of metadata meets, and in which order', async (t) => {
  const { create, refusedUpdate } = await startApi(t)
  const cases: [string, Parameters<typeof create>[0], string][] = [
    ['only what every kind is held to', { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { namespace: 'ns' }, spec: { minAvailable: 1 } }, 'LAOILAO'],
    ['a change', { apiVersion: 'v1', kind: 'PodTemplate', metadata: { namespace: 'ns' }, template: { spec: { containers: [{ name: 'c', image: 'i', imagePullPolicy: 'Always', terminationMessagePolicy: 'File' }], restartPolicy: 'Always', dnsPolicy: 'Default' } } }, 'LAOILAOILAOF'],
    ['a change, then the whole', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'ns' } }, 'LAOILAOILAOFGLAOF'],
    ['the whole alone', { apiVersion: 'flowcontrol.apiserver.k8s.io/v1', kind: 'PriorityLevelConfiguration', spec: LIMITED }, 'LAOILAOGLAOF'],
    ['finalizers of any form', { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { namespace: 'ns' }, spec: {} }, 'LAOILAOILAO'],
  ]
  for (const [name, object, letters] of cases) t.equal(lettersOf(await refusedUpdate(await create(object), spoil)), letters, name)
})

t.test('a finalizer without a domain may be given on create where upstream knows no other rule', async (t) => {
  const { refused } = await startApi(t)
  const metadata = { namespace: 'ns', finalizers: ['x'] }
  t.same(await refused({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec: {} }), [])
  t.same(await refused({ apiVersion: 'v1', kind: 'ConfigMap', metadata }), ['metadata.finalizers[0]: Invalid value: "x": name is neither a standard finalizer name nor is it fully qualified'])
})
