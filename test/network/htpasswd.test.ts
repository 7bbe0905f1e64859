import t from 'tap'
import { parseHtpasswd, verifyPassword } from '../../src/network/htpasswd.ts'

/** As `htpasswd -nb`, `htpasswd -nbs`, `htpasswd -nbB` and `openssl passwd -1` write `bar`. */
const FILE = `# users
apr1:$apr1$8h2k4Jx1$gssR1P8NlBxuf7gT0KLEP.
md5:$1$8h2k4Jx1$D/XKsBzKWcHM1h5T2qz1t0
sha:{SHA}Ys23Ag/5IOWqZCw9QGaVDdHwH00=
plain:{PLAIN}bar
bcrypt:$2y$04$Z0kpxdqrFbdTpWKY8ngv8OCC6WzpPVCXBKU.j2AsD11hml3byRwHO
sha512:$6$abc$def
`

t.test('passwords as the usual tools write them', async (t) => {
  const users = parseHtpasswd(FILE)
  for (const name of ['apr1', 'md5', 'sha', 'plain', 'bcrypt']) {
    t.equal(await verifyPassword('bar', users.get(name) ?? ''), true, name)
    t.equal(await verifyPassword('baz', users.get(name) ?? ''), false, name)
  }
  t.equal(await verifyPassword('bar', users.get('sha512') ?? ''), undefined, 'of a kind that is not known')
  t.equal(users.get('nobody'), undefined)
})
