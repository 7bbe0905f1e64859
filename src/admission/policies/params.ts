/** The objects that a binding gives to its policy as parameters. Models CollectParams of k8s.io/apiserver/pkg/admission/plugin/policy/generic. */
import type { ParamKind, ParamRef } from '../../../schemas/types.ts'
import { selectorFromLabelSelector } from '../../apimachinery/labels.ts'
import type { KubeObject, SystemReader } from '../../registry/kind.ts'
import { parseApiVersion, type ServedKind } from '../../registry/scheme.ts'

/** What is wrong with how a policy or binding is set up. */
export class ConfigurationError extends Error {}

/** The kind of parameters; undefined for a policy without. @throws ConfigurationError for a kind that is not served */
export function paramKindOf(system: SystemReader, paramKind: ParamKind | undefined): ServedKind | undefined {
  if (!paramKind) return undefined
  const { apiVersion = '', kind = '' } = paramKind
  const found = system.kinds?.().find((k) => k.apiVersion === apiVersion && k.kind === kind)
  if (found) return found
  const { group, version } = parseApiVersion(apiVersion)
  throw new ConfigurationError(`failed to find resource referenced by paramKind: '${group}/${version}, Kind=${kind}'`)
}

interface Lookup {
  system: SystemReader
  kind: ServedKind | undefined
  ref: ParamRef | undefined
  /** Of the request. */
  namespace: string
}

/** Every parameter the policy is to be evaluated with; one that is undefined for a policy without. @throws ConfigurationError */
export function collectParams({ system, kind, ref, namespace }: Lookup): (KubeObject | undefined)[] {
  if (!kind || !ref) return [undefined]
  if (kind.namespaced && !ref.namespace && !namespace) throw new ConfigurationError('cannot use namespaced paramRef in policy binding that matches cluster-scoped resources')
  if (!kind.namespaced && ref.namespace) throw new ConfigurationError('paramRef.namespace must not be provided for a cluster-scoped `paramKind`')
  const params = find(system, kind, { ...ref, namespace: kind.namespaced ? ref.namespace || namespace : '' })
  if (params.length === 0 && ref.parameterNotFoundAction === 'Deny') throw new ConfigurationError('no params found for policy binding with `Deny` parameterNotFoundAction')
  return params
}

function find(system: SystemReader, kind: ServedKind, { namespace = '', name, selector }: ParamRef): KubeObject[] {
  if (name) {
    const found = system.get(kind.ref, namespace, name)
    return found ? [found] : []
  }
  const matching = selectorFromLabelSelector(selector ?? {})
  return system.list(kind.ref, namespace).filter(({ metadata }) => matching.matches(metadata.labels))
}
