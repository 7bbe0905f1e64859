/** What a delete does to an object, decided without a store. */
import t from 'tap'
import { plan } from '../../src/registry/deletion.ts'
import { defineKind, type DeleteOptions, type KindDefinition, type KubeObject } from '../../src/registry/kind.ts'
import { Scheme, type ObjectCodec } from '../../src/registry/scheme.ts'

const NOW = Date.UTC(2026, 0, 1)
const at = (seconds: number) => new Date(NOW + seconds * 1000).toISOString().replace('.000', '')

function served(extra: Partial<KindDefinition> = {}) {
  // Nothing here is decoded.
  const scheme = new Scheme(() => ({}) as ObjectCodec)
  scheme.add([{ ...defineKind<KubeObject>({ group: '', version: 'v1', kind: 'Thing', plural: 'things', namespaced: true }), ...extra }])
  return scheme.require('v1/Thing')
}

type Metadata = KubeObject['metadata']
type Case = [name: string, metadata: Metadata, options: DeleteOptions, step: string, after?: Metadata]

function check(name: string, kind: ReturnType<typeof served>, cases: Case[]): void {
  t.test(name, (t) => {
    for (const [what, metadata, options, step, after] of cases) {
      const current = { metadata: Object.freeze(metadata) }
      const outcome = plan(kind, current, options, NOW)
      t.equal(outcome.step, step, what)
      const { finalizers, deletionTimestamp, deletionGracePeriodSeconds, generation } = outcome.object?.metadata ?? {}
      t.same({ finalizers, deletionTimestamp, deletionGracePeriodSeconds, generation }, { finalizers: undefined, deletionTimestamp: undefined, deletionGracePeriodSeconds: undefined, generation: undefined, ...after }, what)
    }
    t.end()
  })
}

check('a plain kind', served(), [
  ['nothing holds it', {}, {}, 'now'],
  ['a finalizer holds it', { finalizers: ['a/b'], generation: 4 }, {}, 'mark', { finalizers: ['a/b'], deletionTimestamp: at(0), deletionGracePeriodSeconds: 0, generation: 5 }],
  ['again', { finalizers: ['a/b'], generation: 5, deletionTimestamp: at(-9), deletionGracePeriodSeconds: 0 }, {}, 'mark', { finalizers: ['a/b'], deletionTimestamp: at(-9), deletionGracePeriodSeconds: 0, generation: 5 }],
  ['dependents are orphaned', {}, { propagationPolicy: 'Orphan' }, 'mark', { finalizers: ['orphan'], deletionTimestamp: at(0), deletionGracePeriodSeconds: 0 }],
  ['dependents go first', {}, { propagationPolicy: 'Foreground' }, 'mark', { finalizers: ['foregroundDeletion'], deletionTimestamp: at(0), deletionGracePeriodSeconds: 0 }],
  ['the old way to say so', {}, { orphanDependents: true }, 'mark', { finalizers: ['orphan'], deletionTimestamp: at(0), deletionGracePeriodSeconds: 0 }],
  ['a new policy replaces the old', { finalizers: ['orphan', 'a/b'] }, { propagationPolicy: 'Foreground' }, 'mark', { finalizers: ['a/b', 'foregroundDeletion'], deletionTimestamp: at(0), deletionGracePeriodSeconds: 0 }],
  ['background takes both away', { finalizers: ['foregroundDeletion'] }, { propagationPolicy: 'Background' }, 'now'],
  ['without a policy, what is there counts', { finalizers: ['orphan'] }, {}, 'mark', { finalizers: ['orphan'], deletionTimestamp: at(0), deletionGracePeriodSeconds: 0 }],
  ['grace is nothing to it', {}, { gracePeriodSeconds: 30 }, 'now'],
])

check('a kind that orphans by itself', served({ defaultPropagation: 'orphan' }), [
  ['without a policy', {}, {}, 'mark', { finalizers: ['orphan'], deletionTimestamp: at(0), deletionGracePeriodSeconds: 0 }],
  ['unless told', {}, { propagationPolicy: 'Background' }, 'now'],
])

check('a kind without dependents', served({ defaultPropagation: 'none' }), [['policies are nothing to it', {}, { propagationPolicy: 'Foreground' }, 'now']])

check('a kind with grace', served({ gracefulDelete: (_object, requested) => requested ?? 30 }), [
  ['its own grace', { generation: 1 }, {}, 'mark', { deletionTimestamp: at(30), deletionGracePeriodSeconds: 30, generation: 2 }],
  ['the grace asked for', {}, { gracePeriodSeconds: 5 }, 'mark', { deletionTimestamp: at(5), deletionGracePeriodSeconds: 5 }],
  ['less than none', {}, { gracePeriodSeconds: -7 }, 'mark', { deletionTimestamp: at(1), deletionGracePeriodSeconds: 1 }],
  ['at once, but seen to go', {}, { gracePeriodSeconds: 0 }, 'now', { deletionTimestamp: at(0), deletionGracePeriodSeconds: 0 }],
  ['at once, but held', { finalizers: ['a/b'] }, { gracePeriodSeconds: 0 }, 'mark', { finalizers: ['a/b'], deletionTimestamp: at(0), deletionGracePeriodSeconds: 0 }],
  ['more is not given', { deletionTimestamp: at(20), deletionGracePeriodSeconds: 30 }, { gracePeriodSeconds: 60 }, 'pending'],
  ['nor is anything, unasked', { deletionTimestamp: at(20), deletionGracePeriodSeconds: 30 }, {}, 'pending'],
  ['less is, counted from the beginning', { deletionTimestamp: at(20), deletionGracePeriodSeconds: 30, generation: 2 }, { gracePeriodSeconds: 15 }, 'mark', { deletionTimestamp: at(5), deletionGracePeriodSeconds: 15, generation: 2 }],
  ['but never into the past', { deletionTimestamp: at(20), deletionGracePeriodSeconds: 30 }, { gracePeriodSeconds: 3 }, 'mark', { deletionTimestamp: at(0), deletionGracePeriodSeconds: 1 }],
  ['the end', { deletionTimestamp: at(20), deletionGracePeriodSeconds: 30 }, { gracePeriodSeconds: 0 }, 'now', { deletionTimestamp: at(0), deletionGracePeriodSeconds: 0 }],
  ['what has no grace left goes', { deletionTimestamp: at(-1), deletionGracePeriodSeconds: 0 }, {}, 'now'],
])

check('a kind that somebody lets go', served({ holdsDelete: { holds: (object) => object.metadata.labels?.free !== 'yes', mark: (object) => (object.metadata.generation = 99) } }), [
  ['is marked', {}, {}, 'mark', { deletionTimestamp: at(0), generation: 99 }],
  ['once', { deletionTimestamp: at(-5) }, {}, 'pending'],
  ['and goes when it is free', { labels: { free: 'yes' }, deletionTimestamp: at(-5) }, {}, 'now'],
  ['unless a finalizer is left', { labels: { free: 'yes' }, deletionTimestamp: at(-5), finalizers: ['a/b'] }, {}, 'pending'],
])
