/**
 * Selectors of API objects, compiled once per object: what listers give is frozen, so the field itself is the cache's key.
 */
import { nothing, selectorFromLabelSelector, selectorFromSet, type LabelSelector, type Labels, type Selector } from '../apimachinery/labels.ts'
import { ParseError } from '../apimachinery/parse-error.ts'

const compiled = new WeakMap<object, Selector>()

/** A selector that cannot be compiled matches nothing, as one that is absent. */
export function selectorOf(selector: LabelSelector | null | undefined): Selector {
  if (!selector) return nothing
  const known = compiled.get(selector)
  if (known) return known
  const made = compile(() => selectorFromLabelSelector(selector))
  compiled.set(selector, made)
  return made
}

/** The selector of a plain map of labels (Services, ReplicationControllers); an empty one matches nothing here. */
export function setSelectorOf(labels: Labels | undefined): Selector {
  if (!labels) return nothing
  const known = compiled.get(labels)
  if (known) return known
  const made = Object.keys(labels).length === 0 ? nothing : selectorFromSet(labels)
  compiled.set(labels, made)
  return made
}

function compile(make: () => Selector): Selector {
  try {
    return make()
  } catch (error) {
    if (error instanceof ParseError) return nothing
    throw error
  }
}
