/** Creates, updates, deletes: revisions, optimism, refusals. */
import { nextTurn } from '../../../src/clock.ts'
import { DELETE, type Outcome, UNCHANGED } from '../../../src/storage/store.ts'
import type { Cases } from '../contract.ts'
import { type Doc, doc, documents } from '../documents.ts'

export const writing: Cases = {
  'revisions are counted as etcd counts them': async (t, { store }) => {
    t.equal(store.revision, 1)
    const a = await store.create('a/1', doc('one'))
    t.match(a, { key: 'a/1', createRevision: 2, modRevision: 2, version: 1 })
    const b = await store.create('a/2', doc('two'))
    t.equal(b.modRevision, 3)
    const a2 = await store.guaranteedUpdate('a/1', () => ({ value: doc('uno') }))
    t.match(a2, { createRevision: 2, modRevision: 4, version: 2 })
    const gone = await store.delete('a/2')
    t.match(gone, { createRevision: 3, modRevision: 5 })
    t.equal(store.revision, 5)
    const again = await store.create('a/2', doc('deux'))
    t.match(again, { createRevision: 6, modRevision: 6, version: 1 })
  },
  'a value is stamped with its revision and encoded once': async (t, { open }) => {
    let encoded = 0
    const store = await open({ codec: { ...documents, encode: (d) => (encoded++, documents.encode(d)) } })
    const input = doc('x')
    const entry = await store.create('k', input)
    t.same(entry.value, { text: 'x', revision: 2 })
    t.same(JSON.parse(entry.bytes.toString()), { text: 'x', revision: 2 })
    t.same(input, { text: 'x' }, 'what was given is left as it was')
    t.equal(store.get('k'), entry)
    t.equal(store.get('k')?.bytes, entry.bytes)
    t.equal(encoded, 1)
  },
  'create refuses a key that exists': async (t, { store }) => {
    await store.create('k', doc('x'))
    await t.rejects(store.create('k', doc('y')), { code: 'KEY_EXISTS' })
    t.equal(store.get('k')?.value.text, 'x')
    t.equal(store.revision, 2)
  },
  'of many concurrent creates of a key one wins': async (t, { store }) => {
    const results = await Promise.allSettled(Array.from({ length: 20 }, (_, i) => store.create('k', doc(String(i)))))
    t.same(results.map((r) => r.status), ['fulfilled', ...Array.from({ length: 19 }, () => 'rejected')])
    t.equal(store.get('k')?.value.text, '0')
    t.equal(store.revision, 2)
  },
  'a refusal is not ahead of what can be read': async (t, { store }) => {
    const creating = store.create('k', doc('x'))
    await t.rejects(store.create('k', doc('y')), { code: 'KEY_EXISTS' })
    t.equal(store.get('k')?.value.text, 'x')
    await creating
    const deleting = store.delete('k')
    await t.rejects(store.delete('k'), { code: 'KEY_NOT_FOUND' })
    t.equal(store.get('k'), undefined)
    await deleting
  },
  'delete gives the last state with the revision of the deletion': async (t, { store }) => {
    await store.create('k', doc('x'))
    const gone = await store.delete('k')
    t.same(gone.value, { text: 'x', revision: 3 })
    t.same(JSON.parse(gone.bytes.toString()), { text: 'x', revision: 3 })
    await t.rejects(store.delete('k'), { code: 'KEY_NOT_FOUND' })
    t.equal(store.revision, 3)
  },
  'a check may prevent a delete': async (t, { store }) => {
    await store.create('k', doc('x'))
    const check = () => {
      throw new Error('not this one')
    }
    await t.rejects(store.delete('k', { check }), { message: 'not this one' })
    await t.rejects(store.delete('k', { check: async () => check() }), { message: 'not this one' })
    t.ok(store.get('k'))
  },
  'commitIf writes at the expected revision only': async (t, { store }) => {
    const a = await store.commitIf('k', 0, doc('x'))
    await t.rejects(store.commitIf('k', 0, doc('y')), { code: 'CONFLICT' })
    await t.rejects(store.commitIf('other', 2, doc('y')), { code: 'CONFLICT' })
    const b = await store.commitIf('k', a.modRevision, doc('z'))
    await t.rejects(store.commitIf('k', a.modRevision, DELETE), { code: 'CONFLICT' })
    await store.commitIf('k', b.modRevision, DELETE)
    t.equal(store.get('k'), undefined)
    await t.rejects(store.commitIf('k', 0, DELETE), { code: 'KEY_NOT_FOUND' })
  },
  'keys that cannot be kept are refused': async (t, { store }) => {
    for (const key of ['', '\u0000summary', 'a\ud800', '\udc00']) await t.rejects(store.create(key, doc('x')), { code: 'INVALID_KEY' }, JSON.stringify(key))
    for (const key of ['é', '日本', '😀/😀', ' ', '\u0001', 'a\u0000b']) await store.create(key, doc(key))
    t.equal(store.revision, 7)
  },
  'a value that cannot be encoded changes nothing': async (t, { open }) => {
    const encode = (d: Doc) => {
      if (d.text === 'bad') throw new TypeError('cannot encode')
      return documents.encode(d)
    }
    const store = await open({ codec: { ...documents, encode } })
    await t.rejects(store.create('k', doc('bad')), { message: 'cannot encode' })
    t.equal(store.getHead('k'), undefined)
    t.equal((await store.create('k', doc('good'))).modRevision, 2)
  },
}

export const updating: Cases = {
  'an update sees writes that are still under way': async (t, { store }) => {
    const writes = Array.from({ length: 50 }, () => store.guaranteedUpdate('n', (current) => ({ value: doc(`${Number(current?.value.text ?? 0) + 1}`) })))
    t.equal(store.get('n'), undefined, 'readers do not')
    await Promise.all(writes)
    t.equal(store.get('n')?.value.text, '50')
    t.match(store.get('n'), { version: 50, createRevision: 2, modRevision: 51 })
  },
  'an asynchronous update runs again when the entry changed': async (t, { store }) => {
    const increment = () =>
      store.guaranteedUpdate('n', async (current) => {
        await nextTurn()
        return { value: doc(`${Number(current?.value.text ?? 0) + 1}`) }
      })
    await Promise.all(Array.from({ length: 20 }, increment))
    t.equal(store.get('n')?.value.text, '20')
  },
  'an update that always loses gives up': async (t, { store }) => {
    let runs = 0
    const losing = store.guaranteedUpdate(
      'k',
      async () => {
        await store.guaranteedUpdate('k', () => ({ value: doc(`other ${++runs}`) }))
        return { value: doc('mine') }
      },
      { maxAttempts: 3 },
    )
    await t.rejects(losing, { code: 'CONFLICT' })
    t.equal(runs, 3)
    t.equal(store.get('k')?.value.text, 'other 3')
  },
  'unchanged writes nothing': async (t, { store }) => {
    const entry = await store.create('k', doc('x'))
    t.equal(await store.guaranteedUpdate('k', () => UNCHANGED), entry)
    t.equal(await store.guaranteedUpdate('none', async (): Promise<Outcome<Doc>> => UNCHANGED), undefined)
    t.equal(store.revision, 2)
  },
  'unchanged waits for what it saw': async (t, { store }) => {
    const creating = store.create('k', doc('x'))
    const seen = await store.guaranteedUpdate('k', () => UNCHANGED)
    t.equal(store.get('k'), seen)
    await creating
  },
  'what an update throws is passed on and nothing is written': async (t, { store }) => {
    const fail = () => {
      throw new RangeError('no')
    }
    await t.rejects(store.guaranteedUpdate('k', fail), { name: 'RangeError' })
    await t.rejects(store.guaranteedUpdate('k', async () => fail()), { name: 'RangeError' })
    t.equal(store.revision, 1)
  },
  'an update may delete': async (t, { store }) => {
    await store.create('k', doc('x'))
    const gone = await store.guaranteedUpdate('k', () => DELETE)
    t.match(gone, { modRevision: 3 })
    t.equal(store.get('k'), undefined)
  },
}
