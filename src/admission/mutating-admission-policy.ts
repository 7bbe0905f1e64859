/** Policies that change what is written, and again when others changed it after them. Models k8s.io/apiserver/pkg/admission/plugin/policy/mutating (dispatcher.go). */
import type { MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding } from '../../schemas/types.ts'
import { equalJSON, cloneJSON } from '../apimachinery/json.ts'
import { expectedFor } from '../apiserver/meta-kinds.ts'
import { StatusError, type StatusCause } from '../errors.ts'
import type { KubeObject } from '../registry/kind.ts'
import { Reinvocation, type AdmissionAttributes, type AdmissionPlugin } from './chain.ts'
import type { RequestView } from './policies/activation.ts'
import { CachingAuthorizer } from './policies/authorizer.ts'
import { evaluate } from './policies/evaluate.ts'
import { listHooks, namespaceFor, selectHooks, type Hook } from './policies/hooks.ts'
import { matchConditions } from './policies/match-conditions.ts'
import { isBeyondPolicies } from './policies/match-policy.ts'
import { compileMutations, mutate, MutationError } from './policies/mutate.ts'
import { refuse } from './refuse.ts'
import { prepareVersioned, replaceVersioned, versioned } from './versioned.ts'

type Policy = MutatingAdmissionPolicy
type Binding = MutatingAdmissionPolicyBinding

const NAME = 'MutatingAdmissionPolicy'

export const mutatingAdmissionPolicy: AdmissionPlugin = {
  name: NAME,
  mutate(attributes) {
    if (isBeyondPolicies(attributes)) return undefined
    const hooks = listHooks<Policy, Binding>(attributes.ctx.system, NAME)
    return hooks.length === 0 ? undefined : dispatch(hooks, attributes)
  },
}

interface Failure {
  policy: Policy
  binding: Binding | undefined
  message: string
  reason?: string
}

async function dispatch(hooks: readonly Hook<Policy, Binding>[], attributes: AdmissionAttributes): Promise<void> {
  const { groups, failures: setup } = selectHooks(hooks, attributes)
  const failures: Failure[] = [...setup]
  const invocations = groups.flatMap(({ params: all, ...rest }) => all.map((params) => ({ ...rest, params })))
  if (invocations.length > 0) {
    const reinvocation = (attributes.reinvocation ??= new Reinvocation())
    const memory = memoryOf(reinvocation)
    if (reinvocation.isReinvoke && !equalJSON(memory.output, attributes.object)) invokeAgain(memory)
    const namespace = namespaceFor(attributes)
    const authorizer = new CachingAuthorizer(attributes.ctx.system.authorizer, attributes.ctx.user)
    for (const { policy, binding, kind, params } of invocations) {
      const view = { attributes, kind, params, namespace, authorizer }
      const key = `${policy.metadata.name}/${binding.metadata.name}/${params?.metadata.namespace ?? ''}/${params?.metadata.name ?? ''}`
      await invoke({ policy, key, view, reinvocation, memory }, (message) => failures.push({ policy, binding, message, reason: 'Invalid' }))
    }
    // A policy that ran is itself among those to be asked again.
    if (memory.hasMutated) wantAgain(reinvocation, memory)
    memory.output = cloneJSON(attributes.object)
  }
  const counted = failures.filter(({ policy }) => policy.spec.failurePolicy !== 'Ignore')
  if (counted.length > 0) throw denied(counted, attributes)
}

interface Invocation {
  policy: Policy
  /** Tells policy, binding and parameter. */
  key: string
  view: RequestView
  reinvocation: Reinvocation
  memory: Memory
}

async function invoke({ policy, key, view, reinvocation, memory }: Invocation, fail: (message: string) => void): Promise<void> {
  const { variables, conditions, mutations } = compileMutations(policy)
  const { failurePolicy, reinvocationPolicy } = policy.spec
  await prepareVersioned(view.attributes, view.kind)
  if (conditions.length > 0) {
    const { matches, error } = await evaluate(() => matchConditions(conditions, view, { variables, failurePolicy }))
    if (error !== undefined) fail(error)
    if (!matches) return
  }
  if (reinvocation.isReinvoke && !memory.again.has(key)) return
  const { object } = view.attributes
  if (object) {
    const before = cloneJSON(object)
    for (const mutation of mutations) {
      try {
        await mutateOnce(object, view, (target) => mutate(mutation, view, { variables, target }))
        memory.hasMutated = true
      } catch (error) {
        if (!(error instanceof MutationError)) throw error
        fail(error.message)
      }
    }
    if (!equalJSON(before, object)) wantAgain(reinvocation, memory)
  }
  if (reinvocationPolicy === 'IfNeeded') memory.invoked.add(key)
}

async function mutateOnce(object: KubeObject, { attributes, kind }: RequestView, change: (target: { object: KubeObject; codec: ReturnType<typeof expectedFor>['codec'] }) => KubeObject): Promise<void> {
  const { objectKind } = attributes
  const { codec } = objectKind ? expectedFor(objectKind) : kind
  await prepareVersioned(attributes, kind)
  const changed = await evaluate(() => change({ object: versioned(object, attributes, kind), codec }))
  await replaceVersioned(object, changed, { attributes, kind })
}

/** What is remembered between the two runs of the chain. */
interface Memory {
  output: KubeObject | undefined
  invoked: Set<string>
  again: Set<string>
  hasMutated: boolean
}

function memoryOf({ memory }: Reinvocation): Memory {
  const known = memory.get(NAME) as Memory | undefined
  const found = known ?? { output: undefined, invoked: new Set(), again: new Set(), hasMutated: false }
  if (!known) memory.set(NAME, found)
  return found
}

function invokeAgain(memory: Memory): void {
  for (const key of memory.invoked) memory.again.add(key)
  memory.invoked.clear()
}

function wantAgain(reinvocation: Reinvocation, memory: Memory): void {
  invokeAgain(memory)
  reinvocation.isWanted = true
}

function denied(failures: readonly Failure[], attributes: AdmissionAttributes): StatusError {
  const causes: StatusCause[] = failures.map(({ policy, binding, message }) => ({
    message: binding ? `policy '${policy.metadata.name}' with binding '${binding.metadata.name}' denied request: ${message}` : `policy "${policy.metadata.name}" denied request: ${message}`,
  }))
  const { code, details, reason } = refuse(attributes, '')
  return new StatusError({ code, reason: failures[0]?.reason ?? reason ?? '', message: causes[0]?.message ?? '', details: { ...details, causes } })
}
