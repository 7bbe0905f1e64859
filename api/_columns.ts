/** Printer columns that most kinds share. Models the first and last columns of k8s.io/kubernetes/pkg/printers/internalversion/printers.go. */
import type { Column, KubeObject } from '../src/registry/kind.ts'

export const nameColumn: Column<KubeObject> = { name: 'Name', format: 'name', value: (o) => o.metadata.name ?? '' }

export const ageColumn: Column<KubeObject> = { name: 'Age', value: (o, ctx) => ctx.age(o.metadata.creationTimestamp) }

/** What printer columns of custom resources and of kinds without columns of their own show. */
export const createdAtColumn: Column<KubeObject> = { name: 'Created At', type: 'date', value: (o) => o.metadata.creationTimestamp ?? '' }
