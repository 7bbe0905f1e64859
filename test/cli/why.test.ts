/** `orrery why pod/NAME` against a cluster. */
import t from 'tap'
import { run } from '../../src/cli/run.ts'
import { describe } from '../../src/cli/commands/why.ts'
import { eventually, Kubectl, startTestCluster } from '../helpers/cluster.ts'
import { testIo } from './test-io.ts'

t.test('why a pod is where it is, and why another one is nowhere', async (t) => {
  const target = await startTestCluster(t, { nodes: [{ name: 'small', capacity: { cpu: '1', memory: '1Gi', pods: '10' } }, { name: 'large', capacity: { cpu: '8', memory: '8Gi', pods: '10' } }] })
  const kubectl = new Kubectl('1.36', target)
  const why = async (...args: string[]) => {
    const io = testIo({ env: { KUBECONFIG: target.kubeconfig } })
    const code = await run(['why', ...args], io)
    return { code, text: io.printed(), complaint: io.complained() }
  }
  await kubectl.run('run fits --image=app:1 --overrides={"spec":{"containers":[{"name":"fits","image":"app:1","resources":{"requests":{"cpu":"2"}}}]}}')
  await kubectl.run('run huge --image=app:1 --overrides={"spec":{"containers":[{"name":"huge","image":"app:1","resources":{"requests":{"cpu":"20"}}}]}}')
  await eventually(async () => (await kubectl.run('get pod fits -o jsonpath={.spec.nodeName}')) === 'large')

  const fits = await why('pod/fits')
  t.equal(fits.code, 0, fits.complaint)
  t.match(fits.text, /^pod\/fits \(scheduler default-scheduler\)\nis on large\n\nNODE +SCORE +TaintToleration .*\nlarge +\d+ +300 /)
  t.match(fits.text, /\nNODE +REFUSED BY +REASON\nsmall +NodeResourcesFit +Insufficient cpu: asks for 2 of cpu, 1 of 1 free\n/)
  const huge = await why('pod/huge', '-n', 'default')
  t.match(huge.text, '0/2 nodes are available: 2 Insufficient cpu.')
  t.match(JSON.parse((await why('pod/huge', '-o', 'json')).text), { schedulerName: 'default-scheduler', nodes: [{ node: 'small', plugin: 'NodeResourcesFit', reasons: ['Insufficient cpu'], unresolvable: true }, { node: 'large' }] })

  t.same(await why('pod/gone'), { code: 1, text: '', complaint: 'orrery: pods "gone" not found\n' })
  t.match((await why('deployment/x')).complaint, 'is not of the form pod/NAME')
})

t.test('a pod that is held', async (t) => {
  t.equal(describe('pod/p', { schedulerName: 's', held: { plugin: 'SchedulingGates', message: 'waiting for scheduling gates: [a]' }, nodes: [] }), 'pod/p (scheduler s)\nis held by SchedulingGates: waiting for scheduling gates: [a]')
})
