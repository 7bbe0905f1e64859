/**
 * Manifests of static pods in a folder of the host, and the mirrors that show them in the API. Models
 * pkg/kubelet/config/{file,common}.go and pkg/kubelet/pod/mirror_client.go.
 */
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import type { Node, Pod } from '../../schemas/types.ts'
import { parseChecked } from '../apimachinery/checked-yaml.ts'

const MAX_FILES = 500
const HASH = 'kubernetes.io/config.hash'
export const MIRROR = 'kubernetes.io/config.mirror'
const SOURCE = 'kubernetes.io/config.source'
const SEEN = 'kubernetes.io/config.seen'

const MANIFEST = {
  type: 'object',
  required: ['kind', 'metadata', 'spec'],
  properties: { kind: { const: 'Pod' }, metadata: { type: 'object', required: ['name'], properties: { name: { type: 'string' } } }, spec: { type: 'object' } },
} as const

/** Named after its node, and known to its kubelet by what its manifest says. */
export interface StaticPod {
  uid: string
  namespace: string
  name: string
  manifest: Pod
}

/** Those of a node whose files can be understood; each problem is told. Nothing at all when the folder cannot be read. */
export function readStaticPods(dir: string, nodeName: string, told: (problem: { file: string; problem: string }) => void): StaticPod[] | undefined {
  const problemOf = (error: unknown) => (error instanceof Error ? error.message : String(error))
  let names: string[]
  try {
    names = fs.readdirSync(dir).filter((name) => !name.startsWith('.')).sort().slice(0, MAX_FILES)
  } catch (error) {
    told({ file: dir, problem: problemOf(error) })
    return undefined
  }
  return names.flatMap((name) => {
    const file = path.join(dir, name)
    try {
      return [staticPod(parseChecked(fs.readFileSync(file, 'utf8'), { file, schema: MANIFEST, what: 'a Pod' }) as Pod, nodeName)]
    } catch (error) {
      told({ file, problem: problemOf(error) })
      return []
    }
  })
}

export function staticPod(manifest: Pod, nodeName: string): StaticPod {
  const { metadata, spec } = manifest
  const uid = createHash('md5').update(`host:${nodeName}`).update(JSON.stringify({ metadata, spec })).digest('hex')
  return { uid, namespace: metadata.namespace ?? 'default', name: `${metadata.name}-${nodeName.toLowerCase()}`, manifest }
}

/** Bound to its node, and staying whatever happens to the node. */
export function mirrorOf({ uid, namespace, name, manifest: { metadata, spec } }: StaticPod, { metadata: node }: Node, now: string): Pod {
  const { name: nodeName = '', uid: nodeUid = '' } = node
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...metadata,
      name,
      namespace,
      annotations: { ...metadata.annotations, [HASH]: uid, [MIRROR]: uid, [SEEN]: now, [SOURCE]: 'file' },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: nodeName, uid: nodeUid, controller: true }],
    },
    spec: { ...spec, nodeName, tolerations: [...(spec.tolerations ?? []), { operator: 'Exists', effect: 'NoExecute' }] },
  }
}
