/** The words in which the default roles are written down: lists are texts with spaces, and come out sorted. Models rbacv1helpers.NewRule. */
import type { PolicyRule } from '../../schemas/types.ts'

export const READ = 'get list watch'
export const WRITE = 'create update patch delete deletecollection'
export const READ_WRITE = `${READ} ${WRITE}`
export const READ_UPDATE = `${READ} update patch`

const sorted = (words: string): string[] => words.split(' ').sort()

/** @param groups `core` is the one without a name */
export function on(verbs: string, groups: string, resources: string, names?: string): PolicyRule {
  return {
    verbs: sorted(verbs),
    apiGroups: sorted(groups).map((group) => (group === 'core' ? '' : group)).sort(),
    resources: sorted(resources),
    ...(names === undefined ? {} : { resourceNames: sorted(names) }),
  }
}

export const onPaths = (verbs: string, paths: string): PolicyRule => ({ verbs: sorted(verbs), nonResourceURLs: sorted(paths) })

export const EVENTS = on('create update patch', 'core events.k8s.io', 'events')
