/**
 * Reading entries that a webhook may have to convert first. What is shown of an object is known by the object itself, and
 * an entry that is replaced while the webhook answers forgets its object; so the objects are held here, and given back to
 * their entries before anybody looks.
 */
import type { ObjectEntry } from './resource-storage.ts'
import type { ServedKind } from './scheme.ts'

/** Acts on entries that can be shown: at once, or when they have been converted. Those that `act` reads must be read in one go. */
export function whenReadable<T>({ definition }: ServedKind, entries: readonly ObjectEntry[], act: () => T | Promise<T>): T | Promise<T> {
  const { stored } = definition
  if (!stored?.prepareRead) return act()
  const objects = entries.map(({ value }) => value)
  const pending = stored.prepareRead(objects)
  if (!pending) return act()
  return pending.then(() => {
    holdAgain(entries, objects)
    return act()
  })
}

/** Gives entries back the objects that they had. */
export function holdAgain(entries: readonly ObjectEntry[], objects: readonly ObjectEntry['value'][]): void {
  entries.forEach((entry, i) => {
    const object = objects[i]
    if (object) entry.hold?.(object)
  })
}
