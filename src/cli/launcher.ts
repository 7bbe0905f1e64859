/**
 * dist/orrery.cjs: runs the program, dist/program.js, with the code that an earlier process has compiled. The program is one
 * function expression with the arguments of a CommonJS module.
 */
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import v8 from 'node:v8'
import { Script } from 'node:vm'
import { CodeCacheFile, userCacheFolder } from './code-cache.ts'

// What has been compiled is not forgotten while it rests: it would be missing in the cache.
v8.setFlagsFromString('--no-flush-bytecode')
// Functions are optimized after three times as much work as by default: a server is often short-lived, and much of what it does
// in its first seconds it does a thousand times and never again. Measured with this V8 only.
if (process.versions.v8.startsWith('11.3.')) v8.setFlagsFromString('--interrupt-budget=202752')

const file = path.join(__dirname, 'program.js')
const source = fs.readFileSync(file)
const cache = new CodeCacheFile({ program: file, source, userFolder: userCacheFolder() })
const found = cache.read()
// The build leaves nothing but ASCII in it, which takes half the room and a third of the time of UTF-8.
const script = new Script(source.toString('latin1'), { filename: file, ...(found ? { cachedData: found.data } : {}) })
const foundMs = script.cachedDataRejected ? undefined : found?.learnedMs

process.on('exit', (code) => {
  if (code !== 0) return
  const { user, system } = process.cpuUsage()
  cache.keep(() => script.createCachedData(), { foundMs, usedMs: (user + system) / 1000 })
})

const program: unknown = script.runInThisContext()
if (typeof program !== 'function') throw new Error(`${file} is not Orrery's program: build it again`)
const module = { exports: {} }
program(module.exports, createRequire(file), module, file, path.dirname(file))
