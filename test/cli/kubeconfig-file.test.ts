/** A kubeconfig is written whole or not at all, and keeps what else is in it. */
import fs from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { prepareKubeconfig } from '../../src/cli/kubeconfig-file.ts'
import { kubeconfigText } from '../../src/kubeconfig.ts'

const addition = (server: string) => kubeconfigText({ server, name: 'orrery', ca: 'CA', client: { cert: 'CERT', key: 'KEY' } })

const others = `# my clusters
apiVersion: v1
kind: Config
preferences: {}
clusters:
- name: work # the one that matters
  cluster: {server: https://work.example.com}
contexts:
- name: work
  context: {cluster: work, user: me}
users:
- name: me
  user: {token: secret}
current-context: work
`

t.test('a new file', async (t) => {
  const file = path.join(t.testdir(), 'deep', 'er', 'kubeconfig')
  prepareKubeconfig(file)(addition('https://127.0.0.1:6443'))
  t.same(parse(fs.readFileSync(file, 'utf8')), parse(addition('https://127.0.0.1:6443')))
  t.equal(fs.statSync(file).mode & 0o777, 0o600)
  t.same(fs.readdirSync(path.dirname(file)), ['kubeconfig'], 'neither lock nor half-written file is left')
})

t.test('an existing file is merged, twice', async (t) => {
  const file = path.join(t.testdir({ config: others }), 'config')
  prepareKubeconfig(file)(addition('https://127.0.0.1:1'))
  prepareKubeconfig(file)(addition('https://127.0.0.1:2'))
  const text = fs.readFileSync(file, 'utf8')
  t.match(text, /^# my clusters\n/)
  t.match(text, '# the one that matters')
  const merged = parse(text) as Record<string, { name: string; cluster?: { server: string }; user?: { token?: string } }[]>
  t.same(merged.clusters?.map((c) => [c.name, c.cluster?.server]), [['work', 'https://work.example.com'], ['orrery', 'https://127.0.0.1:2']])
  t.same(merged.contexts?.map((c) => c.name), ['work', 'orrery'])
  t.same(merged.users?.map((u) => [u.name, u.user?.token]), [['me', 'secret'], ['orrery', undefined]])
  t.equal(merged['current-context'], 'orrery')
})

t.test('a link stays a link', async (t) => {
  const dir = t.testdir({ real: others, link: t.fixture('symlink', 'real') })
  prepareKubeconfig(path.join(dir, 'link'))(addition('https://127.0.0.1:1'))
  t.ok(fs.lstatSync(path.join(dir, 'link')).isSymbolicLink())
  t.match(fs.readFileSync(path.join(dir, 'real'), 'utf8'), 'name: orrery')
})

t.test('what is no kubeconfig is left alone', async (t) => {
  const dir = t.testdir({ text: 'dear diary\n', other: 'kind: Pod\n', broken: 'a: [1\n', folder: {} })
  for (const name of ['text', 'other', 'broken']) {
    const before = fs.readFileSync(path.join(dir, name), 'utf8')
    t.throws(() => prepareKubeconfig(path.join(dir, name)), /is not a kubeconfig: it is left as it is; name another file with --kubeconfig$/)
    t.equal(fs.readFileSync(path.join(dir, name), 'utf8'), before)
  }
  t.throws(() => prepareKubeconfig(path.join(dir, 'folder')), /^cannot write the kubeconfig /)
  t.throws(() => prepareKubeconfig(path.join(dir, 'text', 'kubeconfig')), /^cannot write the kubeconfig /)
})

t.test('a file that another program is changing', async (t) => {
  const dir = t.testdir({ config: others, 'config.lock': '' })
  const write = prepareKubeconfig(path.join(dir, 'config'))
  t.throws(() => write(addition('https://127.0.0.1:1')), /another program holds \S+config\.lock/)
  t.equal(fs.readFileSync(path.join(dir, 'config'), 'utf8'), others)
  t.ok(fs.existsSync(path.join(dir, 'config.lock')))
})
