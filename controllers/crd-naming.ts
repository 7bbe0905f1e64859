/**
 * Accepts the names of CustomResourceDefinitions as far as no other one of the group has them.
 * Models k8s.io/apiextensions-apiserver/pkg/controller/status/naming_controller.go.
 */
import type { CustomResourceDefinition, CustomResourceDefinitionNames } from '../schemas/types.ts'
import { conditionOf } from '../src/controller/conditions.ts'
import { defineController, keyOf, type ControllerContext } from '../src/controller/controller.ts'
import { perCluster } from '../src/controller/state.ts'
import { equalJSON } from '../src/apimachinery/json.ts'
import { DEFINITION, saysTheSame, SERVER, withCRDCondition, type ConditionDraft } from './_crd-conditions.ts'

const BY_GROUP = 'group'
/** By name, definitions whose names are being written. */
const claims = perCluster(() => new Map<string, CustomResourceDefinition>())

export default defineController<CustomResourceDefinition>({
  ...SERVER,
  name: 'crd-naming',
  user: 'system:apiserver',
  for: DEFINITION,
  concurrency: 32,
  setup({ informers }) {
    informers.for<CustomResourceDefinition>(DEFINITION).addIndex(BY_GROUP, ({ spec }) => [spec.group ?? ''])
  },
  wakes: hasUnsettledNames,
  async reconcile(crd, ctx) {
    if (!hasUnsettledNames(crd)) return
    const name = crd.metadata.name ?? ''
    const { names, accepted, established } = planNames(crd, othersOf(name, crd.spec.group ?? '', ctx))
    const current = conditionOf(crd.status?.conditions, 'NamesAccepted')
    if (equalJSON(crd.status?.acceptedNames, names) && saysTheSame(current, accepted)) return
    const now = ctx.clock.now()
    const named = withCRDCondition({ ...crd, status: { ...crd.status, acceptedNames: names } }, accepted, now)
    claims(ctx).set(name, named)
    try {
      await ctx.client.updateStatus(established ? withCRDCondition(named, established, now) : named)
    } finally {
      claims(ctx).delete(name)
    }
    wakeOthers(name, ctx)
  },
  async deleted(name, ctx) {
    wakeOthers(name, ctx)
  },
})

function hasUnsettledNames({ spec, status }: CustomResourceDefinition): boolean {
  return !equalJSON(spec.names, status?.acceptedNames)
}

/** The others of a group, with the names that they are being given just now. */
function othersOf(name: string, group: string, ctx: ControllerContext): CustomResourceDefinition[] {
  return ctx.informers
    .lister<CustomResourceDefinition>(DEFINITION)
    .byIndex(BY_GROUP, group)
    .filter((crd) => crd.metadata.name !== name)
    .map((crd) => claims(ctx).get(crd.metadata.name ?? '') ?? crd)
}

/** A name may have become free for those that want it. */
function wakeOthers(name: string, ctx: ControllerContext): void {
  const group = name.slice(name.indexOf('.') + 1)
  for (const crd of othersOf(name, group, ctx)) if (hasUnsettledNames(crd)) ctx.enqueue(keyOf(crd))
}

export interface NamesPlan {
  names: CustomResourceDefinitionNames
  accepted: ConditionDraft
  /** Left as it is when undefined. */
  established: ConditionDraft | undefined
}

/** The names that are accepted: what is asked for where it is free, else what was accepted before. */
export function planNames(crd: CustomResourceDefinition, others: readonly CustomResourceDefinition[]): NamesPlan {
  const wanted = crd.spec.names ?? {}
  const before = crd.status?.acceptedNames ?? {}
  const taken = [crd, ...others].map((other) => other.status?.acceptedNames ?? {})
  const resources = new Set(taken.flatMap(({ plural, singular, shortNames = [] }) => [plural, singular, ...shortNames]))
  const kinds = new Set(taken.flatMap(({ kind, listKind }) => [kind, listKind]))
  const names: CustomResourceDefinitionNames = { ...before }
  let accepted: ConditionDraft = { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found' }
  const refuse = (reason: string, message: string): void => {
    accepted = { type: 'NamesAccepted', status: 'False', reason, message }
  }
  const settle = (member: 'plural' | 'singular' | 'kind' | 'listKind', used: ReadonlySet<string | undefined>, reason: string): void => {
    const name = wanted[member] ?? ''
    if (name !== (before[member] ?? '') && used.has(name)) refuse(reason, inUse(name))
    else names[member] = name
  }
  settle('plural', resources, 'PluralConflict')
  settle('singular', resources, 'SingularConflict')
  const clashing = (wanted.shortNames ?? []).filter((name) => !before.shortNames?.includes(name) && resources.has(name)).map(inUse)
  if (clashing.length > 0) refuse('ShortNamesConflict', clashing.length === 1 ? (clashing[0] ?? '') : `[${clashing.join(', ')}]`)
  else if (wanted.shortNames) names.shortNames = wanted.shortNames
  else delete names.shortNames
  settle('kind', kinds, 'KindConflict')
  settle('listKind', kinds, 'ListKindConflict')
  if (wanted.categories) names.categories = wanted.categories
  else delete names.categories
  return { names, accepted, established: establishedOf(crd, accepted.status === 'True') }
}

const inUse = (name: string): string => `${JSON.stringify(name)} is already in use`

function establishedOf(crd: CustomResourceDefinition, isAccepted: boolean): ConditionDraft | undefined {
  const current = conditionOf(crd.status?.conditions, 'Established')
  if (isAccepted && current?.status !== 'True') return { type: 'Established', status: 'False', reason: 'Installing', message: 'the initial names have been accepted' }
  return current ? undefined : { type: 'Established', status: 'False', reason: 'NotAccepted', message: 'not all names are accepted' }
}
