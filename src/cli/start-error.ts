/** Says in one line why a cluster did not start, where that is something the user can put right. */
import { YamlError } from '../apimachinery/checked-yaml.ts'
import { ParseError } from '../apimachinery/parse-error.ts'
import { SettingError, StatusError } from '../errors.ts'
import { UnknownControllerError } from '../controller/selection.ts'
import { StorageError } from '../storage/errors.ts'
import { UserError } from './command.ts'
import type { Settings } from './settings.ts'

const LISTEN: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use; choose another with --port',
  EACCES: 'permission denied; choose a port above 1023 with --port',
  EADDRNOTAVAIL: 'this machine has no such address; choose another with --host',
  ENOTFOUND: 'there is no such host; choose another with --host',
}

/** The error to throw instead; one that nobody foresaw stays as it is. */
export function explainStartError(error: unknown, { host, port, dataDir }: Settings): unknown {
  if (!(error instanceof Error)) return error
  const { code, syscall } = error as NodeJS.ErrnoException
  const hint = code && (syscall === 'listen' || syscall === 'getaddrinfo') ? LISTEN[code] : undefined
  if (hint) return new UserError(`cannot listen on ${host}:${port}: ${hint}`, { cause: error })
  if (error instanceof UnknownControllerError) return new UserError(`--controllers: ${error.message}`, { cause: error })
  if (error instanceof StorageError || error instanceof StatusError || error instanceof SettingError || error instanceof ParseError || error instanceof YamlError) return new UserError(error.message, { cause: error })
  if (syscall && dataDir) return new UserError(`cannot use the data directory ${dataDir}: ${error.message}`, { cause: error })
  return error
}
