/** The file that says which issuers' tokens are taken and how their claims make a user. Models k8s.io/apiserver/pkg/apis/apiserver/v1 (AuthenticationConfiguration). */
import { decodeConfigFile } from '../../apimachinery/config/config-file.ts'
import { struct, typeMeta } from '../../apimachinery/config/shape.ts'
import { ParseError } from '../../apimachinery/parse-error.ts'

export interface PrefixedClaimOrExpression {
  claim?: string
  prefix?: string
  expression?: string
}

export interface ClaimValidationRule {
  claim?: string
  requiredValue?: string
  expression?: string
  message?: string
}

export interface UserValidationRule {
  expression?: string
  message?: string
}

export interface ClaimMappings {
  username?: PrefixedClaimOrExpression
  groups?: PrefixedClaimOrExpression
  uid?: { claim?: string; expression?: string }
  extra?: { key?: string; valueExpression?: string }[]
}

export interface Issuer {
  url?: string
  discoveryURL?: string
  /** PEM; the authorities of the system unless told. */
  certificateAuthority?: string
  audiences?: string[]
  audienceMatchPolicy?: string
  egressSelectorType?: string
}

export interface JwtAuthenticatorConfiguration {
  issuer?: Issuer
  claimValidationRules?: ClaimValidationRule[]
  claimMappings?: ClaimMappings
  userValidationRules?: UserValidationRule[]
}

export interface AuthenticationConfiguration {
  jwt?: JwtAuthenticatorConfiguration[]
  anonymous?: { enabled?: boolean; conditions?: { path?: string }[] }
}

const prefixed = struct('PrefixedClaimOrExpression', { claim: 'string', prefix: 'string', expression: 'string' })

const shape = struct('AuthenticationConfiguration', {
  ...typeMeta,
  jwt: {
    list: struct('JWTAuthenticator', {
      issuer: struct('Issuer', { url: 'string', discoveryURL: 'string', certificateAuthority: 'string', audiences: { list: 'string' }, audienceMatchPolicy: 'string', egressSelectorType: 'string' }),
      claimValidationRules: { list: struct('ClaimValidationRule', { claim: 'string', requiredValue: 'string', expression: 'string', message: 'string' }) },
      claimMappings: struct('ClaimMappings', {
        username: prefixed,
        groups: prefixed,
        uid: struct('ClaimOrExpression', { claim: 'string', expression: 'string' }),
        extra: { list: struct('ExtraMapping', { key: 'string', valueExpression: 'string' }) },
      }),
      userValidationRules: { list: struct('UserValidationRule', { expression: 'string', message: 'string' }) },
    }),
  },
  anonymous: struct('AnonymousAuthConfig', { enabled: 'bool', conditions: { list: struct('AnonymousAuthCondition', { path: 'string' }) } }),
})

/** Throws ParseError; whether what it says makes sense is another question (validation.ts). */
export function parseAuthenticationConfiguration(text: string): AuthenticationConfiguration {
  if (text === '') throw new ParseError('empty config data')
  return decodeConfigFile(text, { group: 'apiserver.config.k8s.io', versions: ['v1', 'v1beta1', 'v1alpha1'], kind: 'AuthenticationConfiguration', shape })
}
