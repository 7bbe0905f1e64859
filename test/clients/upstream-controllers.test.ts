/**
 * The real kube-controller-manager and kube-scheduler, pointed at a cluster whose own ones are switched off. They are Go
 * programs: `npm run test:clients` builds them; alone the test looks for them in the folder KUBE_PROGRAMS, or on the PATH, and is
 * skipped where they are not.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { runBehaviour } from '../behaviour/_run.ts'
import { Kubectl, eventually, startTestCluster, type TestCluster } from '../helpers/cluster.ts'

const TIMEOUT_MS = 120_000
const programOf = (name: string) => (process.env.KUBE_PROGRAMS ? path.join(process.env.KUBE_PROGRAMS, name) : name)
const missing = ['kube-controller-manager', 'kube-scheduler'].find((name) => spawnSync(programOf(name), ['--version']).status !== 0)

function run(name: string, flags: readonly string[], { kubeconfig, dir }: TestCluster): ChildProcess {
  const log = fs.openSync(path.join(dir, `${name}.log`), 'w')
  const shared = ['--kubeconfig', kubeconfig, '--authentication-kubeconfig', kubeconfig, '--authorization-kubeconfig', kubeconfig, '--leader-elect=true', '--bind-address', '127.0.0.1', '--secure-port', '0', '--kube-api-qps', '200', '--kube-api-burst', '400']
  return spawn(programOf(name), [...shared, ...flags], { stdio: ['ignore', log, log] })
}

t.test('a cluster run by upstream’s own controllers and scheduler', { skip: missing ? `there is no ${missing}` : false, timeout: 4 * TIMEOUT_MS }, async (t) => {
  const target = await startTestCluster(t, { nodes: 2, controllers: ['-*'], scheduler: false })
  const key = path.join(target.dir, 'sa.key')
  fs.writeFileSync(key, generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
  const programs = [
    run('kube-controller-manager', ['--service-account-private-key-file', key, '--use-service-account-credentials=true', '--allocate-node-cidrs', '--cluster-cidr', '10.244.0.0/16'], target),
    run('kube-scheduler', [], target),
  ]
  t.teardown(() => programs.forEach((program) => program.kill('SIGKILL')))
  const kubectl = new Kubectl('1.36', target)
  await eventually(() => kubectl.run('get serviceaccount default'), TIMEOUT_MS)
  const shop = kubectl.in('shop')
  await shop.run(['apply', '--recursive', '--filename', path.resolve('examples/shop')])
  for (const workload of ['deployment/backend', 'deployment/frontend', 'daemonset/log-agent', 'statefulset/postgres']) t.ok(await shop.run(['rollout', 'status', workload, '--timeout', '120s']), `${workload} is rolled out`)
  await shop.run('set image deployment/frontend *=other:2')
  t.match(await shop.run('rollout status deployment/frontend --timeout 120s'), /successfully rolled out/)
  await kubectl.run('create job once --image=done')
  t.match(await kubectl.run('wait job/once --for=condition=complete --timeout=120s'), /condition met/, 'a job ends')
  await kubectl.run('delete namespace shop --timeout=120s')
  t.match(await kubectl.fails('get namespace shop'), /not found/, 'a namespace is emptied')
  await t.test('behaviour', (t) => {
    runBehaviour(t, target.kubeconfig)
    t.end()
  })
})
