/** What each flag is set to, as `/flagz` shows it: secrets are not told. Models flagreader.go of k8s.io/apiserver/pkg/server/flagz. */
import type { Config } from './config-schema.ts'
import { upFlags } from './flags.ts'
import { serverFlags } from './server-flags.ts'
import type { Said } from './server-files.ts'

const CLASSIFIED = new Set(['admin-token'])

/** @param given what the command line or a variable says */
export function upFlagValues(given: (name: string) => string | undefined, config: Config): Record<string, string> {
  return Object.fromEntries(
    upFlags.map(({ name, key, default: byDefault = '' }) => {
      const value = given(name) ?? shown(key === undefined ? undefined : (config as Readonly<Record<string, unknown>>)[key]) ?? byDefault
      return [name, value && CLASSIFIED.has(name) ? 'CLASSIFIED' : value]
    }),
  )
}

export function serverFlagValues(said: Said): Record<string, string> {
  return Object.fromEntries(
    serverFlags.map(({ name, value: type, default: byDefault = '' }) => {
      const value = said[name] ?? byDefault
      return [name, type === 'LIST' ? `[${value}]` : value]
    }),
  )
}

function shown(value: unknown): string | undefined {
  return value === undefined ? undefined : typeof value === 'object' ? JSON.stringify(value) : String(value)
}
