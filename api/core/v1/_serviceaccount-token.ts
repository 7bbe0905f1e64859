/** The token subresource of service accounts. Models k8s.io/kubernetes/pkg/registry/core/serviceaccount/storage/token.go. */
import { formatTime } from '../../../src/clock.ts'
import { badRequest, conflict, field, internalError, invalid, notFound, type FieldError } from '../../../src/errors.ts'
import type { CreateSubresource, KubeObject, ServiceAccountTokens, WriteContext } from '../../../src/registry/kind.ts'
import type { BoundObjectReference, Pod, ServiceAccount, TokenRequest } from '../../../schemas/types.ts'

const KIND = { group: 'authentication.k8s.io', kind: 'TokenRequest' }
const RESOURCE = { group: KIND.group, resource: KIND.kind }
const DEFAULT_SECONDS = 3600
const MIN_SECONDS = 600
const MAX_SECONDS = 2 ** 32
/** What kubelets ask for; such a token of a pod lives on for a year, and use of it past this age is only noted. */
const EXTENDED_SECONDS = 3607
const EXTENSION_SECONDS = 365 * 24 * 3600

type Claims = Parameters<ServiceAccountTokens['sign']>[0]
type Bound = Pick<Claims, 'pod' | 'node' | 'secret'>
const BOUND_KINDS: Readonly<Record<string, { resource: string; namespaced: boolean }>> = {
  Pod: { resource: 'pods', namespaced: true },
  Node: { resource: 'nodes', namespaced: false },
  Secret: { resource: 'secrets', namespaced: true },
}

function mustGet<T extends KubeObject>(ctx: WriteContext, resource: string, ref: { kind: string; namespace: string; name: string }): T {
  const found = ctx.system.get<T>(`v1/${ref.kind}`, ref.namespace, ref.name)
  if (!found) throw notFound({ group: '', resource }, ref.name)
  return found
}

function validateExpiration(seconds: number): FieldError[] {
  const path = 'spec.expirationSeconds'
  if (seconds < MIN_SECONDS) return [field.invalid(path, seconds, 'may not specify a duration less than 10 minutes')]
  return seconds > MAX_SECONDS ? [field.invalid(path, seconds, 'may not specify a duration larger than 2^32 seconds')] : []
}

function checkName({ metadata: { name } }: TokenRequest, account: string): void {
  if (name && name !== account) throw invalid(KIND, account, [field.invalid('metadata.name', name, 'must match the service account name if specified')])
}

/** Finds what the token is bound to. */
function resolveBound(ref: BoundObjectReference | undefined, accountName: string, ctx: WriteContext): Bound {
  if (!ref) return {}
  const { apiVersion = '', kind = '', name = '' } = ref
  const slash = apiVersion.indexOf('/')
  const group = slash < 0 ? '' : apiVersion.slice(0, slash)
  const bound = group === '' && Object.hasOwn(BOUND_KINDS, kind) ? BOUND_KINDS[kind] : undefined
  if (!bound) throw badRequest(`cannot bind token to object of type ${group}/${apiVersion.slice(slash + 1)}, Kind=${kind}`)
  if (!name) throw badRequest('Name parameter required.')
  const object = mustGet<KubeObject>(ctx, bound.resource, { kind, namespace: bound.namespaced ? ctx.namespace : '', name })
  const uid = object.metadata.uid ?? ''
  const result: Bound = kind === 'Pod' ? boundPod(object as Pod, accountName, ctx) : kind === 'Node' ? { node: { name, uid } } : { secret: { name, uid } }
  if (ref.uid && ref.uid !== uid) {
    const why = `the UID in the bound object reference (${ref.uid}) does not match the UID in record. The object might have been deleted and then recreated`
    throw conflict({ group, resource: kind }, name, why)
  }
  return result
}

/** A pod's token also names the node it runs on. */
function boundPod(pod: Pod, accountName: string, ctx: WriteContext): Bound {
  const { serviceAccountName, nodeName } = pod.spec
  if (accountName !== serviceAccountName) {
    throw badRequest(`cannot bind token for serviceaccount "${accountName}" to pod running with different serviceaccount name.`)
  }
  const bound: Bound = { pod: { name: pod.metadata.name ?? '', uid: pod.metadata.uid ?? '' } }
  if (!nodeName) return bound
  const uid = ctx.system.get('v1/Node', '', nodeName)?.metadata.uid
  return { ...bound, node: uid ? { name: nodeName, uid } : { name: nodeName } }
}

async function create({ name, body, ctx }: { name: string; body: KubeObject; ctx: WriteContext }): Promise<TokenRequest> {
  const request = body as TokenRequest
  const tokens = ctx.system.serviceAccountTokens
  if (!tokens) throw internalError('this server signs no service account tokens')
  const { namespace } = ctx
  checkName(request, name)
  const account = mustGet<ServiceAccount>(ctx, 'serviceaccounts', { kind: 'ServiceAccount', namespace, name })
  const uid = account.metadata.uid ?? ''
  const { uid: givenUID } = request.metadata
  if (givenUID && givenUID !== uid) {
    throw conflict(RESOURCE, name, `the UID in the token request (${givenUID}) does not match the UID of the service account (${uid})`)
  }
  const nowMs = ctx.clock.now()
  const { audiences: asked, boundObjectRef } = request.spec ?? {}
  const audiences = asked?.length ? asked : [...tokens.defaultAudiences]
  const expirationSeconds = request.spec?.expirationSeconds ?? DEFAULT_SECONDS
  const errors = validateExpiration(expirationSeconds)
  if (errors.length > 0) throw invalid(KIND, '', errors)

  const bound = resolveBound(boundObjectRef, name, ctx)
  const isExtended = bound.pod !== undefined && expirationSeconds === EXTENDED_SECONDS && audiences.every((a) => tokens.defaultAudiences.includes(a))
  const { token, id } = await tokens.sign({
    serviceAccount: { namespace, name, uid },
    audiences,
    expirationSeconds: isExtended ? EXTENSION_SECONDS : expirationSeconds,
    warnAfterSeconds: isExtended ? expirationSeconds : 0,
    ...bound,
  })
  ctx.annotateAudit('authentication.kubernetes.io/issued-credential-id', `JTI=${id}`)
  return {
    ...request,
    metadata: { ...request.metadata, name, namespace, uid, creationTimestamp: formatTime(nowMs) },
    spec: { ...request.spec, audiences, expirationSeconds },
    status: { token, expirationTimestamp: formatTime(nowMs + expirationSeconds * 1000) },
  }
}

export const serviceAccountToken: CreateSubresource = {
  responseKind: { ...KIND, version: 'v1' },
  verbs: ['create'],
  default(body) {
    const request = body as TokenRequest
    request.spec = { ...request.spec, expirationSeconds: request.spec?.expirationSeconds ?? DEFAULT_SECONDS }
  },
  create,
}
