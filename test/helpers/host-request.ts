/** A request from this machine, as curl would make it. */
import http from 'node:http'
import https from 'node:https'

export interface HostRequest {
  /** The name asked for, where the URL has an address. */
  host?: string
  method?: string
  headers?: Record<string, string>
}

/** The status and the body, a blank between them. */
export async function fetchText(url: string, options: HostRequest = {}): Promise<string> {
  const { status, body } = await fetchAnswer(url, options)
  return `${status} ${body}`
}

export interface HostAnswer {
  status: number
  headers: http.IncomingHttpHeaders
  body: string
}

export function fetchAnswer(url: string, { host, method = 'GET', headers = {} }: HostRequest = {}): Promise<HostAnswer> {
  const isSecure = url.startsWith('https')
  const { request } = isSecure ? https : http
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method, agent: false, headers: { ...(host ? { host } : {}), connection: 'close', ...headers }, ...(isSecure ? { rejectUnauthorized: false, servername: host } : {}) }, (incoming) => {
      let body = ''
      incoming.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body }))
    })
    outgoing.on('error', reject).end()
  })
}
