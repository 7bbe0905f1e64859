/** What kube-apiserver's flags mean for a cluster: reads the files they name. Models k8s.io/kubernetes/pkg/kubeapiserver/options. */
import fs from 'node:fs'
import path from 'node:path'
import { parseYAML } from '../apimachinery/parse.ts'
import { parseAuditPolicy } from '../apiserver/audit/policy.ts'
import type { AuthenticationOptions } from '../auth/authentication.ts'
import { FRONT_PROXY_HEADERS } from '../auth/front-proxy.ts'
import type { OidcOptions } from '../auth/oidc.ts'
import type { RemoteOptions } from '../auth/remote.ts'
import type { ClusterOptions } from '../cluster.ts'
import { UserError } from './command.ts'

export type ServerOptions = Pick<ClusterOptions, 'authentication' | 'authorization' | 'admission' | 'audit'>

/** What was said, by flag. */
export type Said = Readonly<Record<string, string | undefined>>

const EMPTY = /^\s*(?:#.*)?$/

/** @param said paths are absolute @throws UserError that names the flag */
export function serverOptions(said: Said): ServerOptions {
  const read = new Files(said)
  const audit = auditOf(said, read)
  const authentication = authenticationOf(said, read)
  const webhook = read.remote('authorization-webhook-config-file')
  const modes = list(said['authorization-mode'])
  const [enable, disable] = [list(said['enable-admission-plugins']), list(said['disable-admission-plugins'])]
  return {
    ...(audit ? { audit } : {}),
    ...(Object.keys(authentication).length > 0 ? { authentication } : {}),
    ...(modes || webhook ? { authorization: { ...(modes ? { modes } : {}), ...(webhook ? { webhook: { remote: webhook } } : {}) } } : {}),
    ...(enable || disable ? { admission: { ...(enable ? { enable } : {}), ...(disable ? { disable } : {}) } } : {}),
  }
}

function auditOf(said: Said, read: Files): ClusterOptions['audit'] {
  const policy = read.text('audit-policy-file')
  const target = said['audit-log-path']
  if (policy === undefined && target === undefined) return undefined
  if (policy === undefined) throw new UserError('--audit-log-path: there is no --audit-policy-file that says what is written')
  if (target === undefined) throw new UserError('--audit-policy-file: there is no --audit-log-path that says where to')
  return { policy: explained('audit-policy-file', () => parseAuditPolicy(policy)), path: target }
}

function authenticationOf(said: Said, read: Files): AuthenticationOptions {
  const anonymous = bool(said, 'anonymous-auth')
  const joins = bool(said, 'enable-bootstrap-token-auth')
  const tokens = read.text('token-auth-file')
  const oidc = oidcOf(said, read)
  const webhook = read.remote('authentication-token-webhook-config-file')
  const ca = read.text('requestheader-client-ca-file')
  return {
    ...(anonymous === undefined ? {} : { anonymous }),
    ...(joins === undefined ? {} : { bootstrapTokens: joins }),
    ...(tokens === undefined ? {} : { staticTokens: explained('token-auth-file', () => tokensOf(tokens)) }),
    ...(oidc ? { oidc } : {}),
    ...(webhook ? { webhook: { remote: webhook } } : {}),
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

function oidcOf(said: Said, read: Files): OidcOptions | undefined {
  const used = Object.keys(said).some((name) => name.startsWith('oidc-') && said[name] !== undefined)
  const { 'oidc-issuer-url': issuerURL, 'oidc-client-id': clientID } = said
  if (!used) return undefined
  if (!issuerURL || !clientID) throw new UserError('oidc-issuer-url and oidc-client-id must be specified together when any oidc-* flags are set')
  const required = list(said['oidc-required-claim'])?.map((pair) => {
    const at = pair.indexOf('=')
    if (at <= 0) throw new UserError(`--oidc-required-claim: "${pair}" is not key=value`)
    return [pair.slice(0, at), pair.slice(at + 1)] as const
  })
  const signingAlgs = list(said['oidc-signing-algs'])
  const texts = { ca: read.text('oidc-ca-file'), usernameClaim: said['oidc-username-claim'], usernamePrefix: said['oidc-username-prefix'], groupsClaim: said['oidc-groups-claim'], groupsPrefix: said['oidc-groups-prefix'] }
  return {
    issuerURL,
    clientID,
    ...(Object.fromEntries(Object.entries(texts).filter(([, value]) => value !== undefined)) as Partial<OidcOptions>),
    ...(required ? { requiredClaims: Object.fromEntries(required) } : {}),
    ...(signingAlgs ? { signingAlgs } : {}),
  }
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

/** The files that flags name. */
class Files {
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
    const text = this.text(flag)
    return text === undefined ? undefined : explained(flag, () => remoteOf(text, path.dirname(this.#said[flag] ?? '')))
  }
}

interface Named<K extends string> {
  name?: string
  value?: Partial<Record<K, string | boolean>>
}

function remoteOf(text: string, dir: string): RemoteOptions {
  const config = parseYAML(Buffer.from(text)).value as Record<string, Record<string, unknown>[] | string | undefined>
  const entry = (kind: string, name: unknown): Named<string>['value'] => {
    const entries = (Array.isArray(config[`${kind}s`]) ? config[`${kind}s`] : []) as Record<string, unknown>[]
    return (entries.find((e) => e.name === name) ?? entries[0])?.[kind] as Named<string>['value']
  }
  const context = entry('context', config['current-context'])
  const cluster = entry('cluster', context?.cluster)
  const user = entry('user', context?.user)
  if (typeof cluster?.server !== 'string') throw new Error('the kubeconfig names no server')
  const pem = (of: Named<string>['value'], name: string): string | undefined => {
    if (typeof of?.[`${name}-data`] === 'string') return Buffer.from(String(of[`${name}-data`]), 'base64').toString()
    return typeof of?.[name] === 'string' ? fs.readFileSync(path.resolve(dir, String(of[name])), 'utf8') : undefined
  }
  return {
    url: cluster.server,
    ca: pem(cluster, 'certificate-authority'),
    cert: pem(user, 'client-certificate'),
    key: pem(user, 'client-key'),
    token: typeof user?.token === 'string' ? user.token : undefined,
    insecure: cluster['insecure-skip-tls-verify'] === true,
  }
}

function explained<T>(flag: string, act: () => T): T {
  try {
    return act()
  } catch (error) {
    throw new UserError(`--${flag}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}

function bool(said: Said, flag: string): boolean | undefined {
  const text = said[flag]
  if (text !== undefined && text !== 'true' && text !== 'false') throw new UserError(`--${flag}: "${text}" is not true or false`)
  return text === undefined ? undefined : text === 'true'
}

const list = (text: string | undefined): string[] | undefined => text?.split(',').map((part) => part.trim()).filter((part) => part !== '')
