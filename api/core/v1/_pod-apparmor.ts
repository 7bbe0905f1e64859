/** AppArmor profiles as annotations of old and as fields. Models ApparmorFieldForAnnotation of k8s.io/kubernetes/pkg/api/pod/util.go. */
import type { AppArmorProfile } from '../../../schemas/types.ts'

export const APPARMOR_ANNOTATION_PREFIX = 'container.apparmor.security.beta.kubernetes.io/'
const LOCALHOST_PREFIX = 'localhost/'
const MAX_PROFILE_LENGTH = 4095

/** The field an annotation means, if it is valid. */
export function appArmorFieldForAnnotation(annotation: string): AppArmorProfile | undefined {
  if (annotation === 'unconfined') return { type: 'Unconfined' }
  if (annotation === 'runtime/default') return { type: 'RuntimeDefault' }
  if (!annotation.startsWith(LOCALHOST_PREFIX)) return undefined
  const localhostProfile = annotation.slice(LOCALHOST_PREFIX.length)
  return localhostProfile ? { type: 'Localhost', localhostProfile } : undefined
}

/** Whether a profile made from an annotation would pass as a field. */
export function isValidLocalhostProfile(profile: string | undefined): boolean {
  return profile === undefined || (profile.trim() === profile && profile !== '' && Buffer.byteLength(profile) <= MAX_PROFILE_LENGTH)
}
