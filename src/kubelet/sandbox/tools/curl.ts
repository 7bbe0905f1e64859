/** curl, as far as requests over HTTP go. Models curl 8's options, exit codes and words. */
import { NetworkError } from '../../../network/network.ts'
import { getopt, splitOnce } from '../getopt.ts'
import type { HttpResult } from '../http-client.ts'
import { FsError } from '../nodes.ts'
import { Exited, type Process, type Program } from '../process.ts'
import { headerLines, requestUrl, save, type Asked } from '../web-request.ts'

async function curl(process: Process): Promise<number> {
  const { has, value, values, rest } = await getopt(process, 'sSfLkvIigGE:X:d:H:o:Om:w:A:u:x:b:c:F:T:NZ4q#r: silent show-error fail location insecure verbose head include get request= data= data-raw= data-binary= header= output= max-time= connect-timeout= write-out= user-agent= user= cacert= cert= key= retry= retry-delay= retry-connrefused retry-all-errors resolve= noproxy= url= compressed no-progress-meter no-buffer globoff http1.1 unix-socket= interface= path-as-is fail-with-body retry-max-time= keepalive-time=')
  const targets = [...rest, ...values('url')]
  const data = values('d', 'data', 'data-raw', 'data-binary')
  const headers: Record<string, string> = { 'User-Agent': value('A', 'user-agent') ?? 'curl/8.14.1', Accept: '*/*' }
  for (const header of values('H', 'header')) {
    const [name, text = ''] = splitOnce(header, ':')
    headers[name] = text.trim()
  }
  const user = value('u', 'user')
  if (user !== undefined) headers.Authorization = `Basic ${Buffer.from(user).toString('base64')}`
  const body = data.length > 0 && !has('G', 'get') ? Buffer.from((await Promise.all(data.map(async (d) => (d.startsWith('@') ? (await process.sandbox.fs.readFile(process.path(d.slice(1)), process.cred)).toString() : d)))).join('&')) : undefined
  if (body && !Object.keys(headers).some((h) => h.toLowerCase() === 'content-type')) headers['Content-Type'] = 'application/x-www-form-urlencoded'
  const timeoutMs = Number(value('m', 'max-time') ?? value('connect-timeout') ?? '300') * 1000
  const attempts = 1 + Number(value('retry') ?? '0')
  const credentials = await credentialsOf(process, { has, value })
  if ('problem' in credentials) {
    await process.err(`curl: (${credentials.code}) ${credentials.problem}\n`)
    return credentials.code
  }
  let status = 0
  for (const given of targets) {
    const target = data.length > 0 && has('G', 'get') ? `${given}${given.includes('?') ? '&' : '?'}${data.join('&')}` : given
    const asked: Asked = { url: target, method: value('X', 'request') ?? (has('I', 'head') ? 'HEAD' : body ? 'POST' : 'GET'), headers, ...(body ? { body } : {}), timeoutMs, follows: has('L', 'location'), credentials }
    for (let attempt = 1; ; attempt++) {
      const problem = await curlOne(process, asked, { has, value })
      status = problem?.code ?? 0
      if (!problem || attempt >= attempts) {
        if (problem && (!has('s', 'silent') || has('S', 'show-error'))) await process.err(`curl: (${problem.code}) ${problem.message}\n`)
        break
      }
      await process.sleep(Number(value('retry-delay') ?? '1') * 1000)
    }
  }
  return status
}

interface CurlFlags {
  has(...names: string[]): boolean
  value(...names: string[]): string | undefined
}

/** Whom to trust, and by which certificate to be known. */
async function credentialsOf(process: Process, { has, value }: CurlFlags): Promise<NonNullable<Asked['credentials']> | { code: number; problem: string }> {
  const { sandbox, cred, env } = process
  const read = async (file: string | undefined) => (file === undefined ? undefined : (await sandbox.fs.readFile(process.path(file), cred)).toString())
  const authority = value('cacert') ?? env.get('CURL_CA_BUNDLE') ?? env.get('SSL_CERT_FILE')
  const file = value('E', 'cert')
  let at = authority
  try {
    const ca = has('k', 'insecure') ? undefined : await read(at)
    const cert = await read((at = file))
    const key = await read((at = value('key') ?? file))
    return { trustsWorld: !has('k', 'insecure'), ...(ca === undefined ? {} : { ca }), ...(cert === undefined ? {} : { cert }), ...(key === undefined ? {} : { key }) }
  } catch (error) {
    if (!(error instanceof FsError)) throw error
    return at === authority ? { code: 77, problem: `error setting certificate file: ${authority}` } : { code: 58, problem: `could not load PEM client certificate from ${at}, OpenSSL error error:80000002:system library::No such file or directory, (no key found, wrong pass phrase, or wrong file format?)` }
  }
}

const UNTRUSTED: Readonly<Record<string, string>> = {
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'unable to get local issuer certificate',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'unable to get local issuer certificate',
  UNABLE_TO_GET_ISSUER_CERT: 'unable to get issuer certificate',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'self-signed certificate',
  SELF_SIGNED_CERT_IN_CHAIN: 'self-signed certificate in certificate chain',
  CERT_HAS_EXPIRED: 'certificate has expired',
  CERT_NOT_YET_VALID: 'certificate is not yet valid',
  CERT_SIGNATURE_FAILURE: 'certificate signature failure',
}

/** Why the server is not believed; undefined for what is wrong otherwise. */
function tlsProblem(error: unknown, hostname: string): string | undefined {
  const { code = '' } = error as NodeJS.ErrnoException
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return `SSL: no alternative certificate subject name matches target ${/^[\d.]+$/.test(hostname) ? `ipv4 address '${hostname}'` : `hostname '${hostname}'`}`
  return UNTRUSTED[code] && `SSL certificate problem: ${UNTRUSTED[code]}`
}

interface Transfer {
  status: number
  size: number
  headers: HttpResult['headers']
  url: URL
  hops: number
  method: string
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' }

/** What `-w` asks for. */
function written(format: string | undefined, { status, size, headers, url, hops, method }: Transfer): string {
  const code = String(status).padStart(3, '0')
  const header = (name: string) => String(headers[name.toLowerCase()] ?? '')
  const location = header('location')
  const variables: Readonly<Record<string, string>> = {
    http_code: code,
    response_code: code,
    size_download: String(size),
    content_type: header('content-type'),
    redirect_url: location ? new URL(location, url).href : '',
    num_redirects: String(hops),
    url_effective: url.href,
    url: url.href,
    scheme: url.protocol.slice(0, -1),
    method,
    http_version: status === 0 ? '0' : '1.1',
    num_connects: status === 0 ? '0' : String(hops + 1),
    exitcode: status === 0 ? '1' : '0',
    time_total: '0.001000',
  }
  return (format ?? '').replace(/%\{(\w+)\}|%header\{([^}]*)\}|%%|\\([ntr])/g, (all, name?: string, of?: string, escape?: string) => {
    if (name !== undefined) return variables[name] ?? ''
    if (of !== undefined) return header(of)
    return escape !== undefined ? (ESCAPES[escape] ?? '') : all === '%%' ? '%' : ''
  })
}

const parsed = (url: string): URL => new URL(/^\w+:\/\//.test(url) ? url : `http://${url}`)

async function curlOne(process: Process, asked: Asked, { has, value }: CurlFlags): Promise<{ code: number; message: string } | undefined> {
  try {
    const { result, url, hops } = await requestUrl(process, asked)
    const head = `HTTP/1.1 ${result.status} ${result.statusText}\r\n${headerLines(result).map((h) => `${h}\r\n`).join('')}\r\n`
    const isFailure = has('f', 'fail') && result.status >= 400
    const shown = isFailure ? Buffer.alloc(0) : Buffer.concat([Buffer.from(has('I', 'head', 'i', 'include') ? head : ''), has('I', 'head') ? Buffer.alloc(0) : result.body])
    const file = value('o', 'output') ?? (has('O') ? asked.url.split('/').at(-1) : undefined)
    if (file === undefined || file === '-') await process.out(shown)
    else await save(process, file, shown)
    await process.out(written(value('w', 'write-out'), { status: result.status, size: result.body.length, headers: result.headers, url, hops, method: asked.method }))
    return isFailure ? { code: 22, message: `The requested URL returned error: ${result.status}` } : undefined
  } catch (error) {
    if (error instanceof Exited || error instanceof FsError) throw error
    const { url } = asked
    await process.out(written(value('w', 'write-out'), { status: 0, size: 0, headers: {}, url: parsed(url), hops: 0, method: asked.method }))
    return curlProblem(error, asked)
  }
}

function curlProblem(error: unknown, { url, timeoutMs }: Asked): { code: number; message: string } {
  const { hostname, port, protocol } = parsed(url)
  const at = `${hostname} port ${port || (protocol === 'https:' ? 443 : 80)}`
  const untrusted = tlsProblem(error, hostname)
  if (untrusted) return { code: 60, message: `${untrusted}\nMore details here: https://curl.se/docs/sslcerts.html\n\ncurl failed to verify the legitimacy of the server and therefore could not\nestablish a secure connection to it. To learn more about this situation and\nto fix it, please visit the webpage mentioned above.` }
  switch (error instanceof NetworkError ? error.code : undefined) {
    case 'ENOTFOUND':
      return { code: 6, message: `Could not resolve host: ${hostname}` }
    case 'ECONNREFUSED':
      return { code: 7, message: `Failed to connect to ${at} after 0 ms: Could not connect to server` }
    case 'EHOSTUNREACH':
      return { code: 7, message: `Failed to connect to ${at} after 0 ms: No route to host` }
    case undefined:
      return (error as Error).message === 'EOF' ? { code: 52, message: 'Empty reply from server' } : { code: 28, message: `Operation timed out after ${timeoutMs} milliseconds with 0 bytes received` }
    default:
      return { code: 28, message: `Connection timed out after ${timeoutMs} milliseconds` }
  }
}

export default { curl } satisfies Record<string, Program>
