/** What flags of kube-apiserver say and the files that they name; what is wrong with one is told with its name. */
import fs from 'node:fs'
import { parseDuration } from '../apimachinery/go-duration.ts'
import { remoteOfKubeconfig } from '../auth/kubeconfig-remote.ts'
import type { RemoteOptions } from '../auth/remote.ts'
import { UserError } from './command.ts'

/** What was said, by flag. */
export type Said = Readonly<Record<string, string | undefined>>

/** The files that flags name. */
export class Files {
  readonly #said: Said

  constructor(said: Said) {
    this.#said = said
  }

  text(flag: string): string | undefined {
    const file = this.#said[flag]
    return file === undefined ? undefined : explained(flag, () => fs.readFileSync(file, 'utf8'))
  }

  /** The server of a kubeconfig's current context. */
  remote(flag: string): RemoteOptions | undefined {
    const file = this.#said[flag]
    return file === undefined ? undefined : explained(flag, () => remoteOfKubeconfig(file))
  }
}

export function explained<T>(flag: string, act: () => T, what = ''): T {
  try {
    return act()
  } catch (error) {
    throw new UserError(`--${flag}: ${what && `${what}: `}${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}

export function bool(said: Said, flag: string): boolean | undefined {
  const text = said[flag]
  if (text !== undefined && text !== 'true' && text !== 'false') throw new UserError(`--${flag}: "${text}" is not true or false`)
  return text === undefined ? undefined : text === 'true'
}

/** Of a duration as Go writes it. */
export function milliseconds(said: Said, flag: string): number | undefined {
  const text = said[flag]
  return text === undefined ? undefined : explained(flag, () => Number(parseDuration(text) / 1_000_000n))
}
