/** Whose the files of a volume are. */
import t from 'tap'
import type { Pod } from '../../schemas/types.ts'
import { tokenOwner } from '../../src/kubelet/content.ts'

t.test('a token is for who runs in the pod', (t) => {
  const pod = (securityContext: Pod['spec']['securityContext'], ...users: (number | undefined)[]): Pod => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p' },
    spec: { securityContext, containers: users.map((runAsUser, i) => ({ name: `c${i}`, ...(runAsUser === undefined ? {} : { securityContext: { runAsUser } }) })) },
  })
  const cases: readonly (readonly [string, Pod, { mode: number; uid?: number }])[] = [
    ['nobody says who', pod({}, undefined), { mode: 0o644 }],
    ['the pod says', pod({ runAsUser: 1000 }, undefined, undefined), { mode: 0o600, uid: 1000 }],
    ['each container says the same', pod({}, 7, 7), { mode: 0o600, uid: 7 }],
    ['one says otherwise', pod({ runAsUser: 1000 }, undefined, 7), { mode: 0o644 }],
    ['one does not say', pod({}, 7, undefined), { mode: 0o644 }],
    ['root', pod({ runAsUser: 0 }, undefined), { mode: 0o600, uid: 0 }],
    ['the group of the volumes', pod({ fsGroup: 9 }, undefined), { mode: 0o600 }],
    ['both', pod({ fsGroup: 9, runAsUser: 1000 }, undefined), { mode: 0o600, uid: 1000 }],
  ]
  for (const [name, of, expected] of cases) t.same(tokenOwner(of, 0o644), expected, name)
  t.end()
})
