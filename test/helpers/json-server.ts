/** An HTTPS server on loopback that answers JSON as a test says, and remembers what it was asked. */
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import { loadPki } from '../../src/auth/pki.ts'
import { SystemClock, SystemRandom } from '../../src/clock.ts'

export interface JsonServer {
  /** `https://127.0.0.1:port` */
  url: string
  /** PEM of the authority of its certificate. */
  ca: string
  asked: { path: string; body: unknown; authorization?: string | undefined }[]
}

/** @param answer what to answer to a path and a body, JSON or a text; undefined is 500 */
export async function startJsonServer(t: Test, answer: (path: string, body: unknown) => object | string | undefined): Promise<JsonServer> {
  const { ca, server: pair } = await loadPki({ dir: undefined, hosts: ['127.0.0.1'], clock: new SystemClock(), random: new SystemRandom() })
  const asked: JsonServer['asked'] = []
  const server = https.createServer({ key: pair.key, cert: pair.cert }, (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const path = request.url ?? ''
      const body: unknown = chunks.length > 0 ? JSON.parse(Buffer.concat(chunks).toString()) : undefined
      asked.push({ path, body, authorization: request.headers.authorization })
      const said = answer(path, body)
      response.writeHead(said ? 200 : 500, { 'content-type': 'application/json' })
      response.end(typeof said === 'string' ? said : said ? JSON.stringify(said) : '')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, ca: ca.cert, asked }
}
