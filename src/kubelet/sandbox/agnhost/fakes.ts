/** Subcommands of agnhost that pretend to be something. Models test/images/agnhost: fakegitserver, fakeregistryserver, external-metrics. */
import { issueCertificate } from '../../../apimachinery/certificate.ts'
import { FsError } from '../nodes.ts'
import type { Process } from '../process.ts'
import { contentOf, normalize } from '../vfs.ts'
import { parseFlags } from './flags.ts'
import { forever, reply, say, serve, type Exchange } from './web.ts'

export async function fakeGitServer(process: Process): Promise<number> {
  serve(process, 8000, { '/': ({ response }) => reply(response, 200, 'I am a fake git server') })
  return forever(process)
}

const REGISTRY = '/var/registry'
const CREDENTIALS = `Basic ${Buffer.from('user:password').toString('base64')}`

/** An OCI registry over files: blobs and manifests by their digests, tags as files that hold one. */
export async function fakeRegistryServer(process: Process): Promise<number> {
  const flags = parseFlags(process.args, ['private'])
  const port = flags.number('port', 5000)
  say(process, `Registry server starting with registry directory: ${REGISTRY}`)
  say(process, `HTTP server starting to listen on :${port}`)
  serve(process, port, {
    '/': async (exchange) => {
      const { request, response, url } = exchange
      if (!url.pathname.startsWith('/v2/')) return reply(response, 404, '404 page not found\n')
      if (flags.is('private') && request.headers.authorization !== CREDENTIALS) return reply(response, 401, 'Unauthorized\n', { 'WWW-Authenticate': 'Basic realm="Restricted"' })
      await registryAnswer(process, exchange)
    },
  })
  return forever(process)
}

const VERSION = { 'Docker-Distribution-Api-Version': 'registry/2.0' }

async function registryAnswer(process: Process, { response, url }: Exchange): Promise<void> {
  if (url.pathname === '/v2/') return reply(response, 200, '', VERSION)
  const [image = '', type = '', reference = ''] = url.pathname.slice('/v2/'.length).split('/')
  const missing = () => reply(response, 404, '404 page not found\n', VERSION)
  if ((type !== 'blobs' && type !== 'manifests') || reference === '') return missing()
  const folder = `${REGISTRY}/${image}/${type}`
  const [algorithm = '', hash] = reference.split(':')
  const isDigest = hash !== undefined && hash.length > 1
  const content = await fileAt(process, isDigest ? `${folder}/${algorithm}/${hash.slice(0, 2)}/${hash}/data` : `${folder}/${reference}`)
  if (!content) return missing()
  if (type === 'blobs') return reply(response, 200, content, { ...VERSION, 'Content-Type': 'application/octet-stream' })
  if (!isDigest) return reply(response, 307, '', { ...VERSION, Location: `/v2/${image}/manifests/${content.toString().trim()}` })
  const { mediaType = 'text/plain; charset=utf-8' } = JSON.parse(content.toString()) as { mediaType?: string }
  reply(response, 200, content, { ...VERSION, 'Content-Type': mediaType })
}

async function fileAt({ sandbox }: Process, path: string): Promise<Buffer | undefined> {
  const clean = normalize(path)
  const node = clean.startsWith(`${REGISTRY}/`) ? sandbox.fs.tryResolve(clean)?.node : undefined
  if (node?.kind !== 'file') return undefined
  try {
    return await contentOf(node)
  } catch (error) {
    if (!(error instanceof FsError)) throw error
    return undefined
  }
}

interface Metric {
  metricName: string
  metricLabels: Record<string, string>
  value: number
  fails: boolean
}

const MAX_METRICS = 1000
const GROUP = 'external.metrics.k8s.io'

function labelsOf(selector: string | null): Record<string, string> {
  const pairs = (selector ?? '').split(',').map((pair) => pair.split('=')).filter((pair) => pair.length === 2)
  return Object.fromEntries(pairs.map(([key = '', value = '']) => [key.trim(), value.trim()]))
}

const keyOf = (name: string, labels: Record<string, string>) => `${name}:${JSON.stringify(Object.entries(labels).sort())}`

/** An API of external metrics, whose values are set over HTTP. */
export async function externalMetrics(process: Process): Promise<number> {
  const metrics = new Map<string, Metric>()
  const put = (metric: Metric) => void (metrics.size < MAX_METRICS && metrics.set(keyOf(metric.metricName, metric.metricLabels), metric))
  put({ metricName: 'queue_messages_ready', metricLabels: {}, value: 100, fails: false })
  put({ metricName: 'http_requests_total', metricLabels: {}, value: 500, fails: false })
  const tls = await process.block(issueCertificate({ subject: 'CN=localhost', years: 1, names: ['localhost', '127.0.0.1'], now: process.clock.now(), random: process.sandbox.random }))
  const ok = ({ response }: Exchange) => reply(response, 200, 'ok')
  serve(process, parseFlags(process.args).number('port', 6443), { '/healthz': ok, '/readyz': ok, '/': (exchange) => metricsAnswer(metrics, put, { exchange, now: process.clock.now() }) }, { tls })
  return forever(process)
}

function metricsAnswer(metrics: ReadonlyMap<string, Metric>, put: (metric: Metric) => void, { exchange, now }: { exchange: Exchange; now: number }): void {
  const { response, url, query } = exchange
  const json = (status: number, value: unknown) => reply(response, status, `${JSON.stringify(value)}\n`, { 'Content-Type': 'application/json' })
  const [, verb = '', metricName = ''] = url.pathname.split('/')
  if (verb === 'apis') return groupAnswer(metrics, { exchange, now })
  const metricLabels = labelsOf(query.get('labels'))
  const known = metrics.get(keyOf(metricName, metricLabels))
  const value = Number.parseInt(query.get('value') ?? '', 10)
  if (metricName === '') return reply(response, 400, 'metric name required\n')
  if (verb !== 'fail' && verb !== 'set' && verb !== 'create') return reply(response, 404, '404 page not found\n')
  if (verb !== 'fail' && Number.isNaN(value)) return reply(response, 400, query.get('value') ? 'value param must be an integer\n' : 'value param required\n')
  if (verb === 'create') {
    const fails = query.get('fail') === 'true'
    put({ metricName, metricLabels, value, fails })
    return json(201, { status: 'created', metric: metricName, labels: metricLabels, value, failing: fails })
  }
  const fail = query.get('fail')
  if (verb === 'fail' && fail !== 'true' && fail !== 'false') return reply(response, 400, 'fail param should be true or false\n')
  if (!known) return reply(response, 404, `metric ${metricName} not found\n`)
  if (verb === 'set') known.value = value
  else known.fails = fail === 'true'
  json(200, verb === 'set' ? { status: 'success', metric: metricName, value } : { status: 'success', metric: metricName, labels: metricLabels, failing: fail })
}

function groupAnswer(metrics: ReadonlyMap<string, Metric>, { exchange, now }: { exchange: Exchange; now: number }): void {
  const { response, url, query } = exchange
  const json = (value: unknown) => reply(response, 200, `${JSON.stringify(value)}\n`, { 'Content-Type': 'application/json' })
  const [, , group, version, namespaces, , metricName = ''] = url.pathname.split('/')
  const groupVersion = { groupVersion: `${GROUP}/v1beta1`, version: 'v1beta1' }
  if (group !== GROUP) return reply(response, 404, '404 page not found\n')
  if (!version) return json({ kind: 'APIGroup', apiVersion: 'v1', name: GROUP, versions: [groupVersion], preferredVersion: groupVersion })
  if (!namespaces) return json({ kind: 'APIResourceList', apiVersion: 'v1', groupVersion: groupVersion.groupVersion, resources: [{ name: '*', namespaced: true, kind: 'ExternalMetricValueList', verbs: ['get'] }] })
  const labels = labelsOf(query.get('labelSelector'))
  const matching = [...metrics.values()].filter((m) => m.metricName === metricName && Object.entries(labels).every(([key, value]) => m.metricLabels[key] === value))
  if (matching.length === 0) return reply(response, 404, `no metric name called ${metricName}${Object.keys(labels).length > 0 ? ` with labels ${JSON.stringify(labels)}` : ''}\n`)
  if (matching.some((m) => m.fails)) return reply(response, 500, `metric ${metricName} is configured to fail\n`)
  const timestamp = `${new Date(now).toISOString().slice(0, 19)}Z`
  json({ kind: 'ExternalMetricValueList', apiVersion: groupVersion.groupVersion, metadata: {}, items: matching.map(({ metricName: name, metricLabels, value }) => ({ metricName: name, metricLabels, timestamp, value: String(value) })) })
}
