/** A file of settings that counts anew when it changes. Models k8s.io/kubernetes/pkg/util/filesystem.WatchUntil and the reloads of its configurations. */
import fs from 'node:fs'
import path from 'node:path'
import type { Logger } from 'pino'
import { ParseError } from '../apimachinery/parse-error.ts'
import type { Clock, Timer } from '../clock.ts'

/** Changes that the system tells nobody of are seen that late. */
const LOOK_MS = 60_000
/** What projected volumes exchange when any of their files changes. */
const PROJECTED = '..'

export interface WatchedFileOptions {
  path: string
  /** What it held at first. */
  text: string
  /** What is configured by it, for the log. */
  what: string
  clock: Clock
  log: Logger
  /** Throws ParseError for a text that will never do; what fails otherwise is tried again. */
  onChange(text: string): void | Promise<void>
}

export class WatchedFile {
  readonly #options: WatchedFileOptions
  readonly #watcher: fs.FSWatcher | undefined
  #text: string
  #timer: Timer | undefined
  #isBusy = false
  #isStale = false
  #isClosed = false

  constructor(options: WatchedFileOptions) {
    this.#options = options
    this.#text = options.text
    this.#watcher = this.#watch()
    this.#wait()
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
    this.#watcher?.close()
  }

  /** The folder: files are often replaced by others of their name. */
  #watch(): fs.FSWatcher | undefined {
    const { path: file, log, what } = this.#options
    try {
      const watcher = fs.watch(path.dirname(file), (_event, changed) => {
        if (changed === null || changed === path.basename(file) || changed.startsWith(PROJECTED)) void this.#look()
      })
      watcher.on('error', (error) => log.error({ err: error }, `watching ${what} config file`))
      return watcher
    } catch (error) {
      log.error({ err: error }, `watching ${what} config file`)
      return undefined
    }
  }

  #wait(): void {
    this.#timer = this.#options.clock.after(LOOK_MS, () => void this.#look().then(() => this.#isClosed || this.#wait()))
  }

  async #look(): Promise<void> {
    if (this.#isBusy) {
      this.#isStale = true
      return
    }
    this.#isBusy = true
    do {
      this.#isStale = false
      await this.#reload()
    } while (this.#isStale && !this.#isClosed)
    this.#isBusy = false
  }

  async #reload(): Promise<void> {
    const { path: file, log, what, onChange } = this.#options
    try {
      const text = await fs.promises.readFile(file, 'utf8')
      if (text === this.#text || this.#isClosed) return
      try {
        await onChange(text)
        this.#text = text
        log.info(`reloaded ${what} config`)
      } catch (error) {
        if (error instanceof ParseError) this.#text = text
        throw error
      }
    } catch (error) {
      log.error({ err: error }, `reloading ${what} config`)
    }
  }
}
