/** Where audit events go: lines of JSON in a file or on standard output. Models k8s.io/apiserver/plugin/pkg/audit/log. */
import fs from 'node:fs'
import type { Writable } from 'node:stream'

/** What may wait for the disk; beyond it events are dropped, and their number is told. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024
const STANDARD_OUTPUT = '-'

export class AuditLog {
  readonly #stream: Writable
  readonly #isOwn: boolean
  /** Events that were not written since the disk did not keep up. */
  dropped = 0

  /** @param path `-` is standard output. @throws the system's error when the file cannot be opened */
  constructor(path: string) {
    this.#isOwn = path !== STANDARD_OUTPUT
    this.#stream = this.#isOwn ? fs.createWriteStream(path, { fd: fs.openSync(path, 'a', 0o600) }) : process.stdout
    // A disk that fails must not end the server.
    if (this.#isOwn) this.#stream.on('error', () => this.dropped++)
  }

  write(event: object): void {
    if (this.#stream.writableLength > MAX_WAITING_BYTES) this.dropped++
    else this.#stream.write(`${goJSON(event)}\n`)
  }

  close(): Promise<void> {
    return this.#isOwn ? new Promise((resolve) => this.#stream.end(() => resolve())) : Promise.resolve()
  }
}

/** As Go's encoder writes it: safe to be put into HTML. */
function goJSON(value: object): string {
  return JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
