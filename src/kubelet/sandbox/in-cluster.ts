/** How a program in a pod talks to the API server: by its environment and its mounted token. Models rest.InClusterConfig of client-go. */
import { requestHttp, type HttpResult } from './http-client.ts'
import { FsError } from './nodes.ts'
import { Exited, type Process } from './process.ts'
import { ROOT } from './vfs.ts'

const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'
const TIMEOUT_MS = 30_000
const MAX_BODY = 16 * 1024 * 1024

export interface Call {
  method?: string
  path: string
  body?: unknown
  contentType?: string
  /** JSON unless told; '' asks for none in particular. */
  accept?: string
  /** The token was read and will be sent. */
  onToken?(authorization: string): void
}

export interface InCluster {
  host: string
  port: number
  call(call: Call): Promise<HttpResult>
}

/** @throws Exited after saying why, as a Go program's log.Fatal does */
export async function inCluster(process: Process): Promise<InCluster> {
  const host = process.env.get('KUBERNETES_SERVICE_HOST')
  const port = process.env.get('KUBERNETES_SERVICE_PORT')
  if (!host || !port) return fatal(process, 'unable to load in-cluster configuration, KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be defined')
  const read = async (name: string) => (await process.sandbox.fs.readFile(`${ACCOUNT}/${name}`, ROOT)).toString().trim()
  try {
    const ca = await read('ca.crt')
    return { host, port: Number(port), call: async (call) => request(process, { host, port: Number(port), ca, token: await read('token') }, call) }
  } catch (error) {
    if (!(error instanceof FsError)) throw error
    return fatal(process, `open ${ACCOUNT}/ca.crt: ${error.message.toLowerCase()}`)
  }
}

async function fatal(process: Process, message: string): Promise<never> {
  await process.err(`${message}\n`)
  throw new Exited(1)
}

interface Server {
  host: string
  port: number
  ca: string
  token: string
}

function request({ sandbox }: Process, { host, port, ca, token }: Server, { method = 'GET', path, body, contentType = 'application/json', accept = 'application/json', onToken }: Call): Promise<HttpResult> {
  const { network, party, clock } = sandbox
  const authorization = `Bearer ${token}`
  onToken?.(authorization)
  return requestHttp({
    connect: () => network.connect(party, { host, port }, { timeoutMs: TIMEOUT_MS }),
    clock,
    timeoutMs: TIMEOUT_MS,
    path,
    method,
    headers: { Host: `${host}:${port}`, Authorization: authorization, ...(accept === '' ? {} : { Accept: accept }), Connection: 'close', ...(body === undefined ? {} : { 'Content-Type': contentType }) },
    ...(body === undefined ? {} : { body: Buffer.from(JSON.stringify(body)) }),
    isTLS: true,
    servername: host,
    credentials: { ca },
    maxBytes: MAX_BODY,
  })
}
