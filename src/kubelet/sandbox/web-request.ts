/** What wget and curl share: a URL is asked for, redirects are followed, and what comes is saved. */
import { requestHttp, type HttpRequest, type HttpResult } from './http-client.ts'
import { openFile } from './open-file.ts'
import type { Process } from './process.ts'

const MAX_BODY = 32 * 1024 * 1024
const MAX_REDIRECTS = 10
const SAVE_FD = 100

export interface Asked {
  url: string
  method: string
  headers: Record<string, string>
  body?: Buffer
  timeoutMs: number
  follows: boolean
  credentials?: HttpRequest['credentials']
}

export async function requestUrl(process: Process, asked: Asked): Promise<{ result: HttpResult; url: URL; hops: number }> {
  const { network, party, clock } = process.sandbox
  let url = new URL(/^\w+:\/\//.test(asked.url) ? asked.url : `http://${asked.url}`)
  for (let hops = 0; ; hops++) {
    const host = url.hostname.replace(/^\[|\]$/g, '')
    const isTLS = url.protocol === 'https:'
    const port = Number(url.port || (isTLS ? 443 : 80))
    const result = await process.block(
      requestHttp({
        connect: () => network.connect(party, { host, port }, { timeoutMs: asked.timeoutMs }),
        clock,
        timeoutMs: asked.timeoutMs,
        path: `${url.pathname}${url.search}`,
        method: asked.method,
        headers: { Host: url.host, ...asked.headers, Connection: 'close' },
        ...(asked.body ? { body: asked.body } : {}),
        isTLS,
        servername: host,
        ...(asked.credentials ? { credentials: asked.credentials } : {}),
        maxBytes: MAX_BODY,
      }),
    )
    const { location } = result.headers
    if (!asked.follows || result.status < 300 || result.status >= 400 || location === undefined || hops >= MAX_REDIRECTS) return { result, url, hops }
    url = new URL(location, url)
  }
}

/** To a file, or to what a device does with it. */
export async function save(process: Process, file: string, data: Buffer | string): Promise<void> {
  process.setFd(SAVE_FD, await openFile(process, file, { writes: true, truncate: true }))
  await process.write(SAVE_FD, data)
}

export function headerLines({ rawHeaders }: HttpResult): string[] {
  return rawHeaders.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${rawHeaders[i + 1] ?? ''}`] : []))
}
