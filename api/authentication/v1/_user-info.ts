/** A user as the authentication API writes it. */
import type { UserInfo as RequestUser } from '../../../src/registry/kind.ts'
import type { UserInfo } from '../../../schemas/types.ts'

export function userInfoOf({ name, uid, groups, extra }: RequestUser): UserInfo {
  const entries = Object.entries(extra ?? {})
  return {
    ...(name ? { username: name } : {}),
    ...(uid ? { uid } : {}),
    ...(groups.length ? { groups: [...groups] } : {}),
    ...(entries.length ? { extra: Object.fromEntries(entries.map(([key, values]) => [key, [...values]])) } : {}),
  }
}
