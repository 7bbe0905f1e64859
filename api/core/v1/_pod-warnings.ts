import type { PersistentVolumeClaimSpec, Pod, PodTemplateSpec } from '../../../schemas/types.ts'
export function podWarnings(_p: Pod, _old: Pod | undefined): string[] { return [] }
export function podTemplateWarnings(_t: PodTemplateSpec | undefined, _path: string, _old?: PodTemplateSpec): string[] { return [] }
export function claimSpecWarnings(_s: PersistentVolumeClaimSpec | undefined, _path: string): string[] { return [] }
