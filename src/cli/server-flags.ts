/** Flags of kube-apiserver that `orrery up` takes under their own names: who is known, who may do what, what is admitted and what is written down. */
import type { Flag } from './command.ts'

export interface ServerFlag extends Flag {
  value: string
}

/** How the log and the webhook get their events. */
const delivery = (plugin: string, mode: string, [buffer = '', size = '', wait = '', throttles = '', qps = '', burst = '']: readonly string[]): readonly ServerFlag[] => [
  { name: `audit-${plugin}-mode`, value: 'MODE', default: mode, summary: 'batch, blocking (answers wait for it) or blocking-strict (requests that cannot be written down are refused)' },
  { name: `audit-${plugin}-batch-buffer-size`, value: 'N', default: buffer, summary: 'how many events may wait in batch mode' },
  { name: `audit-${plugin}-batch-max-size`, value: 'N', default: size, summary: 'how many go at once' },
  { name: `audit-${plugin}-batch-max-wait`, value: 'DURATION', default: wait, summary: 'how long fewer wait' },
  { name: `audit-${plugin}-batch-throttle-enable`, value: 'BOOL', default: throttles, summary: 'whether batches go no faster than' },
  { name: `audit-${plugin}-batch-throttle-qps`, value: 'N', default: qps, summary: 'so many a second' },
  { name: `audit-${plugin}-batch-throttle-burst`, value: 'N', default: burst, summary: 'or, after a rest, so many at once' },
  { name: `audit-${plugin}-truncate-enabled`, value: 'BOOL', default: 'false', summary: 'whether events that are too large lose what was sent and answered' },
  { name: `audit-${plugin}-truncate-max-event-size`, value: 'BYTES', default: '102400', summary: 'what is too large' },
  { name: `audit-${plugin}-truncate-max-batch-size`, value: 'BYTES', default: '10485760', summary: 'how much goes at once' },
]

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
  { name: 'authentication-token-webhook-version', value: 'VERSION', default: 'v1beta1', summary: 'in which version of TokenReview: v1 or v1beta1' },
  { name: 'authentication-token-webhook-cache-ttl', value: 'DURATION', default: '2m', summary: 'how long the answer is believed' },
  { name: 'authorization-mode', value: 'LIST', default: 'Node,RBAC', summary: 'who decides, in this order: Node, RBAC, ABAC, Webhook, AlwaysAllow, AlwaysDeny' },
  { name: 'authorization-policy-file', value: 'FILE', summary: 'what the mode ABAC allows: a policy of abac.authorization.kubernetes.io/v1beta1 a line' },
  { name: 'authorization-webhook-config-file', value: 'FILE', summary: 'a kubeconfig: who is asked by the mode Webhook' },
  { name: 'authorization-webhook-version', value: 'VERSION', default: 'v1beta1', summary: 'in which version of SubjectAccessReview: v1 or v1beta1' },
  { name: 'authorization-webhook-cache-authorized-ttl', value: 'DURATION', default: '5m', summary: 'how long a yes is believed' },
  { name: 'authorization-webhook-cache-unauthorized-ttl', value: 'DURATION', default: '30s', summary: 'how long a no is' },
  { name: 'authorization-config', value: 'FILE', summary: 'an AuthorizationConfiguration: the same and more, with several webhooks; read again when it changes' },
  { name: 'enable-admission-plugins', value: 'LIST', summary: 'admission plugins besides those that are on' },
  { name: 'disable-admission-plugins', value: 'LIST', summary: 'admission plugins that are off' },
  { name: 'admission-control-config-file', value: 'FILE', summary: 'an AdmissionConfiguration: what admission plugins are configured with, inside of it or in files that it names' },
  { name: 'audit-policy-file', value: 'FILE', summary: 'which requests are written down, and how much of them' },
  { name: 'audit-log-path', value: 'FILE', summary: 'where; "-" is standard output' },
  { name: 'audit-log-format', value: 'FORMAT', default: 'json', summary: 'json or legacy' },
  { name: 'audit-log-maxsize', value: 'MB', default: '100', summary: 'from which size on the file is put aside; 0 for never' },
  { name: 'audit-log-maxbackup', value: 'N', default: '100', summary: 'how many that were put aside stay; 0 for all' },
  { name: 'audit-log-maxage', value: 'DAYS', default: '366', summary: 'how long they stay; 0 for ever' },
  { name: 'audit-log-compress', value: 'BOOL', default: 'false', summary: 'whether they are compressed' },
  ...delivery('log', 'blocking', ['10000', '1', '0s', 'false', '0', '0']),
  { name: 'audit-webhook-config-file', value: 'FILE', summary: 'a kubeconfig: who else is told' },
  { name: 'audit-webhook-initial-backoff', value: 'DURATION', default: '10s', summary: 'how long until it is told again what it did not take' },
  ...delivery('webhook', 'batch', ['10000', '400', '30s', 'true', '10', '15']),
]
