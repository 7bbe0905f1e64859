import { ClassicLevel } from 'classic-level'
import fs from 'node:fs'
import path from 'node:path'
import t, { type Test } from 'tap'
import { FakeClock } from '../../src/clock.ts'
import { LevelBackend } from '../../src/storage/backends/level.ts'
import { encodeRecord } from '../../src/storage/backends/record.ts'
import { Store } from '../../src/storage/store.ts'
import { storeContract } from './contract.ts'
import { doc, documents } from './documents.ts'

storeContract(t, {
  persistent: true,
  make(t) {
    const directory = t.testdir()
    return () => new LevelBackend({ directory })
  },
})

function open(directory: string) {
  return Store.open({ backend: new LevelBackend({ directory }), codec: documents, clock: new FakeClock() })
}

async function withSomeEntries(t: Test): Promise<string> {
  const directory = t.testdir()
  const store = await open(directory)
  for (let i = 0; i < 20; i++) await store.create(`k${i}`, doc(`text ${i}`))
  await store.close()
  return directory
}

async function damage(directory: string, change: (db: ClassicLevel<string, Buffer>) => Promise<void>): Promise<void> {
  const db = new ClassicLevel<string, Buffer>(directory, { valueEncoding: 'buffer' })
  await db.open()
  await change(db)
  await db.close()
}

t.test('a directory in use is refused in one clear line', async (t) => {
  const directory = t.testdir()
  const store = await open(directory)
  await t.rejects(open(directory), { code: 'LOCKED', message: `the data directory ${directory} is in use by another process` })
  await store.create('k', doc('x'))
  await store.close()
  const again = await open(directory)
  t.equal(again.get('k')?.value.text, 'x')
  await again.close()
})

t.test('a path that cannot be a directory is refused', async (t) => {
  const file = path.join(t.testdir({ file: 'x' }), 'file')
  await t.rejects(open(file), { code: 'FAILED', message: /^cannot open the data directory .*file: / })
  await t.rejects(open(path.join(file, 'below')), { code: 'FAILED' })
})

t.test('damage is found when the store is opened', async (t) => {
  const record = { key: 'k5', createRevision: 7, modRevision: 7, version: 1, expiresAt: undefined, bytes: Buffer.from('{}') }
  const flipped = (stored: Buffer, at: number) => Buffer.from(stored.map((byte, i) => (i === at ? byte ^ 1 : byte)))
  const cases: Record<string, (db: ClassicLevel<string, Buffer>) => Promise<void>> = {
    'a flipped bit': async (db) => db.put('k5', flipped((await db.get('k5')) ?? Buffer.alloc(0), 50)),
    'a flipped bit in a header': async (db) => db.put('k5', flipped((await db.get('k5')) ?? Buffer.alloc(0), 16)),
    'a record cut off': async (db) => db.put('k5', Buffer.from('short')),
    'a lost record': (db) => db.del('k5'),
    'a record that should be gone': (db) => db.put('k99', encodeRecord({ ...record, key: 'k99' })),
    'an old version of a record': (db) => db.put('k5', encodeRecord({ ...record, modRevision: 6 })),
    'a lost summary': (db) => db.del('\u0000summary'),
    'another format': async (db) => db.put('k5', flipped((await db.get('k5')) ?? Buffer.alloc(0), 1)),
  }
  for (const [name, change] of Object.entries(cases)) {
    await t.test(name, async (t) => {
      const directory = await withSomeEntries(t)
      await damage(directory, change)
      await t.rejects(open(directory), { code: 'CORRUPT', message: new RegExp(`^the data directory ${directory} is damaged: `) })
      await t.rejects(open(directory), { code: 'CORRUPT' }, 'and the directory is not left locked')
    })
  }
})

t.test('a damaged file is found when the store is opened', async (t) => {
  const directory = await withSomeEntries(t)
  for (const file of fs.readdirSync(directory).filter((name) => name.startsWith('MANIFEST'))) fs.writeFileSync(path.join(directory, file), 'damaged')
  await t.rejects(open(directory), { code: 'CORRUPT' })
})

t.test('an index that differs from the disk is found by verify', async (t) => {
  const directory = t.testdir()
  const backend = new LevelBackend({ directory })
  const store = await Store.open({ backend, codec: documents, clock: new FakeClock() })
  const { key, createRevision, modRevision, version, expiresAt } = await store.create('k', doc('x'))
  await backend.commit([{ type: 'PUT', key, entry: { key, createRevision, modRevision, version, expiresAt, bytes: Buffer.from('other') } }], { revision: 2, count: 1, revisionSum: 2 })
  await t.rejects(store.verify(), { code: 'CORRUPT', message: 'the store is inconsistent: k differs from what the backend keeps' })
  await store.close()
})

t.test('a write waits for the disk unless told otherwise', async (t) => {
  const asked: unknown[] = []
  const { batch } = ClassicLevel.prototype
  t.teardown(() => (ClassicLevel.prototype.batch = batch))
  ClassicLevel.prototype.batch = new Proxy(batch, {
    apply(target, self, args) {
      const made = Reflect.apply(target, self, args)
      const write = made.write.bind(made)
      made.write = (options: { sync?: boolean }) => (asked.push(options.sync), write(options))
      return made
    },
  })
  for (const sync of [undefined, true, false]) {
    const store = await Store.open({ backend: new LevelBackend({ directory: t.testdir(), ...(sync === undefined ? {} : { sync }) }), codec: documents, clock: new FakeClock() })
    await store.create('k', doc('x'))
    await store.close()
  }
  t.same(asked, [true, true, false])
})
