import fs from 'node:fs'
import path from 'node:path'
import pino from 'pino'
import t from 'tap'
import { ParseError } from '../../src/apimachinery/parse-error.ts'
import { WatchedFile } from '../../src/auth/watched-file.ts'
import { FakeClock } from '../../src/clock.ts'
import { eventually } from '../helpers/cluster.ts'

/** Another file of that name, as editors and mounted volumes leave it: one change, where writing in place is several. */
function replace(file: string, text: string): void {
  fs.writeFileSync(`${file}.new`, text)
  fs.renameSync(`${file}.new`, file)
}

t.test('what a file says counts when it changes, in place or as another file of its name', async (t) => {
  const file = path.join(t.testdir({ config: 'first' }), 'config')
  const clock = new FakeClock(0)
  const seen: string[] = []
  let refuses = 0
  const watched = new WatchedFile({
    ...{ path: file, text: 'first', what: 'test', clock, log: pino({ level: 'silent' }) },
    async onChange(text) {
      if (text === 'never') throw new ParseError('never')
      if (text === 'later' && refuses++ < 1) throw new Error('not yet')
      seen.push(text)
    },
  })
  t.teardown(() => watched.close())
  fs.writeFileSync(file, 'second')
  await eventually(() => seen.at(-1) === 'second')
  replace(file, 'third')
  await eventually(() => seen.at(-1) === 'third')
  fs.writeFileSync(file, 'never')
  fs.writeFileSync(file, 'later')
  await eventually(() => refuses > 0)
  await eventually(async () => {
    await clock.step(60_000)
    return seen.at(-1) === 'later'
  })
  t.notOk(seen.includes('never'))
  watched.close()
  fs.writeFileSync(file, 'last')
  await clock.step(60_000)
  t.not(seen.at(-1), 'last')
})

t.test('what others write beside it is no reason to look', async (t) => {
  const file = path.join(t.testdir({ config: 'first' }), 'config')
  const tried: string[] = []
  const watched = new WatchedFile({
    ...{ path: file, text: 'first', what: 'test', clock: new FakeClock(0), log: pino({ level: 'silent' }) },
    onChange(text) {
      tried.push(text)
      if (text === 'stuck') throw new Error('not yet')
    },
  })
  t.teardown(() => watched.close())
  replace(file, 'stuck')
  await eventually(() => tried.length > 0)
  for (const name of ['log', 'config.log', 'log']) fs.writeFileSync(path.join(path.dirname(file), name), 'a line')
  replace(file, 'free')
  await eventually(() => tried.at(-1) === 'free')
  t.same(tried, ['stuck', 'free'])
})
