/**
 * Finds the files that ship beside the bundle (schemas/data, images, stages). The bundle lies in dist/, tests are built
 * elsewhere, so the way goes by the package.json that is Orrery's.
 */
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

let root: string | undefined

function isRoot(dir: string): boolean {
  try {
    const manifest: unknown = JSON.parse(fs.readFileSync(path.join(dir, 'package.json'), 'utf8'))
    return typeof manifest === 'object' && manifest !== null && 'name' in manifest && manifest.name === 'kube-orrery'
  } catch {
    return false
  }
}

function findRoot(): string {
  let dir = path.dirname(fileURLToPath(import.meta.url))
  while (!isRoot(dir)) {
    const parent = path.dirname(dir)
    if (parent === dir) throw new Error('the package kube-orrery is not around its own program: reinstall it')
    dir = parent
  }
  return dir
}

/** The absolute path of a file that is given relative to the package. */
export function assetPath(relative: string): string {
  root ??= findRoot()
  return path.join(root, relative)
}
