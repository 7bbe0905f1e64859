/**
 * Puts the cluster's access into a kubeconfig file without losing what else is in it: entries of the same name are
 * replaced, others stay, comments too. The file is replaced in one step and readable by its owner only.
 * Models the merging and the lock file of k8s.io/client-go/tools/clientcmd/config.go.
 */
import fs from 'node:fs'
import path from 'node:path'
import { Document, isMap, isSeq, parse, parseDocument, type YAMLMap } from 'yaml'
import { UserError } from './command.ts'

const LISTS = ['clusters', 'users', 'contexts'] as const

/**
 * Looks whether the file can be written, before a cluster is started for it; answers the function that writes.
 * Throws a UserError when it cannot be, or holds something else than a kubeconfig.
 */
export function prepareKubeconfig(file: string): (addition: string) => void {
  const target = guarded(file, () => {
    fs.mkdirSync(path.dirname(file), { recursive: true })
    const real = fs.existsSync(file) ? fs.realpathSync(file) : file
    fs.accessSync(fs.existsSync(real) ? real : path.dirname(real), fs.constants.W_OK)
    return real
  })
  readExisting(target)
  return (addition) => locked(target, () => replaceFile(target, merge(readExisting(target), addition)))
}

function guarded<T>(file: string, action: () => T): T {
  try {
    return action()
  } catch (error) {
    if (error instanceof UserError) throw error
    throw new UserError(`cannot write the kubeconfig ${file}: ${error instanceof Error ? error.message : error}`, { cause: error })
  }
}

function readExisting(file: string): Document {
  const text = guarded(file, () => (fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : ''))
  if (text.trim() === '') return new Document({ apiVersion: 'v1', kind: 'Config' })
  const document = parseDocument(text)
  const kind: unknown = isMap(document.contents) ? document.get('kind') : undefined
  if (document.errors.length > 0 || !isMap(document.contents) || (kind !== undefined && kind !== 'Config')) {
    throw new UserError(`${file} is not a kubeconfig: it is left as it is; name another file with --kubeconfig`)
  }
  return document
}

function merge(document: Document, addition: string): string {
  const added: Record<string, unknown> = parse(addition)
  for (const list of LISTS) {
    if (!isSeq(document.get(list))) document.set(list, document.createNode([]))
    for (const entry of added[list] as { name: string }[]) putEntry(document, list, entry)
  }
  document.set('current-context', added['current-context'])
  return document.toString({ lineWidth: 0 })
}

function putEntry(document: Document, list: string, entry: { name: string }): void {
  const sequence = document.get(list)
  if (!isSeq<YAMLMap>(sequence)) return
  const index = sequence.items.findIndex((item) => isMap(item) && item.get('name') === entry.name)
  if (index < 0) document.addIn([list], document.createNode(entry))
  else document.setIn([list, index], document.createNode(entry))
}

function locked(file: string, action: () => void): void {
  const lock = `${file}.lock`
  try {
    fs.closeSync(fs.openSync(lock, 'wx', 0o600))
  } catch (error) {
    const isHeld = error instanceof Error && 'code' in error && error.code === 'EEXIST'
    if (isHeld) throw new UserError(`cannot write the kubeconfig ${file}: another program holds ${lock} (remove it if none does)`, { cause: error })
    return guarded(file, () => {
      throw error
    })
  }
  try {
    guarded(file, action)
  } finally {
    fs.rmSync(lock, { force: true })
  }
}

function replaceFile(file: string, text: string): void {
  const temporary = `${file}.${process.pid}.tmp`
  try {
    fs.writeFileSync(temporary, text, { mode: 0o600 })
    fs.renameSync(temporary, file)
  } finally {
    fs.rmSync(temporary, { force: true })
  }
}
