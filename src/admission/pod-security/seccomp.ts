/** The checks of seccomp profiles. Models check_seccompProfile_baseline.go and check_seccompProfile_restricted.go of k8s.io/pod-security-admission/policy. */
import { quote } from '../../errors.ts'
import { allContainers } from '../pod-references.ts'
import { containersText, namesWhere, plural, quoted, settersText, sorted, type Finding, type Subject } from './check.ts'

const POD_ANNOTATION = 'seccomp.security.alpha.kubernetes.io/pod'
const CONTAINER_ANNOTATION = 'container.seccomp.security.alpha.kubernetes.io/'

/** Before there were fields for it. */
export function seccompAnnotations({ metadata, spec }: Subject): Finding | undefined {
  const keys = [POD_ANNOTATION, ...allContainers(spec).map(({ name = '' }) => CONTAINER_ANNOTATION + name)]
  const forbidden = sorted(
    keys.flatMap((key) => {
      const value = metadata.annotations?.[key]
      return value === undefined || isAllowedAnnotation(value) ? [] : [`${key}=${quote(value)}`]
    }),
  )
  return forbidden.length > 0 ? { reason: 'seccompProfile', detail: `forbidden ${plural('annotation', 'annotations', forbidden.length)} ${forbidden.join(', ')}` } : undefined
}

function isAllowedAnnotation(value: string): boolean {
  return value === 'runtime/default' || value === 'docker/default' || value.startsWith('localhost/')
}

const isGood = (type: string | undefined) => type === 'Localhost' || type === 'RuntimeDefault'

/** @param isRequired whether each container must have a profile, its own or the pod's */
export function seccompFields(pod: Subject, { isRequired }: { isRequired: boolean }): Finding | undefined {
  const own = pod.spec.securityContext?.seccompProfile
  const isPodBad = own !== undefined && !isGood(own.type)
  const bad = namesWhere(pod, ({ securityContext }) => securityContext?.seccompProfile !== undefined && !isGood(securityContext.seccompProfile.type))
  if (isPodBad || bad.length > 0) {
    const profiles = [own, ...allContainers(pod.spec).map((c) => c.securityContext?.seccompProfile)]
    const values = sorted(profiles.flatMap((p) => (p && !isGood(p.type) ? [p.type ?? ''] : [])))
    return { reason: 'seccompProfile', detail: `${settersText(isPodBad, bad)} must not set securityContext.seccompProfile.type to ${quoted(values)}` }
  }
  if (!isRequired || own) return undefined
  const missing = namesWhere(pod, (c) => c.securityContext?.seccompProfile === undefined)
  if (missing.length === 0) return undefined
  return { reason: 'seccompProfile', detail: `pod or ${containersText(missing)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"` }
}
