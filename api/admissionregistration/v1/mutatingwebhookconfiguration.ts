/** admissionregistration.k8s.io/v1 MutatingWebhookConfiguration. Models k8s.io/kubernetes/pkg/registry/admissionregistration/mutatingwebhookconfiguration. */
import { validateMetadataOf } from '../../_validate-metadata.ts'
import { defineKind } from '../../../src/registry/kind.ts'
import { defaultWebhook, validateWebhooks, validateWebhooksUpdate, webhookColumns, webhooksChanged } from './_webhooks.ts'
import { staticSuffixWarnings } from './_static-suffix.ts'
import type { MutatingWebhookConfiguration } from '../../../schemas/types.ts'

export default defineKind<MutatingWebhookConfiguration>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'MutatingWebhookConfiguration',
  plural: 'mutatingwebhookconfigurations',
  categories: ['api-extensions'],
  namespaced: false,
  takesAnyFinalizer: true,
  repeatsMetadataUpdate: false,
  allowUnconditionalUpdate: false,
  columns: webhookColumns,
  generation: webhooksChanged,
  default(config) {
    for (const hook of config.webhooks ?? []) {
      defaultWebhook(hook)
      hook.reinvocationPolicy ??= 'Never'
    }
  },
  validate: validateWebhooks,
  validateUpdate: (configuration, old) => [...validateMetadataOf(configuration, 'Cluster', { takesAnyFinalizer: true }), ...validateWebhooksUpdate(configuration, old)],
  warnings: staticSuffixWarnings,
})
