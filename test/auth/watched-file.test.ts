import fs from 'node:fs'
import path from 'node:path'
import pino from 'pino'
import t from 'tap'
import { ParseError } from '../../src/apimachinery/parse-error.ts'
import { WatchedFile } from '../../src/auth/watched-file.ts'
import { FakeClock } from '../../src/clock.ts'
import { eventually } from '../helpers/cluster.ts'

t.test('what a file says counts when it changes, in place or as another file of its name', async (t) => {
  const file = path.join(t.testdir({ config: 'first' }), 'config')
  const clock = new FakeClock(0)
  const seen: string[] = []
  let refuses = 0
  let stuck = 0
  const watched = new WatchedFile({
    ...{ path: file, text: 'first', what: 'test', clock, log: pino({ level: 'silent' }) },
    async onChange(text) {
      if (text === 'never') throw new ParseError('never')
      if (text === 'stuck' && ++stuck) throw new Error('not yet')
      if (text === 'later' && refuses++ < 1) throw new Error('not yet')
      seen.push(text)
    },
  })
  t.teardown(() => watched.close())
  fs.writeFileSync(file, 'second')
  await eventually(() => seen.at(-1) === 'second')
  fs.writeFileSync(`${file}.new`, 'third')
  fs.renameSync(`${file}.new`, file)
  await eventually(() => seen.at(-1) === 'third')
  fs.writeFileSync(file, 'never')
  fs.writeFileSync(file, 'later')
  await eventually(() => refuses > 0)
  await eventually(async () => {
    await clock.step(60_000)
    return seen.at(-1) === 'later'
  })
  t.notOk(seen.includes('never'))
  const replace = (text: string) => {
    fs.writeFileSync(`${file}.new`, text)
    fs.renameSync(`${file}.new`, file)
  }
  replace('stuck')
  await eventually(() => stuck > 0)
  for (const name of ['log', 'config.log', 'log']) fs.writeFileSync(path.join(path.dirname(file), name), 'what others write beside it')
  replace('free')
  await eventually(() => seen.at(-1) === 'free')
  t.equal(stuck, 1, 'is no reason to look')
  watched.close()
  fs.writeFileSync(file, 'last')
  await clock.step(60_000)
  t.not(seen.at(-1), 'last')
})
