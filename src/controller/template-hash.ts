/**
 * The hash that names what is made of a pod template: FNV-32a over a canonical text, written with the letters names may
 * have. Models ComputeHash of k8s.io/kubernetes/pkg/controller/controller_utils.go (whose text is Go's dump of the
 * value, so that the hashes themselves differ) and k8s.io/apimachinery/pkg/util/rand.SafeEncodeString.
 */
const SAFE = 'bcdfghjklmnpqrstvwxz2456789'

export function fnv32a(text: string, seed = 0x811c9dc5): number {
  let hash = seed
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    hash = Math.imul(hash ^ (code & 0xff), 0x01000193)
    if (code > 0xff) hash = Math.imul(hash ^ (code >>> 8), 0x01000193)
  }
  return hash >>> 0
}

/** FNV-1, which multiplies first, over the bytes of the text. */
export function fnv32(text: string): number {
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(text)) hash = Math.imul(hash, 0x01000193) ^ byte
  return hash >>> 0
}

/** JSON with sorted keys, so that equal values have equal texts. */
export function canonicalText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const parts: string[] = []
  for (const [key, v] of Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) if (v !== undefined) parts.push(`${JSON.stringify(key)}:${canonicalText(v)}`)
  return `{${parts.join(',')}}`
}

/** Each character of a text as one that is allowed in names and spells no words. */
export function safeEncode(text: string): string {
  let out = ''
  for (let i = 0; i < text.length; i++) out += SAFE.charAt(text.charCodeAt(i) % SAFE.length)
  return out
}

/** @param collisionCount raised when a hash turned out to be taken by something else */
export function templateHash(template: unknown, collisionCount?: number): string {
  const text = canonicalText(template)
  return safeEncode(String(fnv32a(collisionCount === undefined ? text : `${text}#${collisionCount}`)))
}
