/** The sample API server: an API of its own behind the aggregation layer. Models k8s.io/sample-apiserver. */
import type { ServerResponse } from 'node:http'
import { parseFieldSelector } from '../../../apimachinery/fields.ts'
import { applyJSONPatch, decodeJSONPatch } from '../../../apimachinery/json-patch.ts'
import { isRecord } from '../../../apimachinery/json.ts'
import { parseSelector } from '../../../apimachinery/labels.ts'
import { applyMergePatch } from '../../../apimachinery/merge-patch.ts'
import { issueCertificate } from '../../../apimachinery/certificate.ts'
import { ParseError } from '../../../apimachinery/parse-error.ts'
import { formatTime } from '../../../clock.ts'
import { parseFlags } from '../agnhost/flags.ts'
import { bodyOf, forever, readTls, serve, type Exchange } from '../agnhost/web.ts'
import { inCluster, type InCluster } from '../in-cluster.ts'
import type { Process } from '../process.ts'
import { GROUP, Objects, Refused, RESOURCES, VERSIONS, type Resource, type Scope, type Wardle, type WatchEvent } from './objects.ts'

const MAX_WATCH_MS = 600_000

interface Asked {
  version: string
  resource: Resource
  namespace: string | undefined
  name: string | undefined
}

export async function sampleApiserver(process: Process): Promise<number> {
  const flags = parseFlags(process.args)
  const objects = new Objects()
  const api = await inCluster(process)
  const [cert, key] = [flags.get('tls-cert-file'), flags.get('tls-private-key-file')]
  const tls = cert && key ? await readTls(process, { cert, key }) : await process.block(issueCertificate({ subject: 'CN=apiserver', years: 1, names: ['localhost'], now: process.clock.now(), random: process.sandbox.random }))
  serve(process, flags.number('secure-port', 443), { '/': (exchange) => answer(process, { objects, api }, exchange) }, { tls: { ...tls, requestCert: true } })
  await process.err(`Serving securely on [::]:${flags.number('secure-port', 443)}\n`)
  return forever(process)
}

interface Server {
  objects: Objects
  api: InCluster
}

async function answer(process: Process, server: Server, exchange: Exchange): Promise<void> {
  const { request, response, url } = exchange
  const { pathname } = url
  if (/^\/(?:healthz|livez|readyz)/.test(pathname)) return void response.writeHead(200, { 'Content-Type': 'text/plain' }).end('ok')
  try {
    const known = discovery(pathname)
    if (known) return json(response, 200, known)
    const asked = parsePath(pathname)
    if (!asked) throw new Refused(404, 'NotFound', { message: 'the server could not find the requested resource' })
    await authorize(server.api, exchange, asked)
    await (exchange.query.get('watch') === 'true' || exchange.query.get('watch') === '1' ? watch(process, server.objects, { exchange, asked }) : handle(process, server.objects, { exchange, asked }))
  } catch (error) {
    const refused = error instanceof Refused ? error : error instanceof ParseError || error instanceof SyntaxError ? new Refused(400, 'BadRequest', { message: error.message }) : undefined
    if (!refused) throw error
    if (!request.complete) request.resume()
    json(response, refused.code, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message: refused.message, reason: refused.reason, details: refused.details, code: refused.code })
  }
}

function json(response: ServerResponse, status: number, value: object): void {
  const text = `${JSON.stringify(value)}\n`
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) }).end(text)
}

function discovery(path: string): object | undefined {
  const versions = VERSIONS.map((version) => ({ groupVersion: `${GROUP}/${version}`, version }))
  const group = { name: GROUP, versions, preferredVersion: versions[1] }
  if (path === '/apis') return { kind: 'APIGroupList', apiVersion: 'v1', groups: [group] }
  if (path === `/apis/${GROUP}`) return { kind: 'APIGroup', apiVersion: 'v1', ...group }
  if (path === '/version') return { major: '1', minor: '36', gitVersion: 'v1.36.3', platform: 'linux/amd64' }
  if (path === '/openapi/v2') return { swagger: '2.0', info: { title: 'Wardle', version: '0.1' }, paths: {}, definitions: {} }
  if (path === '/openapi/v3') return { paths: {} }
  const version = VERSIONS.find((v) => path === `/apis/${GROUP}/${v}`)
  const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']
  return version && { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: `${GROUP}/${version}`, resources: servedBy(version).map(({ plural, singular, namespaced, kind }) => ({ name: plural, singularName: singular, namespaced, kind, verbs })) }
}

/** Fischers are of the first version alone. */
function servedBy(version: string): readonly Resource[] {
  return version === 'v1alpha1' ? RESOURCES : RESOURCES.filter(({ kind }) => kind === 'Flunder')
}

function parsePath(path: string): Asked | undefined {
  const [apis, group, version = '', ...rest] = path.split('/').filter(Boolean).map(decodeURIComponent)
  if (apis !== 'apis' || group !== GROUP || !VERSIONS.some((v) => v === version)) return undefined
  const namespace = rest[0] === 'namespaces' ? rest[1] : undefined
  const [plural, name, subresource] = namespace === undefined ? rest : rest.slice(2)
  const resource = servedBy(version).find((r) => r.plural === plural && (r.namespaced || namespace === undefined))
  return resource && (subresource === undefined || subresource === 'status') ? { version, resource, namespace, name } : undefined
}

const VERBS: Readonly<Record<string, string>> = { POST: 'create', PUT: 'update', PATCH: 'patch', GET: 'get', DELETE: 'delete' }

/** Who asks is told by the front proxy; whether they may, by the main API server. */
async function authorize(api: InCluster, { request, query }: Exchange, { version, resource, namespace, name }: Asked): Promise<void> {
  const user = String(request.headers['x-remote-user'] ?? 'system:anonymous')
  const groups = [request.headers['x-remote-group'] ?? []].flat().flatMap((g) => g.split(',').map((text) => text.trim()))
  const verb = name === undefined && request.method === 'GET' ? (query.get('watch') ? 'watch' : 'list') : name === undefined && request.method === 'DELETE' ? 'deletecollection' : (VERBS[request.method ?? ''] ?? 'get')
  const spec = { user, groups, resourceAttributes: { group: GROUP, version, resource: resource.plural, verb, ...(namespace === undefined ? {} : { namespace }), ...(name === undefined ? {} : { name }) } }
  const forbidden = (why = '') => new Refused(403, 'Forbidden', { message: `${resource.plural}.${GROUP}${name === undefined ? '' : ` "${name}"`} is forbidden: User "${user}" cannot ${verb} resource "${resource.plural}" in API group "${GROUP}"${namespace === undefined ? ' at the cluster scope' : ` in the namespace "${namespace}"`}${why}` })
  const { status, body } = await api.call({ method: 'POST', path: '/apis/authorization.k8s.io/v1/subjectaccessreviews', body: { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec } }).catch((error: Error) => Promise.reject(new Refused(500, 'InternalError', { message: `Internal error occurred: ${error.message}` })))
  if (status !== 201) throw forbidden(`: ${body.toString()}`)
  const review = JSON.parse(body.toString()) as { status?: { allowed?: boolean } }
  if (!review.status?.allowed) throw forbidden()
}

interface Handling {
  exchange: Exchange
  asked: Asked
}

/** As the version that was asked for calls it. */
function shown({ version, resource }: Asked, { metadata, ...rest }: Wardle): object {
  return { kind: resource.kind, apiVersion: `${GROUP}/${version}`, metadata, ...rest }
}

function scopeOf({ resource, namespace, name }: Asked, { query }: Exchange): Scope {
  const fields = [query.get('fieldSelector') ?? '', ...(name === undefined ? [] : [`metadata.name=${name}`])].filter(Boolean).join(',')
  return { resource, namespace, labels: parseSelector(query.get('labelSelector') ?? ''), fields: parseFieldSelector(fields) }
}

async function handle(process: Process, objects: Objects, { exchange, asked }: Handling): Promise<void> {
  const { request, response } = exchange
  const { resource, namespace, name, version } = asked
  const body = request.method === 'GET' ? '' : (await bodyOf(request)).toString()
  const now = formatTime(process.clock.now())
  switch (request.method) {
    case 'POST':
      return json(response, 201, shown(asked, objects.create(resource, prepared(process, asked, JSON.parse(body)))))
    case 'GET':
      if (name !== undefined) return json(response, 200, shown(asked, objects.get(resource, namespace, name)))
      return json(response, 200, { kind: `${resource.kind}List`, apiVersion: `${GROUP}/${version}`, metadata: { resourceVersion: objects.revision }, items: objects.list(scopeOf(asked, exchange)).map((object) => shown(asked, object)) })
    case 'PUT':
      return json(response, 200, shown(asked, objects.update(resource, inPlace(asked, JSON.parse(body)))))
    case 'PATCH':
      return json(response, 200, shown(asked, patched(process, objects, { exchange, asked, body })))
    case 'DELETE':
      if (name !== undefined) {
        const gone = objects.delete(resource, objects.get(resource, namespace, name), now)
        return json(response, 200, gone.metadata.deletionTimestamp ? shown(asked, gone) : { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details: { name, group: GROUP, kind: resource.plural, uid: gone.metadata.uid } })
      }
      for (const object of objects.list(scopeOf(asked, exchange))) objects.delete(resource, object, now)
      return json(response, 200, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' })
    default:
      throw new Refused(405, 'MethodNotAllowed', { message: 'the server does not allow this method on the requested resource' })
  }
}

/** An object of the request, in the place of its path. @throws Refused */
function inPlace({ namespace, name }: Asked, value: unknown): Wardle {
  if (!isRecord(value)) throw new Refused(400, 'BadRequest', { message: 'the object provided is unrecognized (must be of type Flunder or Fischer)' })
  const { apiVersion: _version, kind: _kind, metadata, ...rest } = value
  const given = isRecord(metadata) ? metadata : {}
  return { ...rest, metadata: { ...given, name: name ?? (typeof given.name === 'string' ? given.name : undefined), ...(namespace === undefined ? {} : { namespace }) } } as Wardle
}

function prepared({ clock, sandbox }: Process, asked: Asked, value: unknown): Wardle {
  const object = inPlace(asked, value)
  const { name, generateName } = object.metadata
  const named = name || (generateName ? `${generateName}${sandbox.random.suffix(5)}` : '')
  if (named === '') throw new Refused(422, 'Invalid', { message: `${asked.resource.kind}.${GROUP} "" is invalid: metadata.name: Required value: name or generateName is required` })
  return { ...object, metadata: { ...object.metadata, name: named, uid: sandbox.random.uuid(), creationTimestamp: formatTime(clock.now()) } }
}

function patched(process: Process, objects: Objects, { exchange, asked, body }: Handling & { body: string }): Wardle {
  const { resource, namespace, name = '' } = asked
  const [type = ''] = (exchange.request.headers['content-type'] ?? '').split(';')
  const patch: unknown = JSON.parse(body)
  if (type === 'application/apply-patch+yaml') {
    const known = objects.list({ ...scopeOf(asked, exchange), labels: parseSelector('') })[0]
    return known ? objects.update(resource, inPlace(asked, applyMergePatch(known, patch))) : objects.create(resource, prepared(process, asked, patch))
  }
  const old = objects.get(resource, namespace, name)
  if (type === 'application/json-patch+json') return objects.update(resource, inPlace(asked, applyJSONPatch(shown(asked, old), decodeJSONPatch(patch).operations)))
  if (type !== 'application/merge-patch+json' && type !== 'application/strategic-merge-patch+json') throw new Refused(415, 'UnsupportedMediaType', { message: `the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml` })
  return objects.update(resource, inPlace(asked, applyMergePatch(old, patch)))
}

async function watch(process: Process, objects: Objects, { exchange, asked }: Handling): Promise<void> {
  const { request, response, query } = exchange
  const scope = scopeOf(asked, exchange)
  response.writeHead(200, { 'Content-Type': 'application/json', 'Transfer-Encoding': 'chunked' })
  const tell = ({ type, object }: WatchEvent) => void response.write(`${JSON.stringify({ type, object: shown(asked, object) })}\n`)
  const since = query.get('resourceVersion') ?? ''
  const isNew = (object: Wardle) => since === '' || since === '0' || Number(object.metadata.resourceVersion) > Number(since)
  for (const object of objects.list(scope)) if (isNew(object)) tell({ type: 'ADDED', object })
  if (query.get('sendInitialEvents') === 'true') response.write(`${JSON.stringify({ type: 'BOOKMARK', object: { kind: asked.resource.kind, apiVersion: `${GROUP}/${asked.version}`, metadata: { resourceVersion: objects.revision, annotations: { 'k8s.io/initial-events-end': 'true' } } } })}\n`)
  const end = objects.watch(scope, tell)
  const timeoutMs = Math.min(MAX_WATCH_MS, Number(query.get('timeoutSeconds') ?? MAX_WATCH_MS / 1000) * 1000)
  const timer = process.clock.after(timeoutMs, () => void response.end())
  await new Promise<void>((resolve) => {
    response.on('close', resolve)
    request.on('close', resolve)
  })
  end()
  timer.cancel()
}
