// Makes dist/descriptions.json: upstream's sentences on the built-in types and their fields, which `kubectl explain` shows.
// They are not part of this repository: they are read out of the doc comments of two packages under Apache-2.0, and only
// for what schemas/data knows. Where both have a sentence, @kubernetes/client-node's counts, being newer; it has none on
// fields that refer to another type and has lost the line breaks, which kubernetes-types has kept. Its version for our
// Kubernetes needs a newer Node to run, but not to be read: it has an alias, beside the client that the tests run.
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { root } from './esbuild-options.mjs'

const require = createRequire(import.meta.url)
const models = path.join(path.dirname(require.resolve('kubernetes-client-models')), 'gen', 'models')
const typesFolder = path.dirname(require.resolve('kubernetes-types/package.json'))
const output = path.join(root, 'dist', 'descriptions.json')

const COMMENT = String.raw`/\*\*((?:(?!\*/)[\s\S])*)\*/\s*`
const DECLARATION = new RegExp(String.raw`(?:${COMMENT})?export (?:declare class|interface|type) (\w+)`, 'g')
const MEMBER = new RegExp(String.raw`${COMMENT}(?:readonly )?["']?([\w$-]+)["']?\??:`, 'g')

function textOf(comment = '') {
  return comment.replace(/^[ \t]*\* ?/gm, '').trim()
}

/** The declarations of a .d.ts file: name → members, with the sentence on the type itself under ''. */
function declarations(source) {
  const found = new Map()
  const heads = [...source.matchAll(DECLARATION)]
  heads.forEach((head, i) => {
    const members = new Map([['', textOf(head[1])]])
    const body = source.slice(head.index + head[0].length, heads[i + 1]?.index)
    for (const [, comment, name] of body.matchAll(MEMBER)) members.set(name, textOf(comment))
    found.set(head[2], members)
  })
  return found
}

/** The generator of client-node escapes quotes and what begins or ends a comment, and renames fields with reserved names. */
function clientNodeModel(className) {
  const file = path.join(models, `${className}.d.ts`)
  if (!fs.existsSync(file)) return undefined
  const renamed = new Map([...fs.readFileSync(file.replace(/d\.ts$/, 'js'), 'utf8').matchAll(/"name": "([^"]+)",\s*"baseName": "([^"]+)"/g)].map(([, name, base]) => [name, base]))
  const members = declarations(fs.readFileSync(file, 'utf8')).get(className) ?? new Map()
  const plain = (text) => text.replaceAll(/\\(["'\\])/g, '$1').replaceAll('*_/', '*/').replaceAll('/_*', '/*')
  return new Map([...members].map(([name, text]) => [renamed.get(name) ?? name, plain(text)]))
}

const parsed = new Map()

function kubernetesType(folder, version, kind) {
  const file = path.join(typesFolder, folder, `${version}.d.ts`)
  if (!parsed.has(file)) parsed.set(file, fs.existsSync(file) ? declarations(fs.readFileSync(file, 'utf8')) : new Map())
  return parsed.get(file).get(kind)
}

const capital = (word) => word.charAt(0).toUpperCase() + word.slice(1)
const folders = { 'io.k8s.apiextensions-apiserver.': 'apiextensions', 'io.k8s.apimachinery.pkg.api.': 'api' }

/** What both packages say of a type, by its OpenAPI name: io.k8s.api.core.v1.Pod is V1Pod or CoreV1Pod, and core/v1 Pod. */
function sources(name) {
  const [group, version, kind] = name.split('.').slice(-3)
  const folder = Object.entries(folders).find(([prefix]) => name.startsWith(prefix))?.[1] ?? group
  const isMeta = name.startsWith('io.k8s.apimachinery.')
  const newer = (isMeta ? undefined : clientNodeModel(capital(group) + capital(version) + kind)) ?? clientNodeModel(capital(version) + kind)
  return { newer, older: kubernetesType(folder, version, kind) }
}

const folded = (text) => text.replaceAll(/\s+/g, ' ')

/** On a field of one of these types client-node has the type's own sentence in place of the field's; such a field tells it. */
const sentencesOfTypes = {
  'io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime': clientNodeModel('CoreV1Event')?.get('eventTime'),
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': clientNodeModel('V1RollingUpdateDeployment')?.get('maxSurge'),
}
const misplaced = new Set(Object.values(sentencesOfTypes))

/** The sentence to show, or nothing. */
function choose(newer = '', older = '') {
  return newer === '' || misplaced.has(newer) || folded(newer) === folded(older) ? older : withParagraphs(newer, older)
}

/** Two spaces were a paragraph's end, but where the older sentence has them too. */
function withParagraphs(newer, older) {
  return newer.replaceAll(/(\S{1,12}) {2}(?=(\S{1,12}))/g, (found, before, after) => (older.includes(`${before}  ${after}`) ? found : `${before}\n\n`))
}

/** The types of schemas/data with the names of their members that upstream describes; inlined types are followed. */
function knownTypes() {
  const folder = path.join(root, 'schemas', 'data')
  const files = fs.readdirSync(folder).filter((name) => name !== 'resources.json')
  const types = Object.assign({}, ...files.map((name) => JSON.parse(fs.readFileSync(path.join(folder, name), 'utf8')).types))
  const members = (name) => (types[name]?.fields ?? []).flatMap((field) => (field.inline ? members(field.type.replace(/^\*/, '')) : field.undescribed ? [] : [field.name]))
  return Object.keys(types).sort().map((name) => ({ name, members: members(name) }))
}

/** Type → member → sentence; the sentence on the type itself stands under ''. */
function describe({ name, members }) {
  const { newer, older } = sources(name)
  const described = ['', ...members].map((member) => [member, choose(newer?.get(member), older?.get(member))])
  if (sentencesOfTypes[name]) described[0] = ['', sentencesOfTypes[name]]
  return Object.fromEntries(described.filter(([, text]) => text !== ''))
}

/** Whether the file is there and newer than all that it is made from. */
function isFresh() {
  const made = fs.statSync(output, { throwIfNoEntry: false })?.mtimeMs
  const inputs = [import.meta.filename, path.join(root, 'package-lock.json'), path.join(root, 'schemas', 'data')]
  return made !== undefined && inputs.every((file) => fs.statSync(file).mtimeMs < made)
}

export function writeDescriptions() {
  if (isFresh()) return
  const described = knownTypes().map((type) => [type.name, describe(type)])
  const types = Object.fromEntries(described.filter(([, members]) => Object.keys(members).length > 0))
  const about = 'From @kubernetes/client-node and kubernetes-types, copyright The Kubernetes Authors, Apache License 2.0.'
  fs.mkdirSync(path.dirname(output), { recursive: true })
  const temporary = `${output}.${process.pid}`
  fs.writeFileSync(temporary, JSON.stringify({ about, types }))
  fs.renameSync(temporary, output)
}
