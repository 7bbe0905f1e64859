import t from 'tap'
import naming, { planNames } from '../../controllers/crd-naming.ts'
import type { CustomResourceDefinition, CustomResourceDefinitionNames } from '../../schemas/types.ts'
import { conditionsOf, definition, specOf, version } from '../helpers/definitions.ts'
import { FakeCluster } from '../helpers/fake-client.ts'
import { ControllerRun } from '../helpers/run-controller.ts'

const CRD = 'apiextensions.k8s.io/v1/CustomResourceDefinition'
const V1 = version('v1', specOf({}))
const INSTALLING = 'Established=False Installing: the initial names have been accepted'
const FREE = 'NamesAccepted=True NoConflicts: no conflicts found'

function wanting(kind: string, names: Partial<CustomResourceDefinitionNames> = {}, group = 'example.com'): CustomResourceDefinition {
  const crd = definition(kind, [V1], { group })
  return { ...crd, spec: { ...crd.spec, names: { ...crd.spec.names, ...names } as CustomResourceDefinitionNames } }
}

const accepted = (crd: CustomResourceDefinition): CustomResourceDefinition => ({ ...crd, status: { acceptedNames: crd.spec.names } })

function start(...objects: CustomResourceDefinition[]) {
  const cluster = new FakeCluster()
  const run = new ControllerRun(cluster, naming)
  cluster.seed(...objects)
  const shown = (name: string) => conditionsOf(cluster.read<CustomResourceDefinition>(CRD, name))
  const namesOf = (name: string) => cluster.read<CustomResourceDefinition>(CRD, name).status?.acceptedNames
  return { cluster, run, shown, namesOf }
}

t.test('what is accepted', (t) => {
  const other = accepted(wanting('Widget', { shortNames: ['wd', 'wt'] }))
  const cases: { name: string; crd: CustomResourceDefinition; names: object; accepted: string; message: string; established?: string }[] = [
    { name: 'all', crd: wanting('Gadget', { shortNames: ['g'], categories: ['all'] }), names: { plural: 'gadgets', singular: 'gadget', kind: 'Gadget', listKind: 'GadgetList', shortNames: ['g'], categories: ['all'] }, accepted: 'NoConflicts', message: 'no conflicts found', established: 'Installing' },
    { name: 'not the plural', crd: wanting('Gadget', { plural: 'wd' }), names: { singular: 'gadget', kind: 'Gadget', listKind: 'GadgetList' }, accepted: 'PluralConflict', message: '"wd" is already in use', established: 'NotAccepted' },
    { name: 'not the singular', crd: wanting('Gadget', { singular: 'widgets' }), names: { plural: 'gadgets', kind: 'Gadget', listKind: 'GadgetList' }, accepted: 'SingularConflict', message: '"widgets" is already in use', established: 'NotAccepted' },
    { name: 'not a short name', crd: wanting('Gadget', { shortNames: ['g', 'wd'] }), names: { plural: 'gadgets', singular: 'gadget', kind: 'Gadget', listKind: 'GadgetList' }, accepted: 'ShortNamesConflict', message: '"wd" is already in use', established: 'NotAccepted' },
    { name: 'not two short names', crd: wanting('Gadget', { shortNames: ['wt', 'widget'] }), names: { plural: 'gadgets' }, accepted: 'ShortNamesConflict', message: '["wt" is already in use, "widget" is already in use]' },
    { name: 'not the kind', crd: wanting('Gadget', { kind: 'WidgetList' }), names: { plural: 'gadgets', listKind: 'GadgetList', kind: undefined }, accepted: 'KindConflict', message: '"WidgetList" is already in use' },
    { name: 'not the list kind: the last conflict is told', crd: wanting('Gadget', { kind: 'Widget', listKind: 'WidgetList' }), names: { plural: 'gadgets' }, accepted: 'ListKindConflict', message: '"WidgetList" is already in use' },
    { name: 'what it had stays', crd: { ...accepted(wanting('Gadget', { shortNames: ['g'] })), spec: wanting('Gadget', { shortNames: ['wd'] }).spec }, names: { shortNames: ['g'] }, accepted: 'ShortNamesConflict', message: '"wd" is already in use' },
    { name: 'what it gives back', crd: { ...accepted(wanting('Gadget', { shortNames: ['g'], categories: ['all'] })), spec: wanting('Gadget').spec }, names: { shortNames: undefined, categories: undefined }, accepted: 'NoConflicts', message: 'no conflicts found' },
    { name: 'its own names in other places', crd: { ...accepted(wanting('Gadget')), spec: wanting('Gadget', { shortNames: ['gadget'] }).spec }, names: { shortNames: undefined }, accepted: 'ShortNamesConflict', message: '"gadget" is already in use' },
  ]
  for (const c of cases) {
    const plan = planNames(c.crd, [other])
    t.match(plan.names, c.names, c.name)
    t.match(plan.accepted, { status: c.accepted === 'NoConflicts' ? 'True' : 'False', reason: c.accepted, message: c.message }, c.name)
    if (c.established) t.equal(plan.established?.reason, c.established, c.name)
  }
  t.end()
})

t.test('the first one has the name, the second when it is free', async (t) => {
  const { cluster, run, shown, namesOf } = start(wanting('Widget', { shortNames: ['w'] }), wanting('Wheel', { shortNames: ['w'] }), wanting('Wind', { shortNames: ['w'] }, 'other.com'))
  await run.settle()
  t.same(run.errors, [])
  t.same(shown('widgets.example.com'), [FREE, INSTALLING])
  t.same(shown('wheels.example.com'), ['NamesAccepted=False ShortNamesConflict: "w" is already in use', 'Established=False NotAccepted: not all names are accepted'])
  t.same(shown('winds.other.com'), [FREE, INSTALLING], 'names are of a group')
  t.equal(cluster.writes.length, 3)

  cluster.finish(CRD, 'widgets.example.com')
  await run.settle()
  t.same(shown('wheels.example.com'), [FREE, INSTALLING])
  t.same(namesOf('wheels.example.com')?.shortNames, ['w'])
})

t.test('an established one stays so', async (t) => {
  const { cluster, run, shown, namesOf } = start(wanting('Widget', { shortNames: ['w'] }), wanting('Wheel'))
  await run.settle()
  cluster.edit<CustomResourceDefinition>(CRD, 'wheels.example.com', (copy) => {
    copy.status = { ...copy.status, conditions: copy.status?.conditions?.map((c) => (c.type === 'Established' ? { ...c, status: 'True', reason: 'InitialNamesAccepted' } : c)) }
    copy.spec.names = { ...copy.spec.names, shortNames: ['w'] }
  })
  await run.settle()
  t.match(shown('wheels.example.com'), ['NamesAccepted=False ShortNamesConflict: "w" is already in use', /^Established=True/])
  t.equal(namesOf('wheels.example.com')?.shortNames, undefined)
  await run.step(60_000)
  t.equal(cluster.writes.length, 3, 'nothing is written twice')
})
