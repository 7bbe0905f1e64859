/** Flags of kube-apiserver that `orrery up` takes under their own names: who is known, who may do what, what is admitted and what is written down. */
import type { Flag } from './command.ts'

export interface ServerFlag extends Flag {
  value: string
}

export const serverFlags: readonly ServerFlag[] = [
  { name: 'anonymous-auth', value: 'BOOL', default: 'true', summary: 'whether requests without credentials are let in as system:anonymous' },
  { name: 'token-auth-file', value: 'FILE', summary: 'known tokens: token,user,uid,"group1,group2" a line' },
  { name: 'enable-bootstrap-token-auth', value: 'BOOL', default: 'true', summary: 'whether Secrets of kube-system may hold tokens by which machines join' },
  { name: 'authentication-config', value: 'FILE', summary: 'an AuthenticationConfiguration: issuers whose tokens are taken, and where nobody is let in; read again when it changes' },
  { name: 'oidc-issuer-url', value: 'URL', summary: 'the issuer of OpenID Connect whose tokens are taken' },
  { name: 'oidc-client-id', value: 'ID', summary: 'what those tokens must be meant for' },
  { name: 'oidc-ca-file', value: 'FILE', summary: "the authority of the issuer's certificate" },
  { name: 'oidc-username-claim', value: 'CLAIM', default: 'sub', summary: 'which claim is the user' },
  { name: 'oidc-username-prefix', value: 'TEXT', default: 'ISSUER#', summary: 'what is put before it; "-" for nothing' },
  { name: 'oidc-groups-claim', value: 'CLAIM', summary: 'which claim holds the groups' },
  { name: 'oidc-groups-prefix', value: 'TEXT', summary: 'what is put before them' },
  { name: 'oidc-required-claim', value: 'KEY=VALUE', summary: 'claims that must be there, comma-separated' },
  { name: 'oidc-signing-algs', value: 'LIST', default: 'RS256', summary: 'accepted signatures' },
  { name: 'requestheader-client-ca-file', value: 'FILE', summary: 'the authority of a front proxy that names users in headers' },
  { name: 'requestheader-allowed-names', value: 'LIST', summary: 'common names its certificate may have; any unless told' },
  { name: 'requestheader-username-headers', value: 'LIST', default: 'X-Remote-User', summary: 'where it names the user' },
  { name: 'requestheader-uid-headers', value: 'LIST', default: 'X-Remote-Uid', summary: 'where it names their uid' },
  { name: 'requestheader-group-headers', value: 'LIST', default: 'X-Remote-Group', summary: 'where it names their groups' },
  { name: 'requestheader-extra-headers-prefix', value: 'LIST', default: 'X-Remote-Extra-', summary: 'how headers of other attributes begin' },
  { name: 'authentication-token-webhook-config-file', value: 'FILE', summary: 'a kubeconfig: who is asked whose a token is' },
  { name: 'authorization-mode', value: 'LIST', default: 'Node,RBAC', summary: 'who decides, in this order: Node, RBAC, Webhook, AlwaysAllow, AlwaysDeny' },
  { name: 'authorization-webhook-config-file', value: 'FILE', summary: 'a kubeconfig: who is asked by the mode Webhook' },
  { name: 'authorization-config', value: 'FILE', summary: 'an AuthorizationConfiguration: the same and more, with several webhooks; read again when it changes' },
  { name: 'enable-admission-plugins', value: 'LIST', summary: 'admission plugins besides those that are on' },
  { name: 'disable-admission-plugins', value: 'LIST', summary: 'admission plugins that are off' },
  { name: 'audit-policy-file', value: 'FILE', summary: 'which requests are written down, and how much of them' },
  { name: 'audit-log-path', value: 'FILE', summary: 'where; "-" is standard output' },
]
