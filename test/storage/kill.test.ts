/** What was acknowledged survives `kill -9`: a child process writes under load and is killed again and again, on one directory. */
import { build } from 'esbuild'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'
import t from 'tap'
import { FakeClock, SeededRandom } from '../../src/clock.ts'
import { LevelBackend } from '../../src/storage/backends/level.ts'
import { Store } from '../../src/storage/store.ts'
import { documents } from './documents.ts'

const KILLS = 100
const SEED = 20260101

/** What the child has acknowledged: the newest text and revision by key; no text after a delete. */
class Ledger {
  readonly keys = new Map<string, { revision: number; text: string | undefined }>()
  readonly #deleting = new Map<string, number>()
  revision = 1
  acknowledged = 0

  hear(line: string): void {
    if (!line.endsWith(' .')) return
    const [verb, key = '', revision = '', text] = line.slice(0, -2).split(' ')
    if (verb === 'try') this.#deleting.set(key, (this.#deleting.get(key) ?? 0) + 1)
    if (verb === 'delete' || verb === 'none') this.#deleting.set(key, (this.#deleting.get(key) ?? 0) - 1)
    if (verb !== 'put' && verb !== 'delete') return
    this.acknowledged++
    this.revision = Math.max(this.revision, Number(revision))
    if (Number(revision) > (this.keys.get(key)?.revision ?? 0)) this.keys.set(key, { revision: Number(revision), text })
  }

  /** Compares with what is there after a kill, and goes on from it; returns what is wrong. */
  check(store: Store<{ text: string; padding?: string }>): string[] {
    const wrong: string[] = []
    if (store.revision < this.revision) wrong.push(`the revision went back from ${this.revision} to ${store.revision}`)
    this.revision = store.revision
    for (const [key, { revision, text }] of this.keys) {
      const entry = store.get(key)
      if (!entry && text !== undefined && !this.#deleting.get(key)) wrong.push(`${key}, acknowledged at ${revision}, is lost`)
      if (entry && entry.modRevision < revision) wrong.push(`${key} is at ${entry.modRevision}, but ${revision} was acknowledged`)
      if (entry?.modRevision === revision && entry.value.text !== text) wrong.push(`${key} at ${revision} is ${entry.value.text}, not ${text}`)
    }
    this.#deleting.clear()
    this.keys.clear()
    for (const { key, modRevision, value } of store.list('').entries) {
      if (modRevision > store.revision) wrong.push(`${key} is newer than the store`)
      if (value.text.split('-')[2] !== String(value.padding?.length)) wrong.push(`${key} is half written`)
      this.keys.set(key, { revision: modRevision, text: value.text })
    }
    return wrong
  }
}

t.test(`no acknowledged write is lost in ${KILLS} kills`, async (t) => {
  const directory = t.testdir()
  const child = path.join(t.testdirName, 'child.mjs')
  await build({ entryPoints: ['test/storage/kill-child.ts'], outfile: child, bundle: true, format: 'esm', platform: 'node', packages: 'external', logLevel: 'error' })
  const random = new SeededRandom(SEED)
  const ledger = new Ledger()
  let killedInOpen = 0
  for (let kill = 1; kill <= KILLS; kill++) {
    const data = path.join(directory, 'data')
    // Every eighth child dies while it opens the store, the others after some acknowledgements.
    const killAt = kill % 8 === 0 ? 0 : ledger.acknowledged + 1 + random.int(200)
    const running = spawn(process.execPath, [child, data, String(kill), String(50 + 20 * kill)], { stdio: ['ignore', 'pipe', 'inherit'] })
    const closed = once(running, 'close')
    for await (const line of createInterface({ input: running.stdout })) {
      ledger.hear(line)
      if (killAt === 0 || ledger.acknowledged >= killAt) running.kill('SIGKILL')
    }
    if (killAt === 0) killedInOpen++
    t.same(await closed, [null, 'SIGKILL'], `kill ${kill}`)
    const store = await Store.open({ backend: new LevelBackend({ directory: data }), codec: documents, clock: new FakeClock() })
    const wrong = ledger.check(store)
    await store.verify()
    await store.close()
    if (wrong.length > 0) return t.fail(`after kill ${kill}: ${wrong.slice(0, 5).join('; ')}`)
  }
  t.comment(`${ledger.acknowledged} writes acknowledged, ${ledger.keys.size} entries left at revision ${ledger.revision}, ${killedInOpen} kills while opening`)
  t.ok(ledger.acknowledged > 30 * KILLS, 'the children were under load')
})
