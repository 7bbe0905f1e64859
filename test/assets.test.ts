import fs from 'node:fs'
import t from 'tap'
import { assetPath } from '../src/assets.ts'

t.test('finds what ships with the package from wherever the code was bundled to', async (t) => {
  t.ok(fs.existsSync(assetPath('schemas/data/core_v1.json')))
})
