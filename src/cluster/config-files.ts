/** The files of identities and rights count anew when they change, without a start. */
import { isDeepStrictEqual } from 'node:util'
import type { Logger } from 'pino'
import { ParseError } from '../apimachinery/parse-error.ts'
import type { AuthenticationOptions } from '../auth/authentication.ts'
import { parseAuthorizationConfiguration } from '../auth/authorization-configuration.ts'
import { parseAuthenticationConfiguration } from '../auth/jwt/configuration.ts'
import type { JwtTokens } from '../auth/jwt/jwt-authenticator.ts'
import type { Authorization, AuthorizationOptions } from '../auth/modes.ts'
import { WatchedFile } from '../auth/watched-file.ts'
import type { Clock } from '../clock.ts'

interface Configured {
  authentication: AuthenticationOptions
  authorization: AuthorizationOptions
  outside: JwtTokens | undefined
  replaceAuthorizers: Authorization['replace']
  clock: Clock
  log: Logger
}

export function watchConfigFiles({ authentication, authorization, outside, replaceAuthorizers, clock, log }: Configured): { close(): void } {
  const files: WatchedFile[] = []
  if (authentication.configFile && outside) {
    const { anonymous } = authentication.configuration ?? {}
    files.push(
      new WatchedFile({
        ...authentication.configFile,
        ...{ what: 'authentication', clock, log },
        async onChange(text) {
          const configuration = parseAuthenticationConfiguration(text)
          if (!isDeepStrictEqual(configuration.anonymous, anonymous)) throw new ParseError('anonymous: Forbidden: changed from initial configuration file')
          await outside.replace(configuration)
        },
      }),
    )
  }
  if (authorization.configFile) files.push(new WatchedFile({ ...authorization.configFile, what: 'authorization', clock, log, onChange: (text) => replaceAuthorizers(parseAuthorizationConfiguration(text)) }))
  return { close: () => files.forEach((file) => file.close()) }
}
