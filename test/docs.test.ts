/** What the documents name is there. */
import fs from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { assetPath } from '../src/assets.ts'

const root = assetPath('.')
const documents = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'bench/README.md', 'examples/shop/README.md', ...fs.readdirSync(path.join(root, 'docs'), { recursive: true }).map((f) => path.join('docs', String(f)))].filter((f) => f.endsWith('.md'))

/** Paths in backticks that begin in a folder of the project, and relative links. */
function namedPaths(file: string): string[] {
  const text = fs.readFileSync(path.join(root, file), 'utf8').replace(/```[^]*?```/g, '')
  const inBackticks = [...text.matchAll(/`((?:src|api|controllers|schemas|test|bench|scripts|docs|examples)\/[\w./-]*)`/g)].map(([, name = '']) => name)
  const links = [...text.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, name = '']) => path.join(path.dirname(file), name))
  return [...inBackticks, ...links]
}

t.test('every file that a document names exists', async (t) => {
  t.ok(documents.length > 5)
  for (const document of documents) t.same(namedPaths(document).filter((name) => !fs.existsSync(path.join(root, name))), [], document)
})

t.test('every script that a document names exists', async (t) => {
  const { scripts } = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> }
  for (const document of documents) {
    const named = [...fs.readFileSync(path.join(root, document), 'utf8').matchAll(/npm run (?:--silent )?([\w:]+)/g)].map(([, name = '']) => name)
    t.same(named.filter((name) => !(name in scripts)), [], document)
  }
})

t.test('the layers of the architecture page are those that are checked', async (t) => {
  const page = fs.readFileSync(path.join(root, 'docs/architecture.md'), 'utf8')
  const rows = page.split('\n').filter((line) => line.startsWith('| `')).flatMap((line) => [...(line.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map(([, name]) => name))
  const present = ['src', '.'].flatMap((dir) => fs.readdirSync(path.join(root, dir), { withFileTypes: true }).map((e) => path.join(dir, e.name) + (e.isDirectory() ? '/' : '')))
  const source = present.filter((name) => (name.startsWith('src/') && name !== 'src/') || ['api/', 'controllers/', 'schemas/'].includes(name))
  t.same(source.filter((name) => !rows.includes(name)).sort(), [], 'each is in the table')
})
