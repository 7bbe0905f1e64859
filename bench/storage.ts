/** The store alone: what a write, a read, a list and a watch cost, in memory and on disk. `node scripts/bench.mjs storage [N]` */
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { SystemClock } from '../src/clock.ts'
import type { Backend } from '../src/storage/backends/backend.ts'
import { LevelBackend } from '../src/storage/backends/level.ts'
import { MemoryBackend } from '../src/storage/backends/memory.ts'
import { type Codec, Store } from '../src/storage/store.ts'

interface Doc {
  metadata: { name: string; resourceVersion?: string }
  data: string
}

const codec: Codec<Doc> = {
  encode: (doc) => Buffer.from(JSON.stringify(doc)),
  decode: (bytes) => JSON.parse(bytes.toString()),
  stamp: (doc, revision) => ({ ...doc, metadata: { ...doc.metadata, resourceVersion: String(revision) } }),
}

/** The same without the cost of encoding: what is left is the store's own. */
const blob = Buffer.alloc(1024, 'x')
const opaque: Codec<Doc> = { encode: () => blob, decode: () => make(0), stamp: (doc) => doc }

const entries = Number(process.argv[2] ?? 100_000)
const clock = new SystemClock()

function make(i: number): Doc {
  return { metadata: { name: `object-${i}` }, data: 'x'.repeat(960) }
}

function key(i: number): string {
  return `/registry/pods/namespace-${i % 100}/object-${String(i).padStart(7, '0')}`
}

async function measure(name: string, count: number, body: () => unknown): Promise<void> {
  const cpu = process.cpuUsage()
  const start = performance.now()
  await body()
  const wallMs = performance.now() - start
  const { user, system } = process.cpuUsage(cpu)
  const row = [name.padEnd(44), `${Math.round((count / wallMs) * 1000)}/s`.padStart(12), `${((wallMs * 1000) / count).toFixed(2)} µs`.padStart(14), `${((user + system) / count).toFixed(2)} µs CPU`.padStart(16)]
  console.log(row.join(' '))
}

/** `writers` loops share `count` calls; each waits for its own before the next. */
async function loops(writers: number, count: number, call: (i: number) => Promise<unknown>): Promise<void> {
  let next = 0
  const loop = async () => {
    for (let i = next++; i < count; i = next++) await call(i)
  }
  await Promise.all(Array.from({ length: writers }, loop))
}

async function benchWrites(name: string, backend: Backend, counts: { one: number; many: number; codec: Codec<Doc> }): Promise<void> {
  const store = await Store.open({ backend, codec: counts.codec, clock })
  const update = (i: number) => store.guaranteedUpdate(key(i % counts.many), (current) => ({ value: current?.value ?? make(i) }))
  await measure(`${name}: create, 32 writers`, counts.many, () => loops(32, counts.many, (i) => store.create(key(i), make(i))))
  await measure(`${name}: update, 1 writer`, counts.one, () => loops(1, counts.one, update))
  await measure(`${name}: update, 32 writers`, counts.many, () => loops(32, counts.many, update))
  await measure(`${name}: update, 1000 writers`, counts.many, () => loops(1000, counts.many, update))
  await store.close()
}

async function benchReads(store: Store<Doc>): Promise<void> {
  globalThis.gc?.()
  const before = process.memoryUsage()
  await loops(1000, entries, (i) => store.create(key(i), make(i)))
  store.compact(store.revision)
  globalThis.gc?.()
  const after = process.memoryUsage()
  const heap = (after.heapUsed - before.heapUsed) / entries
  const buffers = (after.arrayBuffers - before.arrayBuffers) / entries
  console.log(`memory an entry of 1 KB, its value included: heap ${heap.toFixed(0)}, buffers ${buffers.toFixed(0)}, resident ${((after.rss - before.rss) / entries).toFixed(0)} bytes`)
  let n = 0
  await measure('get', 1_000_000, () => {
    for (let i = 0; i < 1_000_000; i++) n += store.get(key((i * 7919) % entries)) ? 1 : 0
  })
  await measure(`list of ${entries}`, 20, () => {
    for (let i = 0; i < 20; i++) n += store.list('/registry/pods/').entries.length
  })
  await measure('list of a page of 500', 2000, () => {
    for (let i = 0; i < 2000; i++) n += store.list('/registry/pods/', { limit: 500, startKey: key((i * 7919) % entries) }).entries.length
  })
  await measure('count', 100_000, () => {
    for (let i = 0; i < 100_000; i++) n += store.count(`/registry/pods/namespace-${i % 100}/`)
  })
  const old = store.revision
  await loops(1000, 5000, (i) => store.guaranteedUpdate(key(i), (current) => ({ value: current?.value ?? make(i) })))
  await measure('first list at a revision 5000 writes ago', 1, () => (n += store.list('/registry/pods/', { revision: old, limit: 1 }).entries.length))
  if (n === 0) throw new Error('nothing was read')
}

async function benchWatch(store: Store<Doc>, watchers: number): Promise<void> {
  let events = 0
  const update = (i: number) => store.guaranteedUpdate(key(i % entries), (current) => ({ value: current?.value ?? make(i) }))
  const handles = Array.from({ length: watchers }, (_, i) => store.watch(i % 10 === 0 ? '/registry/pods/' : `/registry/pods/namespace-${i % 100}/`, { onEvents: (batch) => (events += batch.length) }))
  await measure(`update, 32 writers, ${watchers} watchers`, 20_000, () => loops(32, 20_000, update))
  console.log(`  ${(events / 20_000).toFixed(1)} deliveries an update`)
  for (const handle of handles) handle.close()
}

async function onDisk(body: (directory: string) => Promise<void>): Promise<void> {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'orrery-bench-'))
  try {
    await body(directory)
  } finally {
    fs.rmSync(directory, { recursive: true, force: true })
  }
}

const store = await Store.open({ backend: new MemoryBackend(), codec, clock })
await benchReads(store)
for (const watchers of [0, 100, 1000]) await benchWatch(store, watchers)
await store.close()

await benchWrites('memory, opaque', new MemoryBackend(), { one: 50_000, many: 50_000, codec: opaque })
await benchWrites('memory, JSON', new MemoryBackend(), { one: 50_000, many: 50_000, codec })
await onDisk((directory) => benchWrites('disk, JSON', new LevelBackend({ directory }), { one: 1000, many: 20_000, codec }))
await onDisk((directory) => benchWrites('disk without sync, JSON', new LevelBackend({ directory, sync: false }), { one: 5000, many: 20_000, codec }))

await onDisk(async (directory) => {
  const filling = await Store.open({ backend: new LevelBackend({ directory, sync: false }), codec, clock })
  await loops(1000, entries, (i) => filling.create(key(i), make(i)))
  await filling.close()
  let reopened: Store<Doc> | undefined
  await measure(`open a directory of ${entries}`, 1, async () => (reopened = await Store.open({ backend: new LevelBackend({ directory }), codec, clock })))
  await reopened?.close()
})
