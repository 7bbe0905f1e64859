/**
 * A served version of a CustomResourceDefinition as a kind like any other. Models the strategies, validators and table
 * convertor of k8s.io/apiextensions-apiserver/pkg/registry/customresource.
 */
import { ALL_BUT_STATUS } from '../apimachinery/field-set.ts'
import { equalJSON } from '../apimachinery/json.ts'
import { isQualifiedName } from '../apimachinery/validation.ts'
import { STANDARD_FINALIZERS } from '../apimachinery/validate-meta.ts'
import { withDefaults } from '../apimachinery/structural-schema/defaults.ts'
import { forbidden, quote } from '../errors.ts'
import type { CustomResourceDefinition, CustomResourceDefinitionVersion } from '../../schemas/types.ts'
import { customColumns } from './custom-resource-columns.ts'
import type { DefinitionSchemas } from './custom-resource-schema.ts'
import { CustomResourceValidation } from './custom-resource-validation.ts'
import type { KindDefinition, KubeObject, Subresources } from './kind.ts'
import { parseApiVersion } from './scheme.ts'
import { compareVersions } from './version-order.ts'

const ALL = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch']
const WHILE_TERMINATING = ['delete', 'deletecollection', 'get', 'list', 'watch']

export interface CustomKindOptions {
  schemas: DefinitionSchemas
  version: CustomResourceDefinitionVersion
  /** The definition is being deleted: nothing new may be created. */
  isTerminating: boolean
  /** Whoever goes through all kinds takes this version for the resource. */
  isMain: boolean
}

export function customKind(crd: CustomResourceDefinition, { schemas, version, isTerminating, isMain }: CustomKindOptions): KindDefinition {
  const { group = '', scope } = crd.spec
  const names = crd.status?.acceptedNames ?? {}
  const name = version.name ?? ''
  const validation = new CustomResourceValidation(version)
  const status = version.subresources?.status
  const definition: KindDefinition = {
    group,
    version: name,
    kind: names.kind ?? '',
    plural: names.plural ?? '',
    singular: names.singular ?? '',
    listKind: names.listKind ?? '',
    shortNames: names.shortNames ?? [],
    categories: names.categories ?? [],
    namespaced: scope === 'Namespaced',
    listedVerbs: isTerminating ? WHILE_TERMINATING : ALL,
    storagePrefix: `registry/${group}/${names.plural ?? ''}`,
    encodedVersion: schemas.storageVersion,
    isAlternative: !isMain,
    stored: storedForm(schemas, name),
    subresources: subresourcesOf(version, validation),
    columns: customColumns(version.additionalPrinterColumns),
    selectableFields: selectableFields(version),
    itemsKeepType: true,
    patchTypes: ['json', 'merge', 'apply'],
    allowUnconditionalUpdate: false,
    generation: changesBesidesMetadata,
    resetFields: status ? { '': { 'f:status': {} }, status: ALL_BUT_STATUS } : {},
    default(object) {
      const filled = withDefaults(object, schemas.schemaOf(name))
      if (filled !== object) Object.assign(object, filled)
    },
    checkAccess(object, old) {
      if (!old && isTerminating) throw forbidden({ group, resource: names.plural ?? '' }, object.metadata.name ?? '', 'create not allowed while custom resource definition is terminating')
    },
    validate: (object) => validation.create(object),
    validateUpdate: (object, old) => validation.update(object, old),
    warnings: (object, old) => finalizerWarnings(object, old),
  }
  const deprecation = deprecationOf(crd, version)
  return deprecation ? { ...definition, deprecation } : definition
}

/** Conversion at the door of the store. What is shown of a stored object is worked out once; mostly it is the object itself. */
function storedForm(schemas: DefinitionSchemas, version: string): NonNullable<KindDefinition['stored']> {
  const views = new WeakMap<KubeObject, KubeObject>()
  const written = new WeakMap<KubeObject, KubeObject>()
  return {
    isPrepared: schemas.isConvertedByWebhook,
    read(stored) {
      const known = views.get(stored)
      if (known) return known
      const view = schemas.read(stored, version)
      if (schemas.needsWebhook(stored, version)) return view
      views.set(stored, view)
      // A view that is read once more is as it is: the defaults of its own version are not for what was stored in another.
      return views.set(view, view) && view
    },
    write: (object) => written.get(object) ?? schemas.write(object),
    prepareRead(stored) {
      for (const object of stored) schemas.checkVersion(object)
      const unknown = stored.filter((object) => schemas.needsWebhook(object, version) && !views.has(object))
      if (unknown.length === 0) return undefined
      return schemas.readAll(unknown, version).then((made) => made.forEach((view, i) => void views.set(unknown[i] ?? view, view)))
    },
    mergeTypeOf: (apiVersion) => schemas.mergeTypeOf(parseApiVersion(apiVersion).version),
    convert: (object, apiVersion) => schemas.unpruned(object, parseApiVersion(apiVersion).version),
    prepareWrite(object) {
      if (!schemas.needsWebhook(object, schemas.storageVersion)) return undefined
      return schemas.writeByWebhook(object).then((made) => void written.set(object, made))
    },
  }
}

function subresourcesOf({ subresources }: CustomResourceDefinitionVersion, validation: CustomResourceValidation): Subresources<KubeObject> {
  const { status, scale } = subresources ?? {}
  return {
    ...(status
      ? {
          status: {
            prepareForUpdate(object, old) {
              object.metadata = { ...old.metadata, ...managers(object) }
            },
            validateUpdate: (object, old) => validation.updateStatus(object, old),
          },
        }
      : {}),
    ...(scale
      ? {
          scale: {
            specReplicasPath: scale.specReplicasPath ?? '',
            statusReplicasPath: scale.statusReplicasPath ?? '',
            ...(scale.labelSelectorPath ? { labelSelectorPath: scale.labelSelectorPath } : {}),
            validateObject: (object, old) => validation.update(object, old),
          },
        }
      : {}),
  }
}

/** What a write of status may change of metadata: who manages what, and the version it is based on, which was compared already. */
function managers({ metadata: { managedFields, resourceVersion } }: KubeObject): Partial<KubeObject['metadata']> {
  return { ...(managedFields ? { managedFields } : {}), ...(resourceVersion ? { resourceVersion } : {}) }
}

function selectableFields({ selectableFields: fields = [] }: CustomResourceDefinitionVersion): Record<string, (object: KubeObject) => string> {
  return Object.fromEntries(
    fields.map(({ jsonPath = '' }) => {
      const name = jsonPath.replace(/^\./, '')
      const steps = name.split('.')
      return [name, (object: KubeObject) => textAt(object, steps)]
    }),
  )
}

function textAt(object: unknown, steps: readonly string[]): string {
  let value = object
  for (const step of steps) value = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[step] : undefined
  return value === undefined || value === null ? '' : String(value)
}

/** In anything but metadata: a status counts as long as it is no subresource. */
function changesBesidesMetadata(object: KubeObject, old: KubeObject): boolean {
  const { metadata: _now, ...now } = object
  const { metadata: _then, ...then } = old
  return !equalJSON(now, then)
}

function deprecationOf({ spec }: CustomResourceDefinition, version: CustomResourceDefinitionVersion): string | undefined {
  if (!version.deprecated) return undefined
  if (version.deprecationWarning !== undefined) return version.deprecationWarning
  const { group = '', names, versions = [] } = spec
  const text = `${group}/${version.name} ${names?.kind} is deprecated`
  const better = versions
    .filter((v) => v.served && !v.deprecated && compareVersions(v.name ?? '', version.name ?? '') > 0)
    .sort((a, b) => compareVersions(b.name ?? '', a.name ?? ''))[0]
  return better ? `${text}; use ${group}/${better.name} ${names?.kind}` : text
}

function finalizerWarnings({ metadata }: KubeObject, old: KubeObject | undefined): string[] {
  const before = new Set(old?.metadata.finalizers)
  const added = [...new Set(metadata.finalizers)].filter((name) => !before.has(name)).sort()
  return added.flatMap((name) => {
    const about = `metadata.finalizers: ${quote(name)}:`
    const warnings = isQualifiedName(name).map((message) => `${about} ${message}`)
    if (name.includes('/') || STANDARD_FINALIZERS.includes(name)) return warnings
    return [...warnings, `${about} prefer a domain-qualified finalizer name ${name.includes('.') ? 'including a path (/) ' : ''}to avoid accidental conflicts with other finalizer writers`]
  })
}
