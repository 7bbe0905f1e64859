/** Work on many objects side by side, so that they share writes to disk, but not on all at once: the store's queue has a bound. */
const AT_ONCE = 64

/** Rejects with the first error; parts after the one it happened in are not begun. */
export async function inParts<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  for (let i = 0; i < items.length; i += AT_ONCE) await Promise.all(items.slice(i, i + AT_ONCE).map(work))
}
