/** Bindings posted on their own, the older way to bind a pod. Models LegacyBindingREST of k8s.io/kubernetes/pkg/registry/core/pod/storage/storage.go. */
import type { Binding } from '../../../schemas/types.ts'
import { defineKind } from '../../../src/registry/kind.ts'
import { bindPod } from './_pod-binding.ts'

export default defineKind<Binding>({
  group: '', version: 'v1', kind: 'Binding', plural: 'bindings',
  namespaced: true,
  verbs: ['create'],
  review: (binding, ctx) => bindPod({ name: binding.metadata.name ?? '', body: binding, ctx }),
})
