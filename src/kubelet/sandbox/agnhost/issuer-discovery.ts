/** `agnhost test-service-account-issuer-discovery`: checks a token by what its issuer publishes. Models test/images/agnhost/openidmetadata. */
import { createPublicKey, verify } from 'node:crypto'
import { isRecord } from '../../../apimachinery/json.ts'
import { inCluster, type InCluster } from '../in-cluster.ts'
import type { Process } from '../process.ts'
import { ROOT } from '../vfs.ts'
import { parseFlags } from './flags.ts'
import { say } from './web.ts'

type Claims = Record<string, unknown>

interface Token {
  header: Claims
  claims: Claims
  signed: Buffer
  signature: Buffer
}

class Invalid extends Error {}

export async function issuerDiscovery(process: Process): Promise<number> {
  const flags = parseFlags(process.args)
  const raw = (await process.sandbox.fs.readFile(process.path(flags.get('token-path') ?? ''), ROOT)).toString().trim()
  say(process, 'OK: Got token')
  say(process, 'validating with in-cluster discovery')
  const api = await inCluster(process)
  try {
    const token = parseToken(raw)
    say(process, `OK: got issuer ${String(token.claims.iss)}`)
    say(process, `Full, not-validated claims: \n${JSON.stringify(token.claims)}`)
    const keys = await process.block(publishedKeys(process, api, String(token.claims.iss)))
    check(token, { keys, audience: flags.get('audience') ?? '', nowMs: process.clock.now() })
    say(process, 'OK: Validated signature on JWT')
    say(process, 'OK: Got valid claims from token!')
    say(process, `Full, validated claims: \n${JSON.stringify(token.claims)}`)
    return 0
  } catch (error) {
    if (!(error instanceof Invalid)) throw error
    say(process, `failed to validate with in-cluster discovery: ${error.message}`)
    return 1
  }
}

/** @throws Invalid */
export function parseToken(raw: string): Token {
  const [header = '', claims = '', signature] = raw.split('.')
  if (signature === undefined) throw new Invalid('go-jose/go-jose: compact JWS format must have three parts')
  return { header: parsePart(header), claims: parsePart(claims), signed: Buffer.from(`${header}.${claims}`), signature: Buffer.from(signature, 'base64url') }
}

function parsePart(text: string): Claims {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString())
    if (isRecord(value)) return value
  } catch (error) {
    throw new Invalid('go-jose/go-jose: malformed token', { cause: error })
  }
  throw new Invalid('go-jose/go-jose: malformed token')
}

async function publishedKeys(process: Process, api: InCluster, issuer: string): Promise<unknown[]> {
  const document = await published(process, api, '/.well-known/openid-configuration')
  if (document.issuer !== issuer) throw new Invalid(`oidc: issuer URL provided to client (${JSON.stringify(issuer)}) did not match the issuer URL returned by provider (${JSON.stringify(document.issuer)})`)
  say(process, `OK: Constructed OIDC provider for issuer ${issuer}`)
  const { keys } = await published(process, api, new URL(String(document.jwks_uri)).pathname)
  return Array.isArray(keys) ? keys : []
}

async function published(process: Process, api: InCluster, path: string): Promise<Claims> {
  const { status, statusText, body } = await api.call({ path, accept: '' }).catch((error: Error) => {
    throw new Invalid(error.message)
  })
  if (status !== 200) throw new Invalid(`${status} ${statusText}: ${body.toString()}`)
  const document: unknown = JSON.parse(body.toString())
  return isRecord(document) ? document : {}
}

/** @throws Invalid */
export function check({ header, claims, signed, signature }: Token, { keys, audience, nowMs }: { keys: readonly unknown[]; audience: string; nowMs: number }): void {
  const audiences = [claims.aud].flat()
  if (!audiences.includes(audience)) throw new Invalid(`oidc: expected audience ${JSON.stringify(audience)} got ${JSON.stringify(audiences)}`)
  if (Number(claims.exp) * 1000 < nowMs) throw new Invalid('oidc: token is expired')
  const key = keys.find((k) => isRecord(k) && k.kid === header.kid)
  if (!isRecord(key) || (header.alg !== 'RS256' && header.alg !== 'ES256')) throw new Invalid('failed to verify signature: failed to verify id token signature')
  const publicKey = createPublicKey({ key, format: 'jwk' })
  const isRight = verify('sha256', signed, header.alg === 'ES256' ? { key: publicKey, dsaEncoding: 'ieee-p1363' } : publicKey, signature)
  if (!isRight) throw new Invalid('failed to verify signature: failed to verify id token signature')
}
