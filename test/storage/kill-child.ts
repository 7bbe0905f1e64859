/**
 * The process that the kill test kills: writes without pause and says on stdout what it does, a line each:
 * `open` before the store is opened, `try KEY` before a delete, `put KEY REVISION TEXT`, `delete KEY REVISION` and `none KEY` when a
 * write has been acknowledged. A line ends in ` .`, so that one cut off shows. Arguments: directory, seed, number of keys.
 */
import fs from 'node:fs'
import { SeededRandom, SystemClock } from '../../src/clock.ts'
import { LevelBackend } from '../../src/storage/backends/level.ts'
import { DELETE, Store, UNCHANGED } from '../../src/storage/store.ts'
import { documents } from './documents.ts'

const WRITERS = 16
const [directory = '', seed = '', keys = ''] = process.argv.slice(2)
const random = new SeededRandom(Number(seed))

/** Straight to the descriptor: nothing acknowledged may wait in a buffer of a process that is about to die. */
function say(line: string): void {
  fs.writeSync(1, `${line} .\n`)
}

say('open')
const store = await Store.open({ backend: new LevelBackend({ directory }), codec: documents, clock: new SystemClock() })

async function write(): Promise<void> {
  const key = `k/${random.int(Number(keys))}`
  if (random.int(4) === 0) {
    say(`try ${key}`)
    const gone = await store.guaranteedUpdate(key, (current) => (current ? DELETE : UNCHANGED))
    say(gone ? `delete ${key} ${gone.modRevision}` : `none ${key}`)
  } else {
    const length = random.int(8) === 0 ? random.int(50_000) : random.int(300)
    const text = `${seed}-${random.int(1e9)}-${length}`
    const entry = await store.guaranteedUpdate(key, () => ({ value: { text, padding: 'x'.repeat(length) } }))
    say(`put ${key} ${entry?.modRevision} ${text}`)
  }
}

async function writeForever(): Promise<void> {
  for (;;) await write()
}

await Promise.all(Array.from({ length: WRITERS }, writeForever))
