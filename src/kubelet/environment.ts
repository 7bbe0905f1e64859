/**
 * The variables of a container: those of services, of envFrom and of env, in which `$(NAME)` stands for what is defined
 * before. Models makeEnvironmentVariables of pkg/kubelet/kubelet_pods.go, pkg/kubelet/envvars and third_party/forked/golang/expansion.
 */
import type { Container, EnvVar, FileKeySelector, Service } from '../../schemas/types.ts'
import { decodeBase64 } from './content.ts'
import { fieldValue, resourceValue, type Itself } from './downward.ts'
import type { References } from './pod-needs.ts'

export interface EnvironmentInput {
  itself: Itself
  container: Container
  refs: References
  /** Of the pod's namespace, and of `default` for the API server's. */
  services: readonly Service[]
  /** Out of a file of a volume; undefined for one that need not be there. */
  fileValue(selector: FileKeySelector): string | undefined
}

export function environment({ itself, container, refs, services, fileValue }: EnvironmentInput): Map<string, string> {
  const { pod } = itself
  const namespace = pod.metadata.namespace ?? ''
  const serviceVariables = serviceEnvironment(services, { namespace, links: pod.spec.enableServiceLinks !== false })
  const result = new Map<string, string>()
  for (const { prefix = '', configMapRef, secretRef } of container.envFrom ?? []) {
    if (configMapRef) for (const [key, value] of Object.entries(refs.configMap(namespace, configMapRef.name ?? '')?.data ?? {})) result.set(prefix + key, value)
    if (secretRef) for (const [key, value] of Object.entries(refs.secret(namespace, secretRef.name ?? '')?.data ?? {})) result.set(prefix + key, decodeBase64(value).toString())
  }
  for (const variable of container.env ?? []) {
    const value = variableValue(variable, { itself, container, refs, fileValue })
    if (value !== undefined) result.set(variable.name ?? '', variable.valueFrom ? value : expand(value, (name) => result.get(name) ?? serviceVariables.get(name)))
  }
  for (const [name, value] of serviceVariables) if (!result.has(name)) result.set(name, value)
  return result
}

function variableValue({ value, valueFrom }: EnvVar, { itself, container, refs, fileValue }: Omit<EnvironmentInput, 'services'>): string | undefined {
  if (!valueFrom) return value ?? ''
  const namespace = itself.pod.metadata.namespace ?? ''
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = valueFrom
  if (fieldRef) return fieldValue(fieldRef, itself)
  if (resourceFieldRef) return resourceValue(resourceFieldRef, itself, container)
  if (configMapKeyRef) return refs.configMap(namespace, configMapKeyRef.name ?? '')?.data?.[configMapKeyRef.key ?? '']
  if (fileKeyRef) return fileValue(fileKeyRef)
  if (!secretKeyRef) return ''
  const data = refs.secret(namespace, secretKeyRef.name ?? '')?.data?.[secretKeyRef.key ?? '']
  return data === undefined ? undefined : decodeBase64(data).toString()
}

/** `$(NAME)` is replaced when it is known, `$$` is a dollar, everything else stays. */
export function expand(text: string, lookUp: (name: string) => string | undefined): string {
  return text.replace(/\$(?:\$|\(([^)]*)\))/g, (all, name: string | undefined) => (name === undefined ? '$' : (lookUp(name) ?? all)))
}

const API_SERVER = 'kubernetes'

function serviceEnvironment(services: readonly Service[], { namespace, links }: { namespace: string; links: boolean }): Map<string, string> {
  const result = new Map<string, string>()
  for (const { metadata, spec } of services) {
    const { name = '' } = metadata
    const ip = spec.clusterIP
    const isApiServer = metadata.namespace === 'default' && name === API_SERVER
    if (!ip || ip === 'None' || !(isApiServer || (links && metadata.namespace === namespace))) continue
    const prefix = name.toUpperCase().replace(/-/g, '_')
    const [first] = spec.ports ?? []
    if (!first) continue
    result.set(`${prefix}_SERVICE_HOST`, ip)
    result.set(`${prefix}_SERVICE_PORT`, String(first.port))
    for (const port of spec.ports ?? []) if (port.name) result.set(`${prefix}_SERVICE_PORT_${port.name.toUpperCase().replace(/-/g, '_')}`, String(port.port))
    for (const [i, { port, protocol = 'TCP' }] of (spec.ports ?? []).entries()) {
      const url = `${protocol.toLowerCase()}://${ip}:${port}`
      if (i === 0) result.set(`${prefix}_PORT`, url)
      const link = `${prefix}_PORT_${port}_${protocol}`
      result.set(link, url)
      result.set(`${link}_PROTO`, protocol.toLowerCase())
      result.set(`${link}_PORT`, String(port))
      result.set(`${link}_ADDR`, ip)
    }
  }
  return result
}
