/**
 * Upstream's sentences on types and fields, for the OpenAPI documents that `kubectl explain` reads. They lie in a file that
 * the build makes from a dependency; without it the documents have none. It is read when a document is made, not before,
 * and not held longer than that.
 */
import fs from 'node:fs'
import { assetPath } from '../assets.ts'

/** Member → sentence; the sentence on the type itself stands under ''. */
export type TypeDescriptions = Readonly<Record<string, string>>
type Descriptions = Readonly<Record<string, TypeDescriptions>>

const none: TypeDescriptions = {}
let loaded: WeakRef<Descriptions> | undefined

function read(): Descriptions {
  const file = assetPath('dist/descriptions.json')
  if (!fs.existsSync(file)) return {}
  // Written by scripts/descriptions.mjs.
  return (JSON.parse(fs.readFileSync(file, 'utf8')) as { types: Descriptions }).types
}

/** What is known of a type by its OpenAPI name, such as `io.k8s.api.core.v1.PodSpec`. */
export function describeType(typeName: string): TypeDescriptions {
  let descriptions = loaded?.deref()
  if (descriptions === undefined) {
    descriptions = read()
    loaded = new WeakRef(descriptions)
  }
  return descriptions[typeName] ?? none
}
