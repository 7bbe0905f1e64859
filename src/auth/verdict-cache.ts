/**
 * Remembers verdicts of users that ask again and again: the moving parts of the cluster and connections by certificate,
 * whose UserInfo stays the same object. An allowed request without a name is allowed for every name, since rules only
 * narrow by names. What rules say is true until the next change of a role or binding, which forgets everything.
 */
import { isResourceAttributes, type AuthorizationAttributes, type Verdict } from '../registry/authorization.ts'
import type { UserInfo } from '../registry/kind.ts'

/** More questions than this are not remembered of one user. */
const MAX_QUESTIONS = 2000

export class VerdictCache {
  #byUser = new WeakMap<UserInfo, Map<string, Verdict>>()

  /** The verdict on `attributes`; `judge` is asked where none is remembered. */
  of(attributes: AuthorizationAttributes, judge: (attributes: AuthorizationAttributes) => Verdict): Verdict {
    if (!isResourceAttributes(attributes)) return judge(attributes)
    const { user, verb, apiGroup, resource, subresource, namespace, name } = attributes
    let verdicts = this.#byUser.get(user)
    if (!verdicts) this.#byUser.set(user, (verdicts = new Map<string, Verdict>()))
    const question = `${verb} ${apiGroup}/${resource}/${subresource} ${namespace}`
    let general = verdicts.get(question)
    if (!general) {
      general = judge(name ? { ...attributes, name: '' } : attributes)
      if (verdicts.size < MAX_QUESTIONS) verdicts.set(question, general)
    }
    return general.decision === 'Allow' || !name ? general : judge(attributes)
  }

  clear(): void {
    this.#byUser = new WeakMap<UserInfo, Map<string, Verdict>>()
  }
}
