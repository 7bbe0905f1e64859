/** docs/tasks.md tells what the tasks of this folder are. */
import fs from 'node:fs'
import t from 'tap'
import { assetPath } from '../../src/assets.ts'
import { readTasks, tasksPage } from './_tasks.ts'

const all = readTasks()

t.test('the page says what is here', async (t) => {
  const file = assetPath('docs/tasks.md')
  const page = tasksPage(all)
  if (process.env.UPDATE_DOCS) fs.writeFileSync(file, page)
  t.equal(fs.readFileSync(file, 'utf8'), page, 'run with UPDATE_DOCS=1 to write it')
  t.ok(all.tasks.length >= 40, `${all.tasks.length} tasks`)
})
