/**
 * What is refused before a connection to a pod is made: pods that are not there, containers they do not have, options that
 * do not go together. Models LogLocation, ExecLocation … of k8s.io/kubernetes/pkg/registry/core/pod/strategy.go and
 * ValidatePodLogOptions.
 */
import type { Pod, PodLogOptions } from '../../../schemas/types.ts'
import { canonicalTime } from '../../../src/apimachinery/go-time.ts'
import { parseIP } from '../../../src/apimachinery/ip-address.ts'
import { ParseError } from '../../../src/apimachinery/parse-error.ts'
import { badRequest, field, invalid, notFound, quote, type FieldError } from '../../../src/errors.ts'
import type { ConnectRequest, WriteContext } from '../../../src/registry/kind.ts'
import { allContainers } from './_pod-containers.ts'

const PODS = { group: '', resource: 'pods' }

function podNamed(name: string, ctx: WriteContext): Pod {
  const pod = ctx.system.get<Pod>('v1/Pod', ctx.namespace, name)
  if (!pod) throw notFound(PODS, name)
  return pod
}

/** The container a request means: the one it names, or the only one. @throws StatusError 400 */
export function containerOf(pod: Pod, wanted: string): string {
  const all = allContainers(pod.spec).map((c) => c.name)
  const name = pod.metadata.name ?? ''
  if (wanted) {
    if (all.includes(wanted)) return wanted
    throw badRequest(`container ${wanted} is not valid for pod ${name}`)
  }
  const [only] = pod.spec.containers ?? []
  if (only && pod.spec.containers?.length === 1) return only.name ?? ''
  throw badRequest(`a container name must be specified for pod ${name}${only ? `, choose one of: [${all.join(' ')}]` : ''}`)
}

export function checkStream({ name, query, ctx }: ConnectRequest): void {
  const pod = podNamed(name, ctx)
  containerOf(pod, query.get('container') ?? '')
  checkAssigned(pod)
}

export function checkPortForward({ name, ctx }: ConnectRequest): void {
  checkAssigned(podNamed(name, ctx))
}

function checkAssigned({ metadata, spec }: Pod): void {
  if (!spec.nodeName) throw badRequest(`pod ${metadata.name} does not have a host assigned`)
}

/** Answers 'nothing' for a pod that runs nowhere yet: it has no log, which is no error. */
export function checkLog({ name, query, ctx }: ConnectRequest): 'nothing' | undefined {
  const options = parseLogOptions(query)
  const errors = validateLogOptions(options, query.has('stream'))
  if (errors.length > 0) throw invalid({ group: '', kind: 'PodLogOptions' }, name, errors)
  const pod = podNamed(name, ctx)
  containerOf(pod, options.container ?? '')
  return pod.spec.nodeName ? undefined : 'nothing'
}

/** `pod`, `pod:port` or `scheme:pod:port`. */
export function checkPodProxy({ name, ctx }: ConnectRequest): void {
  const pod = podNamed(splitSchemeNamePort(name, 'pod').name, ctx)
  const ip = pod.status?.podIPs?.[0]?.ip ?? ''
  if (!parseIP(ip)) throw badRequest('address not allowed')
}

/** @throws StatusError 400 */
export function splitSchemeNamePort(id: string, what: string): { scheme: string; name: string; port: string } {
  const parts = id.split(':')
  const [scheme = '', name = '', port = ''] = parts.length === 3 ? parts : ['', ...parts]
  if (parts.length > 3 || !name || !['', 'http', 'https'].includes(scheme)) throw badRequest(`invalid ${what} request ${quote(id)}`)
  return { scheme, name, port }
}

/** @throws StatusError 400 */
export function parseLogOptions(query: ConnectRequest['query']): PodLogOptions {
  const flag = (name: string) => (query.has(name) ? { [name]: !['false', '0'].includes((query.get(name) ?? '').toLowerCase()) } : {})
  const integer = (name: string) => (query.has(name) ? { [name]: parseInt64(query.get(name) ?? '') } : {})
  const container = query.get('container')
  const sinceTime = query.get('sinceTime')
  return {
    ...(container ? { container } : {}),
    ...flag('follow'),
    ...flag('previous'),
    ...flag('timestamps'),
    ...flag('insecureSkipTLSVerifyBackend'),
    ...integer('sinceSeconds'),
    ...integer('tailLines'),
    ...integer('limitBytes'),
    ...(sinceTime && sinceTime !== 'null' ? { sinceTime: parseTime(sinceTime) } : {}),
  }
}

function parseInt64(text: string): number {
  if (!/^[-+]?[0-9]+$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${quote(text)}: invalid syntax`)
  return Number(text)
}

function parseTime(text: string): string {
  try {
    return canonicalTime(text) ?? ''
  } catch (error) {
    throw error instanceof ParseError ? badRequest(error.message) : error
  }
}

function validateLogOptions({ tailLines, limitBytes, sinceSeconds, sinceTime }: PodLogOptions, hasStream: boolean): FieldError[] {
  const errors: FieldError[] = []
  if (tailLines !== undefined && tailLines < 0) errors.push(field.invalid('tailLines', tailLines, 'must be greater than or equal to 0'))
  if (limitBytes !== undefined && limitBytes < 1) errors.push(field.invalid('limitBytes', limitBytes, 'must be greater than 0'))
  if (sinceSeconds !== undefined && sinceTime !== undefined) errors.push(field.forbidden('[]', 'at most one of `sinceTime` or `sinceSeconds` may be specified'))
  else if (sinceSeconds !== undefined && sinceSeconds < 1) errors.push(field.invalid('sinceSeconds', sinceSeconds, 'must be greater than 0'))
  if (hasStream) errors.push(field.forbidden('stream', 'may not be specified'))
  return errors
}
