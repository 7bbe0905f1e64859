/** Reads the config file; an error names the file, the line and the key. */
import fs from 'node:fs'
import { parseChecked, pathText, YamlError, type Complaint } from '../apimachinery/checked-yaml.ts'
import { isQuantity } from '../apimachinery/quantity.ts'
import { isDNS1123Subdomain, isQualifiedName, isValidLabelValue } from '../apimachinery/validation.ts'
import { UserError } from './command.ts'
import { configSchema, type Config, type NodeConfig } from './config-schema.ts'

type Path = Complaint['path']

export function readConfig(file: string): Config {
  let text: string
  try {
    text = fs.readFileSync(file, 'utf8')
  } catch (error) {
    throw new UserError(`cannot read the config file ${file}: ${error instanceof Error ? error.message : error}`, { cause: error })
  }
  return parseConfig(text, file)
}

export function parseConfig(text: string, file: string): Config {
  try {
    return parseChecked(text, { file, schema: configSchema, what: 'the configuration', check: (value) => nodeComplaint(value as Config) }) as Config
  } catch (error) {
    throw error instanceof YamlError ? new UserError(error.message, { cause: error }) : error
  }
}

/** What Kubernetes would refuse in the nodes, found before they are created. */
function nodeComplaint({ nodes }: Config): Complaint | undefined {
  if (!Array.isArray(nodes)) return undefined
  const names = new Set<string>()
  for (const [index, node] of nodes.entries()) {
    const path = ['nodes', index]
    const [fault] = faults(node)
    if (fault) return { path: [...path, ...fault.path], text: `"${pathText([...path, ...fault.path])}": ${fault.text}` }
    for (const name of nodeNames(node)) {
      if (names.has(name)) return { path: [...path, 'name'], text: `"${pathText([...path, 'name'])}": there are two nodes called ${name}` }
      names.add(name)
    }
  }
  return undefined
}

function faults(node: NodeConfig): Complaint[] {
  const found: Complaint[] = []
  const check = (path: Path, messages: readonly string[]) => found.push(...messages.map((text) => ({ path, text })))
  check(['name'], isDNS1123Subdomain(node.name))
  for (const [name, quantity] of Object.entries(node.capacity ?? {})) {
    check(['capacity', name], isQualifiedName(name))
    if (!isQuantity(String(quantity))) check(['capacity', name], [`"${quantity}" is no quantity such as 500m, 4 or 16Gi`])
  }
  for (const [key, value] of Object.entries(node.labels ?? {})) check(['labels', key], [...isQualifiedName(key), ...isValidLabelValue(value)])
  for (const [i, { key, value = '' }] of (node.taints ?? []).entries()) check(['taints', i], [...isQualifiedName(key), ...isValidLabelValue(value)])
  return found
}

export function nodeNames({ name, count }: NodeConfig): string[] {
  return count === undefined ? [name] : Array.from({ length: count }, (_, i) => `${name}-${i + 1}`)
}
