/**
 * What watches share while an event goes round: what it means to a selector, and its frames. The store calls every watcher
 * in one go, so this lasts no longer than that; kept with the events it would outgrow them.
 */
import type { KubeObject } from '../../registry/kind.ts'
import type { ObjectEntry } from '../../registry/resource-storage.ts'
import type { StorageEvent } from '../../storage/history.ts'

export type WatchEventType = 'ADDED' | 'MODIFIED' | 'DELETED'

/** What an event is to somebody who sees only some objects. */
export interface Change {
  type: WatchEventType
  entry: ObjectEntry
}

type Event = StorageEvent<KubeObject>

const meanings = new Map<Event, Map<string, Change | null>>()
const frames = new Map<Event, Map<string, Buffer>>()
const watchers = new Map<string, number>()
let isCleared = true

/** Counts those with the same selector; alone there is nobody to share with. Returns the function that takes back. */
export function joinSelector(selector: string): () => void {
  watchers.set(selector, (watchers.get(selector) ?? 0) + 1)
  return () => {
    const left = (watchers.get(selector) ?? 1) - 1
    if (left > 0) watchers.set(selector, left)
    else watchers.delete(selector)
  }
}

export function sharedMeaning(event: Event, selector: string, find: () => Change | null): Change | null {
  if ((watchers.get(selector) ?? 0) < 2) return find()
  return remember(meanings, event, selector, find)
}

export function sharedFrame(event: Event, form: string, make: () => Buffer): Buffer {
  return remember(frames, event, form, make)
}

function remember<T>(cache: Map<Event, Map<string, T>>, event: Event, key: string, make: () => T): T {
  let known = cache.get(event)
  if (!known) {
    cache.set(event, (known = new Map()))
    if (isCleared) {
      isCleared = false
      queueMicrotask(clear)
    }
  }
  let value = known.get(key)
  if (value === undefined) known.set(key, (value = make()))
  return value
}

function clear(): void {
  meanings.clear()
  frames.clear()
  isCleared = true
}
