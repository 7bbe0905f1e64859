import t from 'tap'
import { StatusError } from '../../src/errors.ts'
import { SeededRandom } from '../../src/clock.ts'
import type { KubeObject } from '../../src/registry/kind.ts'
import type { ServedKind } from '../../src/registry/scheme.ts'
import { randomObject } from '../apimachinery/random-object.ts'
import { ADMIN, startApi } from '../helpers/in-process-api.ts'

const TRIES = 40
const random = new SeededRandom(11)

/** An object of the kind with some members and a proper name, decoded and defaulted; nothing if it cannot be. */
function someObject(kind: ServedKind): KubeObject | undefined {
  const draft = { ...randomObject(kind.codec.typeName ?? '', random, { density: random.float() }), apiVersion: kind.apiVersion, kind: kind.kind, metadata: { name: 'a', ...(kind.namespaced ? { namespace: 'ns' } : {}) } }
  try {
    const { object } = kind.codec.decode(draft)
    kind.definition.default?.(object)
    return object
  } catch {
    return undefined
  }
}

t.test('whatever comes, the answer is one for the client', async (t) => {
  const { api, client } = await startApi(t)
  for (const kind of api.scheme.all().filter((k) => k.codec.typeName && k === k.storage)) {
    const ctx = api.context({ user: ADMIN, namespace: kind.namespaced ? 'ns' : '', dryRun: true, fieldManager: 'test', fieldValidation: 'Ignore' })
    const failures = new Set<string>()
    const note = (error: unknown): void => {
      if (!(error instanceof StatusError) || error.code === 500) failures.add(error instanceof Error ? (error.stack ?? error.message) : String(error))
    }
    let before: KubeObject | undefined
    for (let i = 0; i < TRIES; i++) {
      const object = someObject(kind)
      if (!object) continue
      if (kind.verbs.includes('get')) await client().create(object, { dryRun: true }).catch(note)
      try {
        if (before) kind.definition.validateUpdate?.(structuredClone(object), before, ctx)
      } catch (error) {
        note(error)
      }
      before = object
    }
    t.same([...failures], [], kind.ref)
  }
})
