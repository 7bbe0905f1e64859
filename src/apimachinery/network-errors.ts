/** What goes wrong on the way to a server, in the words of Go's net, crypto/tls and net/http. */
import { isIP } from 'node:net'
import type { PeerCertificate } from 'node:tls'
import { formatTime } from '../clock.ts'
import { isRecord } from './json.ts'

/** A host and a port to connect to. */
export interface Address {
  host: string
  port: number
}

const CONNECT: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network is unreachable',
  ETIMEDOUT: 'connection timed out',
}

const UNKNOWN_AUTHORITY = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
])

const VERIFY = 'tls: failed to verify certificate: x509: '

/** @param target what was to be reached */
export function networkErrorText(error: unknown, target: Address, nowMs: number): string {
  if (!(error instanceof Error)) return String(error)
  const [first] = error instanceof AggregateError ? (error.errors as unknown[]) : [error]
  const { code = '', address, port } = detailsOf(first)
  if (CONNECT[code]) return `dial tcp ${joined({ host: address ?? target.host, port: port ?? target.port })}: connect: ${CONNECT[code]}`
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `dial tcp: lookup ${target.host}: no such host`
  if (UNKNOWN_AUTHORITY.has(code)) return `${VERIFY}certificate signed by unknown authority`
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') return `${VERIFY}certificate has expired or is not yet valid: current time ${formatTime(nowMs)} is ${code === 'CERT_HAS_EXPIRED' ? 'after' : 'before'} its validity`
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return VERIFY + hostnameText(error, target.host)
  if (code === 'EPROTO' || code.startsWith('ERR_SSL')) return error.message.includes('wrong version number') ? 'http: server gave HTTP response to HTTPS client' : 'remote error: tls: handshake failure'
  if (code === 'ECONNRESET') return error.message.includes('read ECONNRESET') ? 'read: connection reset by peer' : 'EOF'
  if (code.startsWith('HPE_')) return `net/http: HTTP/1.x transport connection broken: malformed HTTP response`
  return error.message
}

function detailsOf(error: unknown): { code?: string; address?: string; port?: number } {
  if (!isRecord(error) && !(error instanceof Error)) return {}
  const { code, address, port } = error as { code?: unknown; address?: unknown; port?: unknown }
  return {
    ...(typeof code === 'string' ? { code } : {}),
    ...(typeof address === 'string' ? { address } : {}),
    ...(typeof port === 'number' ? { port } : {}),
  }
}

/** For which names the certificate is, and for which it should be. */
function hostnameText(error: Error, host: string): string {
  const { cert } = error as Error & { cert?: PeerCertificate }
  const names = (cert?.subjectaltname ?? '').split(', ').filter((name) => name !== '')
  const ips = names.filter((name) => name.startsWith('IP Address:')).map((name) => name.slice('IP Address:'.length))
  const dns = names.filter((name) => name.startsWith('DNS:')).map((name) => name.slice('DNS:'.length))
  if (isIP(host) && ips.length === 0) return `cannot validate certificate for ${host} because it doesn't contain any IP SANs`
  if (isIP(host)) return `certificate is valid for ${ips.join(', ')}, not ${host}`
  if (names.length === 0) return cert?.subject?.CN ? 'certificate relies on legacy Common Name field, use SANs instead' : `certificate is not valid for any names, but wanted to match ${host}`
  return dns.length === 0 ? `certificate is not valid for any names, but wanted to match ${host}` : `certificate is valid for ${dns.join(', ')}, not ${host}`
}

function joined({ host, port }: Address): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}
