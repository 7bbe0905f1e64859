/** What is kept of compiled code is taken only as it was written, for the program it was made of, and from who may change that. */
import { build } from 'esbuild'
import fs from 'node:fs'
import path from 'node:path'
import t, { type Test } from 'tap'
import { assetPath } from '../../src/assets.ts'
import { CodeCacheFile, isWorthKeeping, userCacheFolder } from '../../src/cli/code-cache.ts'
import { runProgram } from '../helpers/kubectl.ts'

const USED = { foundMs: undefined, usedMs: 1000 }
const compiled = () => Buffer.from('compiled code')

function places(t: Test, source = 'a program') {
  const dir = t.testdir({ dist: { 'program.js': source } })
  const beside = path.join(dir, 'dist')
  const own = path.join(dir, 'caches', 'orrery')
  fs.chmodSync(beside, 0o755)
  const program = path.join(beside, 'program.js')
  const open = (of = source) => new CodeCacheFile({ program, source: Buffer.from(of), userFolder: own })
  const files = (folder: string) => (fs.existsSync(folder) ? fs.readdirSync(folder).filter((name) => name !== 'program.js') : [])
  return { beside, own, program, open, files, only: (folder: string) => path.join(folder, files(folder)[0] ?? '') }
}

t.test('what one process keeps the next one finds', async (t) => {
  const { open, files, beside, own, only } = places(t)
  t.equal(open().read(), undefined)
  open().keep(compiled, USED)
  t.same(open().read(), { data: compiled(), learnedMs: 1000 })
  t.equal(files(beside).length, 1)
  t.equal(files(own).length, 0)
  t.equal(fs.statSync(only(beside)).mode & 0o022, 0)
  t.equal(open('another program').read(), undefined)
})

t.test('what is not as it was written is as good as none', async (t) => {
  const { open, beside, only } = places(t)
  open().keep(compiled, USED)
  const file = only(beside)
  const good = fs.readFileSync(file)
  const flipped = (at: number) => good.map((byte, i) => (i === at ? byte ^ 1 : byte))
  const cases: Record<string, Uint8Array> = { empty: Buffer.alloc(0), 'no header': Buffer.from('compiled code'), 'header only': good.subarray(0, good.indexOf('\n') + 1), shortened: good.subarray(0, -1), 'a bit of the data': flipped(good.length - 3), 'a bit of the format': flipped(0) }
  for (const [name, bytes] of Object.entries(cases)) {
    fs.writeFileSync(file, bytes)
    t.equal(open().read(), undefined, name)
  }
  fs.writeFileSync(file, good)
  t.same(open().read()?.data, compiled())
})

t.test('what others could have written is not taken', async (t) => {
  const { open, beside, only } = places(t)
  open().keep(compiled, USED)
  const file = only(beside)
  fs.chmodSync(file, 0o664)
  t.equal(open().read(), undefined, 'its group may write to it')
  fs.chmodSync(file, 0o644)
  t.ok(open().read())
  fs.renameSync(file, `${file}.elsewhere`)
  fs.symlinkSync(`${file}.elsewhere`, file)
  t.equal(open().read(), undefined, 'a link')
  fs.rmSync(file)
  fs.mkdirSync(file)
  t.equal(open().read(), undefined, 'a folder')
})

t.test("a stranger's file is not taken", { skip: process.getuid?.() !== 0 && 'only root gives files away' }, async (t) => {
  const { open, beside, only, program } = places(t)
  open().keep(compiled, USED)
  fs.chownSync(only(beside), 12345, 12345)
  t.equal(open().read(), undefined)
  fs.chownSync(program, 12345, 12345)
  t.ok(open().read(), "the program's owner can change what runs anyway")
})

t.test('where others may write the user keeps it in a folder of their own', async (t) => {
  const { open, files, beside, own } = places(t)
  fs.chmodSync(beside, 0o777)
  open().keep(compiled, USED)
  t.equal(files(beside).length, 0)
  t.equal(files(own).length, 1)
  t.equal(fs.statSync(own).mode & 0o777, 0o700)
  t.ok(open().read())
  fs.rmSync(own, { recursive: true })
  fs.mkdirSync(own, { mode: 0o777 })
  fs.chmodSync(own, 0o777)
  open().keep(compiled, USED)
  t.equal(files(own).length, 0, 'nor in one that is not theirs alone')
})

t.test('nothing is left behind or thrown when it cannot be kept', async (t) => {
  const { open, files, beside, own } = places(t)
  open().keep(() => {
    throw new Error('no memory')
  }, USED)
  fs.chmodSync(beside, 0o777)
  fs.mkdirSync(path.dirname(own), { recursive: true })
  fs.writeFileSync(own, 'a file')
  open().keep(compiled, USED)
  t.same(files(beside), [])
  t.equal(open().read(), undefined)
})

t.test('few files of other versions stay', async (t) => {
  const { open, files, beside } = places(t)
  for (let i = 0; i < 8; i++) open(`version ${i}`).keep(compiled, USED)
  t.equal(files(beside).length, 4)
  t.ok(open('version 7').read())
})

t.test('who has worked more knows more', async (t) => {
  const cases: [number | undefined, number, boolean][] = [
    [undefined, 100, false],
    [undefined, 300, true],
    [1000, 1500, false],
    [1000, 2500, true],
    [40_000, 1_000_000, false],
  ]
  for (const [learned, used, expected] of cases) t.equal(isWorthKeeping(learned, used), expected, `${learned} ${used}`)
})

t.test("the user's folder", async (t) => {
  t.equal(userCacheFolder({ XDG_CACHE_HOME: '/home/me/caches' }), '/home/me/caches/orrery')
  t.match(userCacheFolder({ XDG_CACHE_HOME: 'relative' }) ?? '', /^\/.*orrery$/)
})

const BUSY = '(function (exports, require, module, __filename, __dirname) { const used = () => process.cpuUsage().user + process.cpuUsage().system; let n = 0; while (used() < 260_000) for (let i = 0; i < 1e7; i++) n += i; console.log(require("node:path").basename(__filename), process.argv.slice(2).join(" ")); process.exit(Number(process.argv[2])) })'

t.test('the launcher', async (t) => {
  const { beside, files, only } = places(t, BUSY)
  const launcher = path.join(beside, 'orrery.cjs')
  await build({ absWorkingDir: assetPath('.'), entryPoints: ['src/cli/launcher.ts'], outfile: launcher, bundle: true, platform: 'node', format: 'cjs', logLevel: 'error' })
  const kept = () => files(beside).filter((name) => name.endsWith('.v8cache'))
  const launch = (code: number) => runProgram(process.execPath, [launcher, String(code), 'flag'], { env: { XDG_CACHE_HOME: path.join(beside, 'none') } })
  t.match(await launch(3), { code: 3, stdout: 'program.js 3 flag\n' })
  t.equal(kept().length, 0, 'a process that failed keeps nothing')
  t.match(await launch(0), { code: 0, stdout: 'program.js 0 flag\n' })
  t.equal(kept().length, 1)
  const file = path.join(beside, kept()[0] ?? '')
  const { ino } = fs.statSync(file)
  t.match(await launch(0), { code: 0, stderr: '' })
  t.equal(fs.statSync(file).ino, ino, 'V8 took what was there')
  fs.writeFileSync(file, 'broken')
  t.match(await launch(0), { code: 0, stderr: '', stdout: 'program.js 0 flag\n' })
  t.ok(fs.statSync(only(beside).replace(/[^/]+$/, kept()[0] ?? '')).size > 100, 'a broken one is replaced')
})
