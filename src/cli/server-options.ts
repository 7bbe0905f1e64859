/** What kube-apiserver's flags mean for a cluster: reads the files they name. Models k8s.io/kubernetes/pkg/kubeapiserver/options. */
import { parseAdmissionConfiguration, type PluginConfigs } from '../admission/configuration.ts'
import type { AuthenticationOptions } from '../auth/authentication.ts'
import { parseAuthorizationConfiguration } from '../auth/authorization-configuration.ts'
import { FRONT_PROXY_HEADERS } from '../auth/front-proxy.ts'
import { parseAuthenticationConfiguration, type AuthenticationConfiguration } from '../auth/jwt/configuration.ts'
import { parseAbacPolicies, type AbacPolicy } from '../auth/abac.ts'
import type { AuthorizationOptions } from '../auth/modes.ts'
import type { ClusterOptions } from '../cluster.ts'
import { quote } from '../errors.ts'
import { auditOf } from './audit-options.ts'
import { UserError } from './command.ts'
import { bool, explained, Files, milliseconds, type Said } from './server-files.ts'

export type ServerOptions = Pick<ClusterOptions, 'authentication' | 'authorization' | 'admission' | 'audit'>

const EMPTY = /^\s*(?:#.*)?$/

/** @param said paths are absolute @throws UserError that names the flag */
export function serverOptions(said: Said): ServerOptions {
  const read = new Files(said)
  const audit = auditOf(said, read)
  const authentication = authenticationOf(said, read)
  const authorization = authorizationOf(said, read)
  const config = admissionConfigOf(said, read)
  const [enable, disable] = [list(said['enable-admission-plugins']), list(said['disable-admission-plugins'])]
  return {
    ...(audit ? { audit } : {}),
    ...(Object.keys(authentication).length > 0 ? { authentication } : {}),
    ...(authorization ? { authorization } : {}),
    ...(enable || disable || config ? { admission: { ...(enable ? { enable } : {}), ...(disable ? { disable } : {}), ...(config ? { config } : {}) } } : {}),
  }
}

function authenticationOf(said: Said, read: Files): AuthenticationOptions {
  const anonymous = bool(said, 'anonymous-auth')
  const joins = bool(said, 'enable-bootstrap-token-auth')
  const tokens = read.text('token-auth-file')
  const webhook = read.remote('authentication-token-webhook-config-file')
  const ca = read.text('requestheader-client-ca-file')
  return {
    ...(anonymous === undefined ? {} : { anonymous }),
    ...(joins === undefined ? {} : { bootstrapTokens: joins }),
    ...(tokens === undefined ? {} : { staticTokens: explained('token-auth-file', () => tokensOf(tokens)) }),
    ...outsideOf(said, read),
    ...(webhook ? { webhook: { remote: webhook, reviewVersion: versionOf(said, 'authentication-token-webhook-version'), ...ttl(said, 'ttlMs', 'authentication-token-webhook-cache-ttl') } } : {}),
    ...(ca === undefined
      ? {}
      : {
          frontProxy: {
            ca,
            allowedNames: list(said['requestheader-allowed-names']) ?? [],
            usernameHeaders: list(said['requestheader-username-headers']) ?? FRONT_PROXY_HEADERS.usernameHeaders,
            uidHeaders: list(said['requestheader-uid-headers']) ?? FRONT_PROXY_HEADERS.uidHeaders,
            groupHeaders: list(said['requestheader-group-headers']) ?? FRONT_PROXY_HEADERS.groupHeaders,
            extraHeaderPrefixes: list(said['requestheader-extra-headers-prefix']) ?? FRONT_PROXY_HEADERS.extraHeaderPrefixes,
          },
        }),
  }
}

function admissionConfigOf(said: Said, read: Files): PluginConfigs | undefined {
  const flag = 'admission-control-config-file'
  const text = read.text(flag)
  return text === undefined ? undefined : explained(flag, () => parseAdmissionConfiguration(text, said[flag] ?? ''))
}

/** As old as upstream's default. */
function versionOf(said: Said, flag: string): string {
  const version = said[flag] ?? 'v1beta1'
  if (version !== 'v1' && version !== 'v1beta1') throw new UserError(`--${flag}: unsupported version ${quote(version)}, supported versions are "v1", "v1beta1"`)
  return version
}

function ttl<Name extends string>(said: Said, name: Name, flag: string): Partial<Record<Name, number>> {
  const ms = milliseconds(said, flag)
  return ms === undefined ? {} : ({ [name]: ms } as Partial<Record<Name, number>>)
}

function authorizationOf(said: Said, read: Files): AuthorizationOptions | undefined {
  const webhook = read.remote('authorization-webhook-config-file')
  const modes = list(said['authorization-mode'])
  const policies = policiesOf(said, read)
  const file = said['authorization-config']
  if (file === undefined) {
    const asked = webhook && { remote: webhook, reviewVersion: versionOf(said, 'authorization-webhook-version'), ...ttl(said, 'ttlMs', 'authorization-webhook-cache-authorized-ttl'), ...ttl(said, 'unauthorizedTtlMs', 'authorization-webhook-cache-unauthorized-ttl') }
    return modes || asked || policies ? { ...(modes ? { modes } : {}), ...(asked ? { webhook: asked } : {}), ...(policies ? { policies } : {}) } : undefined
  }
  if (Object.keys(said).some((name) => said[name] !== undefined && (name === 'authorization-mode' || name.startsWith('authorization-webhook-')))) throw new UserError('--authorization-config can not be specified when --authorization-mode or --authorization-webhook-* flags are defined')
  const text = read.text('authorization-config') ?? ''
  return { authorizers: explained('authorization-config', () => parseAuthorizationConfiguration(text)), configFile: { path: file, text }, ...(policies ? { policies } : {}) }
}

function policiesOf(said: Said, read: Files): AbacPolicy[] | undefined {
  const flag = 'authorization-policy-file'
  const text = read.text(flag)
  return text === undefined ? undefined : explained(flag, () => parseAbacPolicies(text, said[flag] ?? ''))
}

/** Who outside is trusted: by a file, or by flags, which say less. */
function outsideOf(said: Said, read: Files): Pick<AuthenticationOptions, 'configuration' | 'configFile' | 'signingAlgs'> {
  const flags = Object.keys(said).filter((name) => name.startsWith('oidc-') && said[name] !== undefined)
  const file = said['authentication-config']
  if (file === undefined) {
    return flags.length > 0 ? { configuration: oidcOf(said, read), signingAlgs: list(said['oidc-signing-algs']) ?? ['RS256'] } : {}
  }
  if (flags.length > 0) throw new UserError('authentication-config file and oidc-* flags are mutually exclusive')
  const text = read.text('authentication-config') ?? ''
  const configuration = explained('authentication-config', () => parseAuthenticationConfiguration(text), `failed to load authentication configuration from file ${quote(file)}`)
  if (configuration.anonymous && said['anonymous-auth'] !== undefined) throw new UserError('anonymous: Forbidden: --anonymous-auth flag cannot be set when anonymous field is configured in authentication configuration file')
  return { configuration, configFile: { path: file, text } }
}

/** Models ToAuthenticationConfig of upstream's options: the flags as a configuration of one issuer. */
function oidcOf(said: Said, read: Files): AuthenticationConfiguration {
  const { 'oidc-issuer-url': url, 'oidc-client-id': clientID, 'oidc-username-claim': claim = 'sub', 'oidc-username-prefix': givenPrefix = '', 'oidc-groups-claim': groups, 'oidc-groups-prefix': groupsPrefix = '' } = said
  if (!url || !clientID) throw new UserError('oidc-issuer-url and oidc-client-id must be specified together when any oidc-* flags are set')
  const ca = read.text('oidc-ca-file')
  const prefix = givenPrefix === '-' ? '' : givenPrefix || (claim === 'email' ? '' : `${url}#`)
  const required = list(said['oidc-required-claim'])?.map((pair) => {
    const at = pair.indexOf('=')
    if (at <= 0) throw new UserError(`--oidc-required-claim: "${pair}" is not key=value`)
    return { claim: pair.slice(0, at), requiredValue: pair.slice(at + 1) }
  })
  const issuer = { url, audiences: [clientID], ...(ca === undefined ? {} : { certificateAuthority: ca }) }
  const claimMappings = { username: { claim, prefix }, ...(groups ? { groups: { claim: groups, prefix: groupsPrefix } } : {}) }
  return { jwt: [{ issuer, claimMappings, ...(required ? { claimValidationRules: required } : {}) }] }
}

/** token,user,uid,"group1,group2" */
function tokensOf(text: string): NonNullable<AuthenticationOptions['staticTokens']> {
  return text
    .split('\n')
    .filter((line) => !EMPTY.test(line))
    .map((line, i) => {
      const [token = '', name = '', uid = '', groups = ''] = (line.match(/"[^"]*"|[^,]+|(?<=,)(?=,)/g) ?? []).map((cell) => cell.trim().replace(/^"|"$/g, ''))
      if (!token || !name) throw new Error(`line ${i + 1} must have at least 3 columns (token, user name, user uid)`)
      return { token, user: { name, ...(uid ? { uid } : {}), groups: list(groups) ?? [] } }
    })
}

const list = (text: string | undefined): string[] | undefined => text?.split(',').map((part) => part.trim()).filter((part) => part !== '')
