/**
 * The cluster's keys and certificates: an authority of its own, a serving certificate, client certificates. Made on the
 * first start and kept in the data directory, keys readable by their owner only. The X.509 library is loaded only when
 * something has to be made.
 */
import { X509Certificate, generateKeyPair } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { isIP } from 'node:net'
import { promisify } from 'node:util'
import { issueCertificate, YEAR_MS, type CertificateToIssue, type KeyPair } from '../apimachinery/certificate.ts'
import type { Clock, Random } from '../clock.ts'

export { SIGNATURE as ALGORITHM, importSigningKey, type KeyPair } from '../apimachinery/certificate.ts'

export interface ClusterPki {
  ca: KeyPair
  server: KeyPair
  admin: KeyPair
  /** What shows other API servers that requests come by this one: an authority of its own, and a certificate. */
  frontProxy: { ca: KeyPair; client: KeyPair }
  /** PEM of the private key that signs service account tokens. */
  serviceAccountKey: string
}

export interface PkiOptions {
  /** Where files are kept; undefined keeps all in memory. */
  dir: string | undefined
  /** DNS names and addresses of the server, besides those it always has. */
  hosts: readonly string[]
  clock: Clock
  random: Random
}

const CA_YEARS = 10
const SERVER_NAMES = ['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local']
const SERVER_ADDRESSES = ['127.0.0.1', '::1', '10.96.0.1']

/** Loads what is there and makes what is missing; the serving certificate is made anew when it lacks a name or is about to end. */
export async function loadPki({ dir, hosts, clock, random }: PkiOptions): Promise<ClusterPki> {
  const files = new PemFiles(dir)
  const now = clock.now()
  const make = (request: Omit<CertificateToIssue, 'now' | 'random'>) => issueCertificate({ ...request, now, random })
  // RSA takes its time: it is made in another thread beside the rest.
  const serviceAccountKey = files.text('sa.key') ?? newServiceAccountKey().then((key) => files.storeText('sa.key', key))
  const ca = files.pair('ca') ?? files.store('ca', await make({ subject: 'CN=kubernetes', years: CA_YEARS, isCA: true }))
  const keptAdmin = files.pair('admin')
  const admin = keptAdmin && serves(keptAdmin, ca, { names: [], now }) ? keptAdmin : make({ subject: 'O=system:masters, CN=kubernetes-admin', years: 1, issuer: ca, isRSA: true }).then((pair) => files.store('admin', pair))
  const names = [...new Set([...SERVER_NAMES, ...SERVER_ADDRESSES, ...hosts])]
  const kept = files.pair('apiserver')
  const server = kept && serves(kept, ca, { names, now }) ? kept : files.store('apiserver', await make({ subject: 'CN=kube-apiserver', years: 1, issuer: ca, names }))
  const frontProxy = await loadFrontProxy(files, make, now)
  return { ca, server, admin: await admin, frontProxy, serviceAccountKey: await serviceAccountKey }
}

/** The name that aggregated servers know the front proxy by. */
export const FRONT_PROXY = 'front-proxy-client'

async function loadFrontProxy(files: PemFiles, make: (request: Omit<CertificateToIssue, 'now' | 'random'>) => Promise<KeyPair>, now: number): Promise<ClusterPki['frontProxy']> {
  const ca = files.pair('front-proxy-ca') ?? files.store('front-proxy-ca', await make({ subject: 'CN=front-proxy-ca', years: CA_YEARS, isCA: true }))
  const kept = files.pair(FRONT_PROXY)
  const client = kept && serves(kept, ca, { names: [], now }) ? kept : files.store(FRONT_PROXY, await make({ subject: `CN=${FRONT_PROXY}`, years: 1, issuer: ca }))
  return { ca, client }
}

/** Whether a certificate is of this authority, good for another month, and for all names. */
function serves({ cert }: KeyPair, ca: KeyPair, { names, now }: { names: readonly string[]; now: number }): boolean {
  const certificate = new X509Certificate(cert)
  const isCurrent = Date.parse(certificate.validTo) - now > YEAR_MS / 12 && Date.parse(certificate.validFrom) <= now
  const covers = (name: string) => (isIP(name) ? certificate.checkIP(name) : certificate.checkHost(name)) !== undefined
  return isCurrent && certificate.verify(new X509Certificate(ca.cert).publicKey) && names.every(covers)
}

/** Tokens are signed by RS256, which is what clients of upstream expect. */
async function newServiceAccountKey(): Promise<string> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 })
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** Files of a directory, or nothing at all. */
class PemFiles {
  readonly #dir: string | undefined

  constructor(dir: string | undefined) {
    this.#dir = dir
    if (dir) fs.mkdirSync(dir, { recursive: true, mode: 0o700 })
  }

  text(name: string): string | undefined {
    if (!this.#dir) return undefined
    const file = path.join(this.#dir, name)
    return fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : undefined
  }

  storeText(name: string, text: string): string {
    if (this.#dir) {
      const file = path.join(this.#dir, name)
      fs.writeFileSync(`${file}.new`, text, { mode: 0o600 })
      fs.renameSync(`${file}.new`, file)
    }
    return text
  }

  pair(name: string): KeyPair | undefined {
    const [cert, key] = [this.text(`${name}.crt`), this.text(`${name}.key`)]
    return cert && key ? { cert, key } : undefined
  }

  store(name: string, pair: KeyPair): KeyPair {
    this.storeText(`${name}.key`, pair.key)
    this.storeText(`${name}.crt`, pair.cert)
    return pair
  }
}
