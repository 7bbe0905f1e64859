/**
 * Policies with their bindings, and which of them take part in a request. Models policy_source.go and
 * policy_dispatcher.go of k8s.io/apiserver/pkg/admission/plugin/policy/generic.
 */
import type { MatchResources, Namespace, ParamKind, ParamRef } from '../../../schemas/types.ts'
import { notFound, StatusError } from '../../errors.ts'
import type { KubeObject, SystemReader } from '../../registry/kind.ts'
import type { ServedKind } from '../../registry/scheme.ts'
import type { AdmissionAttributes } from '../chain.ts'
import { matchedKind } from './match-policy.ts'
import { collectParams, ConfigurationError, paramKindOf } from './params.ts'

export interface AnyPolicy extends KubeObject {
  spec: { failurePolicy?: string; paramKind?: ParamKind; matchConstraints?: MatchResources }
}

export interface AnyBinding extends KubeObject {
  spec: { policyName?: string; paramRef?: ParamRef; matchResources?: MatchResources }
}

export interface Hook<P, B> {
  policy: P
  bindings: B[]
}

type PolicyKind = 'ValidatingAdmissionPolicy' | 'MutatingAdmissionPolicy'

const GROUP_VERSION = 'admissionregistration.k8s.io/v1'

/** Policies that are bound, by name. */
export function listHooks<P extends AnyPolicy, B extends AnyBinding>(system: SystemReader, kind: PolicyKind): Hook<P, B>[] {
  const bindings = system.list<B>(`${GROUP_VERSION}/${kind}Binding`)
  if (bindings.length === 0) return []
  const byPolicy = new Map<string, B[]>()
  for (const binding of bindings) {
    const name = binding.spec.policyName ?? ''
    const known = byPolicy.get(name)
    if (known) known.push(binding)
    else byPolicy.set(name, [binding])
  }
  return system.list<P>(`${GROUP_VERSION}/${kind}`).flatMap((policy) => {
    const own = byPolicy.get(policy.metadata.name ?? '')
    return own ? [{ policy, bindings: own }] : []
  })
}

/** A policy that is about the request, by one of its bindings, with one of its parameters. */
export interface PolicyInvocation<P, B> {
  policy: P
  binding: B
  kind: ServedKind
  params: KubeObject | undefined
}

export interface SetupFailure<P, B> {
  policy: P
  /** undefined: it is the policy itself that is not right. */
  binding: B | undefined
  message: string
}

export interface Selected<P, B> {
  /** By policy and binding. */
  groups: { policy: P; binding: B; kind: ServedKind; params: (KubeObject | undefined)[] }[]
  failures: SetupFailure<P, B>[]
}

/** What takes part in a request, and what would but is not set up right. */
export function selectHooks<P extends AnyPolicy, B extends AnyBinding>(hooks: readonly Hook<P, B>[], attributes: AdmissionAttributes): Selected<P, B> {
  const selected: Selected<P, B> = { groups: [], failures: [] }
  const { system } = attributes.ctx
  for (const { policy, bindings } of hooks) {
    let binding: B | undefined
    const fail = (error: unknown): void => {
      if (!(error instanceof ConfigurationError || error instanceof StatusError)) throw error
      selected.failures.push({ policy, binding, message: `failed to configure ${binding ? 'binding' : 'policy'}: ${error.message}` })
    }
    try {
      const kind = policy.spec.matchConstraints && matchedKind(policy.spec.matchConstraints, attributes)
      if (!kind) continue
      const paramKind = paramKindOf(system, policy.spec.paramKind)
      for (binding of bindings) {
        try {
          const { matchResources, paramRef } = binding.spec
          if (matchResources && !matchedKind(matchResources, attributes)) continue
          selected.groups.push({ policy, binding, kind, params: collectParams({ system, kind: paramKind, ref: paramRef, namespace: attributes.namespace }) })
        } catch (error) {
          fail(error)
        }
      }
    } catch (error) {
      fail(error)
    }
  }
  return selected
}

/** The namespace that expressions see; none for what is in no namespace, and for namespaces themselves. @throws StatusError 404 */
export function namespaceFor({ kind, namespace, ctx }: AdmissionAttributes): Namespace | undefined {
  if (!namespace || (kind.group === '' && kind.kind === 'Namespace')) return undefined
  const found = ctx.system.get<Namespace>('v1/Namespace', '', namespace)
  if (!found) throw notFound({ group: '', resource: 'namespaces' }, namespace)
  return found
}
