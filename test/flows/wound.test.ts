/** What takes minutes, on a clock that is wound: a probe that fails after a while, a CronJob that runs and keeps its history. */
import t from 'tap'
import type { Job, Pod } from '../../schemas/types.ts'
import { FakeClock, SystemClock } from '../../src/clock.ts'
import { Kubectl, eventually, startTestCluster } from '../helpers/cluster.ts'
import { podManifest } from '../helpers/manifests.ts'

// Clients check certificates by the clock of this machine.
const clock = new FakeClock(new SystemClock().now())
const k = new Kubectl('1.36', await startTestCluster(t, { nodes: 1, clock }))

const STEP_MS = 4000
const SLICE_MS = 400
/** What starts late on a busy machine still needs some of the clock's time to be told of. */
const CRUMB_MS = 50

/** In slices: what a timer starts (a probe's command) takes some turns, and is not to be late because the next timer is due. */
async function pass(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= SLICE_MS) await clock.step(Math.min(left, SLICE_MS))
}

/** Winds a few seconds at a time, at most those given and some crumbs, until `probe` neither throws nor answers false. */
function wind<T>(seconds: number, probe: () => Promise<T>): Promise<Exclude<T, false>> {
  let left = seconds
  return eventually(async () => {
    await pass(left > 0 ? STEP_MS : CRUMB_MS)
    left -= STEP_MS / 1000
    return probe()
  })
}

t.test('a liveness probe that fails after 30 s has the container restarted', async (t) => {
  const command = ['sh', '-c', 'touch /tmp/healthy; sleep 30; rm -f /tmp/healthy; sleep 600']
  await k.apply(podManifest({ name: 'liveness', container: { image: 'busybox:1.37', command, livenessProbe: { exec: { command: ['cat', '/tmp/healthy'] }, initialDelaySeconds: 5, periodSeconds: 5 } } }))
  await wind(10, async () => (await k.json<Pod>('get pod liveness')).status?.containerStatuses?.[0]?.ready === true)
  t.notMatch(await k.run('describe pod liveness'), /Unhealthy/)
  await pass(20_000)
  t.match(await k.run('get pod liveness'), /^liveness +1\/1 +Running +0 /m)
  await wind(120, async () => (await k.json<Pod>('get pod liveness')).status?.containerStatuses?.[0]?.restartCount === 1)
  const text = await eventually(async () => {
    const shown = await k.run('describe pod liveness')
    return /Killing/.test(shown) && shown
  })
  t.match(text, /Warning +Unhealthy .*kubelet +(?:spec\.\w+\{[\w-]+\}: )?Liveness probe failed: cat: can't open '\/tmp\/healthy': No such file or directory/)
  t.match(text, /Normal +Killing .*kubelet +(?:spec\.\w+\{[\w-]+\}: )?Container main failed liveness probe, will be restarted/)
  t.match(text, /Restart Count: +1\n/)
  await k.run('delete pod liveness --now --wait=false')
  await wind(10, async () => (await k.try('get pod liveness')).code === 1)
})

t.test('a CronJob runs every minute, keeps three and can be stopped', async (t) => {
  await k.run(['create', 'cronjob', 'hello', '--image=busybox:1.37', '--schedule=* * * * *', '--', 'sh', '-c', 'date; echo Hello from the Kubernetes cluster'])
  t.match(await k.run('get cronjob hello'), /^hello +\* \* \* \* \* +<none> +False +0 +<none> /m)
  const jobs = async () => (await k.json<{ items: Job[] }>('get jobs')).items
  const done = async () => (await jobs()).filter((job) => job.status?.conditions?.some((c) => c.type === 'Complete' && c.status === 'True'))
  for (let minute = 1; minute <= 4; minute++) {
    await pass(60_000 - (clock.now() % 60_000))
    const wanted = Math.min(minute, 3)
    await wind(20, async () => (await done()).length === wanted && (await jobs()).length === wanted)
  }
  t.match(await k.run('get cronjob hello'), /^hello +\* \* \* \* \* +<none> +False +0 +\d+s /m)
  const [job] = await jobs()
  t.match(job?.metadata.name, /^hello-\d+$/)
  t.match(await k.run(`logs job/${job?.metadata.name}`), /Hello from the Kubernetes cluster\n$/)
  const events = await k.run('describe cronjob hello')
  t.match(events, /Normal +SuccessfulCreate .*cronjob-controller +Created job hello-\d+\n/)
  t.match(events, /Normal +SawCompletedJob .*cronjob-controller +Saw completed job: hello-\d+, condition: Complete\n/)
  await k.run(['patch', 'cronjob', 'hello', '-p', '{"spec":{"suspend":true}}'])
  const before = (await jobs()).map((j) => j.metadata.name)
  await pass(180_000)
  t.same((await jobs()).map((j) => j.metadata.name), before, 'none while it is suspended')
  t.match(await k.run(['create', 'job', 'by-hand', '--from=cronjob/hello']), /job\.batch\/by-hand created/)
  await wind(20, async () => (await done()).some((j) => j.metadata.name === 'by-hand'))
})
