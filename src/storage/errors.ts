/** What the store itself can refuse. Callers branch on `code`; the registry turns codes into a metav1.Status. */

export type StorageErrorCode =
  /** `create` found the key. */
  | 'KEY_EXISTS'
  /** `delete` did not find the key. */
  | 'KEY_NOT_FOUND'
  /** The entry changed: `commitIf` expected another revision, or `guaranteedUpdate` ran out of attempts. */
  | 'CONFLICT'
  /** A key that cannot be stored: empty, beginning with NUL, or not well-formed Unicode. */
  | 'INVALID_KEY'
  /** The revision asked for is no longer in the history window. */
  | 'COMPACTED'
  /** The revision asked for has not happened yet. */
  | 'FUTURE_REVISION'
  /** Too many writes wait for the backend. */
  | 'QUEUE_FULL'
  /** The data directory is in use by another process. */
  | 'LOCKED'
  /** What is on disk is not what was written. */
  | 'CORRUPT'
  /** The backend failed; the store takes no more writes. */
  | 'FAILED'
  | 'CLOSED'

export class StorageError extends Error {
  override readonly name = 'StorageError'
  readonly code: StorageErrorCode

  constructor(code: StorageErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}

export function isStorageError(error: unknown, code?: StorageErrorCode): error is StorageError {
  return error instanceof StorageError && (code === undefined || error.code === code)
}
