/** Keys are paths such as `/registry/pods/default/web-0`, ordered by UTF-16 code unit; ranges of them are named by a prefix. */
import { StorageError } from './errors.ts'

const LONE_SURROGATE = /\p{Surrogate}/u

/** Refuses keys that a backend could not give back as they were. */
export function checkKey(key: string): void {
  if (key === '' || key.charCodeAt(0) === 0 || LONE_SURROGATE.test(key)) {
    throw new StorageError('INVALID_KEY', `the key ${JSON.stringify(key)} cannot be stored`)
  }
}

/** The least string above every string that begins with `prefix`; undefined when there is none. */
export function prefixEnd(prefix: string): string | undefined {
  for (let i = prefix.length - 1; i >= 0; i--) {
    const unit = prefix.charCodeAt(i)
    if (unit < 0xffff) return prefix.slice(0, i) + String.fromCharCode(unit + 1)
  }
  return undefined
}
