/** Pod templates on their own. Models k8s.io/kubernetes/pkg/registry/core/podtemplate. */
import type { PodTemplate } from '../../../schemas/types.ts'
import { equalJSON } from '../../../src/apimachinery/json.ts'
import { defineKind } from '../../../src/registry/kind.ts'
import { containerColumns, formatLabels } from './_pod-columns.ts'
import { defaultPodTemplate } from './_pod-defaults.ts'
import { dropDisabledTemplateFields } from './_pod-disabled-fields.ts'
import { optionsForTemplate } from './_pod-options.ts'
import { validatePodTemplateSpec } from './_pod-validation.ts'
import { podTemplateWarnings } from './_pod-warnings.ts'

export default defineKind<PodTemplate>({
  group: '', version: 'v1', kind: 'PodTemplate', plural: 'podtemplates',
  namespaced: true,
  returnsDeletedObject: true,
  columns: [
    { name: 'Name', format: 'name', value: (t) => t.metadata.name ?? '' },
    ...containerColumns<PodTemplate>((t) => t.template, { priority: 0 }),
    { name: 'Pod Labels', value: (t) => formatLabels(t.template?.metadata?.labels) },
  ],
  default(t) {
    defaultPodTemplate((t.template ??= {}))
  },
  generation: (t, old) => !equalJSON(t.template, old.template),
  prepareForCreate: (t) => dropDisabledTemplateFields(t.template),
  prepareForUpdate: (t, old) => dropDisabledTemplateFields(t.template, old.template),
  validate: (t, ctx) => validatePodTemplateSpec(t.template ?? {}, 'template', optionsForTemplate(ctx)),
  validateUpdate: (t, old, ctx) => validatePodTemplateSpec(t.template ?? {}, 'template', optionsForTemplate(ctx, old.template)),
  warnings: (t, old) => (old && equalJSON(t.template, old.template) ? [] : podTemplateWarnings(t.template, 'template')),
})
