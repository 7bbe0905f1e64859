/** resource.k8s.io/v1 ResourceSlice. Models k8s.io/kubernetes/pkg/registry/resource/resourceslice and pkg/apis/resource/validation. */
import { defineKind } from '../../../src/registry/kind.ts'
import { formatTime } from '../../../src/clock.ts'
import { field, quote, type FieldError } from '../../../src/errors.ts'
import { isDNS1123Subdomain } from '../../../src/apimachinery/validation.ts'
import { validateImmutableField } from '../../../src/apimachinery/validate-meta.ts'
import { nameColumn, ageColumn } from '../../_columns.ts'
import { internalJSON } from '../../_internal-json.ts'
import { validateNodeSelector } from '../../core/v1/_node-selector-validation.ts'
import { validateCounterSet, validateDevice } from './_device-validation.ts'
import { validateDriverName, validatePoolName, validateSet } from './_lists.ts'
import type { WriteContext } from '../../../src/registry/kind.ts'
import type { Device, NodeSelector, ResourceSlice, ResourceSliceSpec } from '../../../schemas/types.ts'

const MAX_DEVICES = 128
const MAX_DEVICES_WITH_EXTRAS = 64
const MAX_COUNTER_SETS = 8

/** Fields whose features are off by default, and the times of new taints. */
function prepare({ spec }: ResourceSlice, ctx: WriteContext): void {
  for (const device of spec.devices ?? []) {
    delete device.nodeAllocatableResourceMappings
    for (const attribute of Object.values(device.attributes ?? {})) for (const name of ['ints', 'bools', 'strings', 'versions'] as const) delete attribute[name]
    for (const taint of device.taints ?? []) taint.timeAdded ??= formatTime(ctx.clock.now())
  }
}

function validateSpec(spec: ResourceSliceSpec, old: ResourceSliceSpec | undefined): FieldError[] {
  const errors = validateDriverName(spec.driver, 'spec.driver')
  const { pool = {} } = spec
  const { generation = 0, resourceSliceCount = 0 } = pool
  errors.push(...validatePoolName(pool.name, 'spec.pool.name'))
  if (resourceSliceCount <= 0) errors.push(field.invalid('spec.pool.resourceSliceCount', resourceSliceCount, 'must be greater than zero'))
  if (generation < 0) errors.push(field.invalid('spec.pool.generation', generation, 'must be greater than or equal to zero'))
  if (old) {
    errors.push(...validateImmutableField(pool.name ?? '', old.pool?.name ?? '', 'spec.pool.name'))
    errors.push(...validateImmutableField(spec.driver ?? '', old.driver ?? '', 'spec.driver'))
    errors.push(...validateImmutableField(spec.nodeName, old.nodeName, 'spec.nodeName'))
  }
  errors.push(...validateNodeChoice(spec))
  if (spec.sharedCounters && spec.devices) errors.push(field.invalid('spec', '', 'only one of `sharedCounters` or `devices` is allowed'))
  const perDevice = spec.perDeviceNodeSelection ?? false
  const check = (device: Device, path: string) => validateDevice(device, path, { old: old?.devices?.find((d) => d.name === device.name), perDevice })
  const hasExtras = (spec.devices ?? []).some((d) => d.taints?.length || d.consumesCounters?.length)
  errors.push(...validateSet(spec.devices, 'spec.devices', { max: hasExtras ? MAX_DEVICES_WITH_EXTRAS : MAX_DEVICES, check, key: (d) => d.name ?? '' }))
  errors.push(...validateSet(spec.sharedCounters, 'spec.sharedCounters', { max: MAX_COUNTER_SETS, check: validateCounterSet, key: (c) => c.name ?? '' }))
  return errors
}

/** Field errors print upstream's internal types. */
const internalTerms = (selector: NodeSelector): unknown => selector.nodeSelectorTerms?.map((term) => internalJSON('io.k8s.api.core.v1.NodeSelectorTerm', term)) ?? null

const NODE_CHOICES = '`nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection`'

function validateNodeChoice(spec: ResourceSliceSpec): FieldError[] {
  const { nodeName, nodeSelector } = spec
  const errors: FieldError[] = []
  const chosen: string[] = []
  if (nodeName) {
    chosen.push('`nodeName`')
    for (const message of isDNS1123Subdomain(nodeName)) errors.push(field.invalid('spec.nodeName', nodeName, message))
  } else if (nodeName === '') errors.push(field.invalid('spec.nodeName', nodeName, 'must be either unset or set to a non-empty string'))
  if (nodeSelector) {
    chosen.push('`nodeSelector`')
    errors.push(...validateNodeSelector(nodeSelector, 'spec.nodeSelector'))
    if (nodeSelector.nodeSelectorTerms?.length !== 1) errors.push(field.invalid('spec.nodeSelector.nodeSelectorTerms', internalTerms(nodeSelector), 'must have exactly one node selector term'))
  }
  for (const name of ['allNodes', 'perDeviceNodeSelection'] as const) {
    if (spec[name]) chosen.push(`\`${name}\``)
    else if (spec[name] === false) errors.push(field.invalid(`spec.${name}`, false, 'must be either unset or set to true'))
  }
  if (chosen.length === 0) errors.push(field.required('spec', `exactly one of ${NODE_CHOICES} is required`))
  else if (chosen.length > 1) errors.push(field.invalid('spec', `{${chosen.join(', ')}}`, `exactly one of ${NODE_CHOICES} is required, but multiple fields are set`))
  return errors
}

function warnings({ spec: { driver = '' } }: ResourceSlice): string[] {
  return driver === driver.toLowerCase() ? [] : [`spec.driver: driver names should be lowercase; ${quote(driver)} contains uppercase characters`]
}

export default defineKind<ResourceSlice>({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceSlice',
  plural: 'resourceslices',
  namespaced: false,
  returnsDeletedObject: true,
  columns: [
    nameColumn,
    { name: 'Node', value: ({ spec }) => spec.nodeName ?? '' },
    { name: 'Driver', value: ({ spec }) => spec.driver ?? '' },
    { name: 'Pool', value: ({ spec }) => spec.pool?.name ?? '' },
    ageColumn,
  ],
  fieldLabelError: (name) => `field label not supported for resource.k8s.io/v1, Kind=ResourceSlice: ${name}`,
  selectableFields: { 'spec.nodeName': ({ spec }) => spec.nodeName ?? '', 'spec.driver': ({ spec }) => spec.driver ?? '' },
  generation: true,
  prepareForCreate: prepare,
  prepareForUpdate: (slice, _old, ctx) => prepare(slice, ctx),
  validate: ({ spec }) => validateSpec(spec, undefined),
  validateUpdate: ({ spec }, old) => validateSpec(spec, old.spec),
  warnings,
})
