/** `agnhost mtlsserver` and `mtlsclient`: both sides show certificates. Models test/images/agnhost/mtlsserver and mtlsclient. */
import { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { requestHttp } from '../http-client.ts'
import { FsError } from '../nodes.ts'
import { Exited, type Process } from '../process.ts'
import { ROOT } from '../vfs.ts'
import { parseFlags } from './flags.ts'
import { klog } from './klog.ts'
import { forever, readTls, reply, say, serve } from './web.ts'

const POLL_MS = 10_000
const TIMEOUT_MS = 30_000

async function missingFlags(process: Process): Promise<number> {
  await process.err('Error: missing required flags\n')
  return 1
}

async function read(process: Process, path: string): Promise<string> {
  return (await process.sandbox.fs.readFile(process.path(path), ROOT)).toString()
}

function certificatesOf(pem: string): X509Certificate[] {
  return (pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? []).map((text) => new X509Certificate(text))
}

/** Whether a chain of certificates leads to one that is trusted. */
export function isTrusted(leaf: X509Certificate, intermediates: readonly X509Certificate[], roots: readonly X509Certificate[]): boolean {
  if (roots.some((root) => leaf.checkIssued(root) && leaf.verify(root.publicKey))) return true
  return intermediates.some((issuer, i) => leaf.checkIssued(issuer) && leaf.verify(issuer.publicKey) && isTrusted(issuer, intermediates.filter((_, j) => j !== i), roots))
}

export async function mtlsServer(process: Process): Promise<number> {
  const flags = parseFlags(process.args)
  const [listen, creds, bundle] = [flags.get('listen'), flags.get('server-creds'), flags.get('spiffe-trust-bundle')]
  if (!listen || !creds || !bundle) return missingFlags(process)
  const tls = await readTls(process, { cert: creds, key: creds })
  serve(
    process,
    Number(listen.slice(listen.lastIndexOf(':') + 1)),
    {
      '/': ({ response }) => reply(response, 404, '404 page not found\n'),
      '/spiffe-echo': async ({ request, response }) => {
        const refuse = (why: string) => reply(response, 401, `${why}\n`)
        const peer = (request.socket as TLSSocket).getPeerCertificate(true)
        if (!Buffer.isBuffer(peer.raw)) return refuse('SPIFFE client certificate authentication required')
        const leaf = new X509Certificate(peer.raw)
        const roots = certificatesOf(await read(process, bundle))
        const issuer = Buffer.isBuffer(peer.issuerCertificate?.raw) ? [new X509Certificate(peer.issuerCertificate.raw)] : []
        if (!isTrusted(leaf, issuer, roots)) return refuse('SPIFFE client certificate authentication required')
        const uris = [...(leaf.subjectAltName ?? '').matchAll(/URI:([^,\s]+)/g)].map((m) => m[1])
        if (uris.length !== 1) return refuse('Malformed SPIFFE certificate')
        reply(response, 200, `Client Identity: ${uris[0]}`)
      },
    },
    { tls: { ...tls, requestCert: true } },
  )
  return forever(process)
}

export async function mtlsClient(process: Process): Promise<number> {
  const flags = parseFlags(process.args)
  const [url, bundle, creds] = [flags.get('fetch-url'), flags.get('server-trust-bundle'), flags.get('client-cred-bundle')]
  if (!url || !bundle || !creds) return missingFlags(process)
  if (!URL.canParse(url)) {
    await process.err(`Error: invalid --fetch-url: parse "${url}": invalid URI for request\n`)
    return 1
  }
  for (;;) {
    await process.sleep(POLL_MS)
    try {
      say(process, `Got response body: ${await process.block(poll(process, new URL(url), { bundle, creds }))}`)
    } catch (error) {
      if (error instanceof Exited) throw error
      await process.err(klog(process, `while sending requests to the server: ${(error as Error).message}`, { place: 'client.go:73', severity: 'E' }))
    }
  }
}

async function poll(process: Process, url: URL, { bundle, creds }: { bundle: string; creds: string }): Promise<string> {
  const ca = await read(process, bundle).catch((error: FsError) => Promise.reject(new Error(`while reading service trust bundle: ${error.message}`)))
  const pair = await read(process, creds).catch((error: FsError) => Promise.reject(new Error(`while reading client credential bundle: ${error.message}`)))
  const { network, party, clock } = process.sandbox
  const { status, statusText, body } = await requestHttp({
    connect: () => network.connect(party, { host: url.hostname, port: Number(url.port || 443) }),
    clock,
    timeoutMs: TIMEOUT_MS,
    path: `${url.pathname}${url.search}`,
    headers: { Host: url.host, Connection: 'close' },
    isTLS: url.protocol === 'https:',
    servername: url.hostname,
    credentials: { ca, cert: pair, key: pair },
    maxBytes: 1 << 20,
  }).catch((error: Error) => Promise.reject(new Error(`while getting URL: Get "${url.href}": ${error.message}`)))
  if (status < 200 || status >= 300) throw new Error(`non-2xx status ${status} "${status} ${statusText}"`)
  return body.toString()
}
