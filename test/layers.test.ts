/** Imports point down the layers of docs/architecture.md: reads every source file and checks each import. */
import fs from 'node:fs'
import path from 'node:path'
import t from 'tap'
import ts from 'typescript'
import { assetPath } from '../src/assets.ts'

/** From the bottom up. A file may import its own layer and those below it. */
const layers: readonly (readonly string[])[] = [
  ['src/clock.ts', 'src/errors.ts', 'src/assets.ts'],
  ['src/storage/'],
  ['src/apimachinery/', 'schemas/'],
  ['src/registry/', 'api/'],
  ['src/apiserver/', 'src/auth/', 'src/admission/', 'src/streaming/'],
  ['src/client/', 'src/controller/'],
  ['controllers/', 'src/scheduler/', 'src/kubelet/', 'src/network/'],
  ['src/cluster.ts', 'src/cluster/', 'src/kubeconfig.ts', 'src/testbed/'],
  ['src/cli/', 'src/index.ts', 'src/dashboard/', 'package.json'],
]

/** The moving parts know only the client: what they may import besides themselves; of the registry only types. */
const MOVING = 6
const belowMoving = ['src/clock.ts', 'src/errors.ts', 'src/assets.ts', 'src/apimachinery/', 'schemas/', 'src/client/', 'src/controller/']
const typesForMoving = ['src/registry/', 'src/streaming/']
/** The seam by which one moving part uses another. */
const SEAMS = ['src/network/network.ts']
/** Pure pieces of what is known of a kind (files that begin with `_`), which its controller shares. */
const isPieceOfKind = (file: string) => /^api\/.*\/_[^/]+\.ts$/.test(file)
/** The store knows no Kubernetes, what is pure knows no store. */
const STORAGE = 1
const PURE = 2

interface Import {
  from: string
  to: string
  typeOnly: boolean
}

function part(file: string): { layer: number; name: string } | undefined {
  for (const [layer, names] of layers.entries()) {
    const name = names.find((n) => (n.endsWith('/') ? file.startsWith(n) : file === n))
    if (name) return { layer, name }
  }
  return undefined
}

/** What is wrong with an import; nothing when it is allowed. */
export function fault({ from, to, typeOnly }: Import): string | undefined {
  const source = part(from)
  const target = part(to)
  if (!source || !target) return `${source ? to : from} belongs to no layer`
  if (source.name === target.name) return undefined
  const allows = (names: readonly string[]) => names.includes(target.name)
  if (source.layer === MOVING && !allows(belowMoving) && !SEAMS.includes(to) && !isPieceOfKind(to) && !(typeOnly && allows(typesForMoving))) return `${from} imports ${to}: the moving parts know only the client`
  if (source.layer === PURE && target.layer === STORAGE) return `${from} imports ${to}: what is pure knows no store`
  return target.layer > source.layer ? `${from} imports ${to}, which is above it` : undefined
}

function isTypeOnly(node: ts.ImportDeclaration | ts.ExportDeclaration): boolean {
  if (ts.isExportDeclaration(node)) return node.isTypeOnly
  const clause = node.importClause
  if (!clause) return false
  const bindings = clause.namedBindings
  return clause.isTypeOnly || (!clause.name && bindings !== undefined && ts.isNamedImports(bindings) && bindings.elements.every((e) => e.isTypeOnly))
}

/** The project's own files that a file imports. */
function importsOf(root: string, from: string): Import[] {
  const source = ts.createSourceFile(from, fs.readFileSync(path.join(root, from), 'utf8'), ts.ScriptTarget.Latest)
  const found: Import[] = []
  const add = (specifier: string, typeOnly: boolean) => {
    if (specifier.startsWith('.')) found.push({ from, to: path.normalize(path.join(path.dirname(from), specifier)), typeOnly })
    if (specifier.startsWith('folder:')) found.push({ from, to: `${specifier.slice('folder:'.length)}/`, typeOnly })
  }
  const visit = (node: ts.Node) => {
    if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier && ts.isStringLiteral(node.moduleSpecifier)) add(node.moduleSpecifier.text, isTypeOnly(node))
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword && node.arguments[0] && ts.isStringLiteral(node.arguments[0])) add(node.arguments[0].text, false)
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

function sourceFiles(root: string, dir: string): string[] {
  return fs.readdirSync(path.join(root, dir), { withFileTypes: true }).flatMap((e) => {
    const file = path.join(dir, e.name)
    return e.isDirectory() ? sourceFiles(root, file) : file.endsWith('.ts') ? [file] : []
  })
}

t.test('the rules themselves', async (t) => {
  const allowed = (from: string, to: string, typeOnly = false) => fault({ from, to, typeOnly }) === undefined
  t.ok(allowed('src/registry/kind.ts', 'src/errors.ts'))
  t.ok(allowed('src/apiserver/a.ts', 'src/auth/b.ts'))
  t.ok(allowed('src/cluster.ts', 'src/storage/store.ts'))
  t.notOk(allowed('src/storage/store.ts', 'src/apimachinery/labels.ts'))
  t.notOk(allowed('src/apimachinery/labels.ts', 'src/storage/store.ts'))
  t.notOk(allowed('src/registry/kind.ts', 'src/apiserver/a.ts', true))
  t.notOk(allowed('controllers/a.ts', 'src/registry/kind.ts'))
  t.ok(allowed('controllers/a.ts', 'src/registry/kind.ts', true))
  t.notOk(allowed('controllers/a.ts', 'src/apiserver/a.ts'))
  t.notOk(allowed('src/scheduler/a.ts', 'src/kubelet/b.ts'))
  t.ok(allowed('src/kubelet/a.ts', 'src/network/network.ts'))
  t.notOk(allowed('src/kubelet/a.ts', 'src/network/cluster-network.ts'))
  t.notOk(allowed('src/misplaced.ts', 'src/errors.ts'))
})

t.test('every import points down', async (t) => {
  const root = assetPath('.')
  const files = ['src', 'api', 'controllers', 'schemas'].flatMap((dir) => sourceFiles(root, dir))
  t.ok(files.length > 100, `${files.length} files`)
  t.same(files.flatMap((file) => importsOf(root, file)).map(fault).filter((f) => f !== undefined), [])
})
