/** An HTTPS server on loopback that answers admission reviews as a test says, and remembers what it was asked. */
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import type { ServerResponse } from 'node:http'
import type { PeerCertificate, TLSSocket } from 'node:tls'
import type { Test } from 'tap'
import type { AdmissionRequest, AdmissionResponse } from '../../schemas/types.ts'
import { loadPki } from '../../src/auth/pki.ts'
import { SystemClock, SystemRandom } from '../../src/clock.ts'

/** What to answer: members of the response, or something that is no review at all. */
export type Answer = Partial<AdmissionResponse> | ((response: ServerResponse) => void)

export interface WebhookServer {
  /** `https://127.0.0.1:port` */
  url: string
  port: number
  /** The authority of its certificate, as configurations carry it. */
  caBundle: string
  /** The requests in the order they came, by path. */
  asked: { path: string; request: AdmissionRequest; authorization?: string | undefined; /** Common name of the client's certificate. */ subject?: string | string[] | undefined }[]
  /** How many connections were made. */
  connections(): number
  close(): void
}

export async function startWebhookServer(t: Test, answer: (request: AdmissionRequest, path: string) => Answer | Promise<Answer>): Promise<WebhookServer> {
  const { ca, server: pair } = await loadPki({ dir: undefined, hosts: ['hook.ns.svc'], clock: new SystemClock(), random: new SystemRandom() })
  const asked: WebhookServer['asked'] = []
  let connections = 0
  const server = https.createServer({ key: pair.key, cert: pair.cert, requestCert: true, rejectUnauthorized: false }, (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const review = JSON.parse(Buffer.concat(chunks).toString()) as { apiVersion: string; request: AdmissionRequest }
      const path = request.url ?? ''
      const { subject } = (request.socket as TLSSocket).getPeerCertificate() as Partial<PeerCertificate>
      asked.push({ path, request: review.request, authorization: request.headers.authorization, subject: subject?.CN })
      void Promise.resolve(answer(review.request, path)).then((said) => {
        if (typeof said === 'function') return said(response)
        response.setHeader('content-type', 'application/json')
        response.end(JSON.stringify({ apiVersion: review.apiVersion, kind: 'AdmissionReview', response: { uid: review.request.uid, allowed: true, ...said } }))
      })
    })
  })
  server.on('connection', () => connections++)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  t.teardown(close)
  return { url: `https://127.0.0.1:${port}`, port, caBundle: Buffer.from(ca.cert).toString('base64'), asked, connections: () => connections, close }
}

/** A patch as a response carries it. */
export function patch(...operations: object[]): Partial<AdmissionResponse> {
  return { patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(operations)).toString('base64') }
}
