/** The baseline checks of AppArmor and SELinux. Models check_appArmorProfile.go and check_seLinuxOptions.go of k8s.io/pod-security-admission/policy. */
import type { SELinuxOptions } from '../../../schemas/types.ts'
import { quote } from '../../errors.ts'
import { allContainers } from '../pod-references.ts'
import { namesWhere, plural, quoted, settersText, sorted, containersText, type CheckPod, type Subject } from './check.ts'

const APP_ARMOR = 'container.apparmor.security.beta.kubernetes.io/'
const SELINUX_TYPES = ['', 'container_t', 'container_init_t', 'container_kvm_t']

export function appArmorProfile(pod: Subject) {
  const isBad = (type: string | undefined) => type !== 'RuntimeDefault' && type !== 'Localhost'
  const own = pod.spec.securityContext?.appArmorProfile
  const profiles = allContainers(pod.spec).flatMap((c) => c.securityContext?.appArmorProfile ?? [])
  const setters: string[] = own && isBad(own.type) ? ['pod'] : []
  const bad = namesWhere(pod, ({ securityContext }) => securityContext?.appArmorProfile !== undefined && isBad(securityContext.appArmorProfile.type))
  if (bad.length > 0) setters.push(containersText(bad))
  const values = sorted([...(own ? [own] : []), ...profiles].map(({ type = '' }) => type).filter(isBad))
  const annotations = Object.entries(pod.metadata.annotations ?? {}).filter(([key, value]) => key.startsWith(APP_ARMOR) && !isAllowedAnnotation(value))
  if (annotations.length > 0) {
    values.push(...annotations.map(([key, value]) => `${key}=${quote(value)}`).sort())
    setters.push(plural('annotation', 'annotations', annotations.length))
  }
  if (setters.length === 0) return undefined
  return { reason: plural('forbidden AppArmor profile', 'forbidden AppArmor profiles', values.length), detail: `${setters.join(' and ')} must not set AppArmor profile type to ${quoted(values)}` }
}

function isAllowedAnnotation(profile: string): boolean {
  return profile === '' || profile === 'runtime/default' || profile.startsWith('localhost/')
}

/** @param more types that are allowed besides the first ones */
export function seLinuxOptions(more: readonly string[]): CheckPod {
  const allowed = new Set([...SELINUX_TYPES, ...more])
  const isBad = (o: SELinuxOptions | undefined): o is SELinuxOptions => o !== undefined && (!allowed.has(o.type ?? '') || Boolean(o.user) || Boolean(o.role))
  return (pod) => {
    const own = pod.spec.securityContext?.seLinuxOptions
    const bad = [own, ...allContainers(pod.spec).map((c) => c.securityContext?.seLinuxOptions)].filter(isBad)
    if (bad.length === 0) return undefined
    const types = sorted(bad.map(({ type = '' }) => type).filter((type) => !allowed.has(type)))
    const what = types.length > 0 ? [`${plural('type', 'types', types.length)} ${quoted(types)}`] : []
    if (bad.some((o) => o.user)) what.push('user may not be set')
    if (bad.some((o) => o.role)) what.push('role may not be set')
    const setters = settersText(isBad(own), namesWhere(pod, (c) => isBad(c.securityContext?.seLinuxOptions)))
    return { reason: 'seLinuxOptions', detail: `${setters} set forbidden securityContext.seLinuxOptions: ${what.join('; ')}` }
  }
}
