/** What can be wrong with a strategic merge patch. Models k8s.io/apimachinery/pkg/util/mergepatch/errors.go. */
import { goFormat, goTypeOf } from './go-format.ts'
import { isRecord } from './json.ts'
import { ParseError } from './parse-error.ts'

/** Who is to blame decides the answer's code; upstream has no better one than 500 for most. */
export class StrategicMergeError extends ParseError {
  constructor(
    message: string,
    readonly code: 400 | 422 | 500 = 500,
  ) {
    super(message)
  }
}

export function badPatchType(directive: unknown, patch: unknown): string {
  return `unknown patch type: ${typeof directive === 'string' ? directive : `%!s(${goTypeOf(directive)}=${goFormat(directive)})`} in map: ${goFormat(patch)}`
}

export function badArgument(expected: string, actual: unknown): string {
  return `expected a ${expected}, but received a ${goTypeOf(actual)}`
}

/** The value of an item's merge key, which it must have. */
export function keyOf(item: unknown, mergeKey: string): unknown {
  if (!isRecord(item)) throw new StrategicMergeError(badArgument('map[string]interface {}', item))
  if (!Object.hasOwn(item, mergeKey)) throw new StrategicMergeError(`map: ${goFormat(item)} does not contain declared merge key: ${mergeKey}`)
  return item[mergeKey]
}
