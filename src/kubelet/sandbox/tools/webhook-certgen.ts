/** kube-webhook-certgen: makes a certificate into a Secret, and puts its authority into webhook configurations. Models ingress-nginx/images/kube-webhook-certgen. */
import { issueCertificate } from '../../../apimachinery/certificate.ts'
import { isRecord } from '../../../apimachinery/json.ts'
import { parseFlags, type Flags } from '../agnhost/flags.ts'
import { inCluster, type InCluster } from '../in-cluster.ts'
import type { Process, Program } from '../process.ts'

const YEARS = 100

async function certgen(process: Process): Promise<number> {
  const [verb, ...args] = process.args
  const flags = parseFlags(args)
  const api = await inCluster(process)
  const note = (level: string, msg: string) => process.err(`${JSON.stringify({ level, msg, time: new Date(process.clock.now()).toISOString() })}\n`)
  try {
    if (verb === 'create') await create(process, api, { flags, note: (msg) => note('info', msg) })
    else if (verb === 'patch') await patch(process, api, { flags, note: (msg) => note('info', msg) })
    else {
      await process.err(`Error: unknown command "${verb ?? ''}" for "kube-webhook-certgen"\n`)
      return 1
    }
    return 0
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    await note('fatal', error.message)
    return 1
  }
}

class Problem extends Error {}

interface Doing {
  flags: Flags
  note(message: string): Promise<void>
}

async function ask(process: Process, api: InCluster, call: Parameters<InCluster['call']>[0]): Promise<{ status: number; body: Record<string, unknown> }> {
  const { status, body } = await process.block(api.call(call)).catch((error: Error) => Promise.reject(new Problem(error.message)))
  const value: unknown = JSON.parse(body.toString() || '{}')
  return { status, body: isRecord(value) ? value : {} }
}

const secretPath = (flags: Flags) => `/api/v1/namespaces/${flags.get('namespace')}/secrets`

async function authority(process: Process, api: InCluster, flags: Flags): Promise<string | undefined> {
  const { status, body } = await ask(process, api, { path: `${secretPath(flags)}/${flags.get('secret-name')}` })
  if (status === 404) return undefined
  if (status !== 200) throw new Problem(`error getting secret: ${String(body.message)}`)
  const ca = isRecord(body.data) ? body.data.ca : undefined
  if (typeof ca !== 'string') throw new Problem("got secret, but it did not contain a 'ca' key")
  return ca
}

async function create(process: Process, api: InCluster, { flags, note }: Doing): Promise<void> {
  if ((await authority(process, api, flags)) !== undefined) return note('secret already exists')
  await note(`no secret found, creating a new one`)
  const { random } = process.sandbox
  const now = process.clock.now()
  const ca = await process.block(issueCertificate({ subject: 'O=nil1', years: YEARS, isCA: true, now, random }))
  const pair = await process.block(issueCertificate({ subject: 'O=nil2', years: YEARS, issuer: ca, names: (flags.get('host') ?? '').split(',').filter(Boolean), now, random }))
  const data = { ca: ca.cert, [flags.get('cert-name') ?? 'cert']: pair.cert, [flags.get('key-name') ?? 'key']: pair.key }
  const encoded = Object.fromEntries(Object.entries(data).map(([name, text]) => [name, Buffer.from(text).toString('base64')]))
  const { status, body } = await ask(process, api, { method: 'POST', path: secretPath(flags), body: { apiVersion: 'v1', kind: 'Secret', metadata: { name: flags.get('secret-name') }, data: encoded } })
  if (status !== 201 && status !== 409) throw new Problem(`failed creating secret: ${String(body.message)}`)
}

async function patch(process: Process, api: InCluster, { flags, note }: Doing): Promise<void> {
  const name = flags.get('webhook-name')
  const ca = await authority(process, api, flags)
  if (ca === undefined) throw new Problem(`no secret with '${flags.get('secret-name')}' in '${flags.get('namespace')}'`)
  for (const kind of ['validating', 'mutating'] as const) {
    if (!name || !flags.is(`patch-${kind}`, true)) continue
    await note(`patching webhook configurations '${name}' ${kind}`)
    const path = `/apis/admissionregistration.k8s.io/v1/${kind}webhookconfigurations/${name}`
    const { status, body } = await ask(process, api, { path })
    if (status !== 200) throw new Problem(`failed getting ${kind} webhook: ${String(body.message)}`)
    const policy = flags.get('patch-failure-policy')
    const webhooks = (Array.isArray(body.webhooks) ? body.webhooks : []).filter(isRecord).map((hook) => ({ ...hook, ...(policy ? { failurePolicy: policy } : {}), clientConfig: { ...(isRecord(hook.clientConfig) ? hook.clientConfig : {}), caBundle: ca } }))
    const updated = await ask(process, api, { method: 'PUT', path, body: { ...body, webhooks } })
    if (updated.status !== 200) throw new Problem(`failed patching ${kind} webhook: ${String(updated.body.message)}`)
  }
  const services = (flags.get('apiservice-name') ?? '').split(',').filter(Boolean)
  for (const service of services) {
    const path = `/apis/apiregistration.k8s.io/v1/apiservices/${service}`
    const { status, body } = await ask(process, api, { method: 'PATCH', path, contentType: 'application/merge-patch+json', body: { spec: { caBundle: ca, insecureSkipTLSVerify: false } } })
    if (status !== 200) throw new Problem(`failed patching APIService: ${String(body.message)}`)
  }
  await note('Patched hook(s)')
}

export default { 'kube-webhook-certgen': certgen } satisfies Record<string, Program>
