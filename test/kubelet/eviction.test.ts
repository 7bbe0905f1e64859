/** Who has to go: limits of pods' own, and nodes that run out of something. */
import t from 'tap'
import type { Pod, PodSpec } from '../../schemas/types.ts'
import { FakeClock } from '../../src/clock.ts'
import { ContainerLog } from '../../src/kubelet/container-logs.ts'
import { bytesText, limitEviction, pressureEviction, rankForEviction, thresholdsMet } from '../../src/kubelet/eviction.ts'
import { underPressure } from '../../src/kubelet/pod-admission.ts'
import type { PodUsage } from '../../src/kubelet/pod-usage.ts'
import { eventually, Kubectl, startTestCluster } from '../helpers/cluster.ts'
import { podManifest } from '../helpers/manifests.ts'

const MIB = 1024 * 1024

function usageOf(name: string, spec: Partial<PodSpec>, { memory = 0, rootfs = 0, logs = 0, volumes = [] as PodUsage['volumes'] } = {}): PodUsage {
  const pod: Pod = { metadata: { name, uid: name }, spec: { containers: [{ name: 'c' }], ...spec } }
  return { pod, volumes, containers: [{ name: 'c', cpuNanos: 0, memoryBytes: memory, rootfsBytes: rootfs, logBytes: logs, processes: 1, startedAt: '', containerID: '' }] }
}

t.test('limits of their own', async (t) => {
  const volume = { name: 'v', bytes: 3 * MIB, isMemory: false }
  const limited = (limit: string) => ({ containers: [{ name: 'c', resources: { limits: { 'ephemeral-storage': limit } } }] })
  const table: [name: string, usage: PodUsage, message: string | undefined][] = [
    ['an emptyDir', usageOf('p', { volumes: [{ name: 'v', emptyDir: { sizeLimit: '2Mi' } }] }, { volumes: [volume] }), 'Usage of EmptyDir volume "v" exceeds the limit "2Mi". '],
    ['just full', usageOf('p', { volumes: [{ name: 'v', emptyDir: { sizeLimit: '3Mi' } }] }, { volumes: [volume] }), undefined],
    ['all that is on disk', usageOf('p', limited('4Mi'), { rootfs: MIB, logs: MIB, volumes: [volume] }), 'Pod ephemeral local storage usage exceeds the total limit of containers 4Mi. '],
    ['not what is in memory', usageOf('p', limited('4Mi'), { rootfs: MIB, volumes: [{ ...volume, isMemory: true, bytes: 9 * MIB }] }), undefined],
    ['one container', usageOf('p', { containers: [{ name: 'c', resources: { limits: { 'ephemeral-storage': '1Mi' } } }, { name: 'd', resources: { limits: { 'ephemeral-storage': '9Mi' } } }] }, { rootfs: 2 * MIB }), 'Container c exceeded its local ephemeral storage limit "1Mi". '],
  ]
  for (const [name, usage, message] of table) t.equal(limitEviction(usage)?.message, message, name)
})

t.test('a node that runs out', async (t) => {
  const asks = (memory: string, priority = 0): Partial<PodSpec> => ({ priority, containers: [{ name: 'c', resources: { requests: { memory } } }] })
  const [within, beyond, muchBeyond, dear, system] = [
    usageOf('within', asks('500Mi'), { memory: 400 * MIB }),
    usageOf('beyond', asks('100Mi'), { memory: 150 * MIB }),
    usageOf('much', asks('100Mi'), { memory: 300 * MIB }),
    usageOf('dear', asks('10Mi', 1000), { memory: 500 * MIB }),
    usageOf('system', asks('10Mi', 2_000_001_000), { memory: 500 * MIB }),
  ]
  const all = [within, system, dear, beyond, muchBeyond]
  t.same(rankForEviction(all, 'memory').map(({ pod }) => pod.metadata.name), ['much', 'beyond', 'dear', 'within'])
  const capacity = { memory: '2Gi', 'ephemeral-storage': '1Gi' }
  t.same(thresholdsMet(capacity, [within], { overheadBytes: 100 * MIB }), [])
  const met = thresholdsMet(capacity, all, { overheadBytes: 100 * MIB })
  t.match(met, [{ signal: 'memory', availableBytes: (2048 - 1850 - 100) * MIB }])
  t.match(thresholdsMet(capacity, [usageOf('full', {}, { rootfs: 1000 * MIB })]), [{ signal: 'ephemeral-storage', availableBytes: 24 * MIB }])
  t.match(thresholdsMet(capacity, [within], { imageBytes: 900 * MIB }), [{ signal: 'ephemeral-storage', thresholdBytes: 0.15 * 1024 * MIB }], 'images lie on the same disk')
  const [threshold] = met
  if (!threshold) return t.fail('nothing is met')
  const eviction = pressureEviction(muchBeyond, threshold, '2026-01-01T00:00:00Z')
  t.equal(eviction.message, 'The node was low on resource: memory. Threshold quantity: 100Mi, available: 98Mi. Container c was using 300Mi, request is 100Mi, has larger consumption of memory. ')
  t.match(eviction, { condition: { type: 'DisruptionTarget', reason: 'TerminationByKubelet' }, annotations: { offending_containers: 'c', offending_containers_usage: '300Mi', starved_resource: 'memory' } })
  t.equal(bytesText(1536 * 1024), '1536Ki')

  const pressed = new Set(['MemoryPressure'])
  t.equal(underPressure({ ...within.pod, status: { qosClass: 'BestEffort' } }, pressed)?.message, 'The node had condition: [MemoryPressure]. ')
  t.equal(underPressure({ ...within.pod, status: { qosClass: 'Burstable' } }, pressed), undefined)
  t.equal(underPressure({ ...within.pod, status: { qosClass: 'Burstable' } }, new Set(['DiskPressure']))?.reason, 'Evicted')
  return undefined
})

t.test('logs are kept in blocks and read by lines', async (t) => {
  const clock = new FakeClock(Date.UTC(2026, 0, 1))
  const log = new ContainerLog(clock)
  const read = async (options: Parameters<ContainerLog['read']>[0] = {}) => {
    const chunks: Buffer[] = []
    for await (const chunk of log.read(options)) chunks.push(chunk)
    return Buffer.concat(chunks).toString()
  }
  const say = (text: string, stream: 'Stdout' | 'Stderr' = 'Stdout') => log.write(stream, Buffer.from(text))
  say('one\ntwo\nth')
  say('ree\nfour\n')
  await clock.step(1000)
  say('five\n')
  say('error\n', 'Stderr')
  t.equal(await read(), 'one\ntwo\nthree\nfour\nfive\nerror\n')
  t.equal(await read({ tailLines: 4 }), 'three\nfour\nfive\nerror\n')
  t.equal(await read({ tailLines: 0 }), '')
  t.equal(await read({ tailLines: 99, stream: 'Stderr' }), 'error\n')
  t.equal(await read({ limitBytes: 6 }), 'one\ntw')
  t.equal(await read({ sinceMs: clock.now() }), 'five\nerror\n')
  t.equal(await read({ tailLines: 3, timestamps: true }), '2026-01-01T00:00:00.000000000Z four\n2026-01-01T00:00:01.000000000Z five\n2026-01-01T00:00:01.000000000Z error\n')
  t.equal(log.tail(2, 100), 'five\nerror\n')
  const following = read({ follow: true, tailLines: 1 })
  await clock.step(0)
  say('six\n')
  say('last')
  log.end()
  t.equal(await following, 'error\nsix\nlast')
  for (let i = 0; i < 200_000; i++) say('yes yes yes\n')
  t.ok(log.bytes <= 2 * MIB)
})

t.test('with kubectl', async (t) => {
  const target = await startTestCluster(t, { nodes: 1 })
  const k = new Kubectl('1.36', target)
  const shell = (script: string, limits: Record<string, string>) => ({ image: 'busybox', command: ['sh', '-c', script], resources: { limits } })
  await k.apply(podManifest({ name: 'hungry', spec: { restartPolicy: 'Never' }, container: shell('tail /dev/zero', { memory: '20Mi' }) }))
  await k.apply(podManifest({ name: 'hoarder', container: shell('dd if=/dev/zero of=/x bs=1M count=8; sleep 1000', { 'ephemeral-storage': '5Mi' }) }))
  await k.apply(podManifest({ name: 'busy', container: shell('while true; do :; done', { cpu: '500m' }) }))
  const failed = (name: string) =>
    eventually(async () => {
      const { status } = await k.json<Pod>(`get pod ${name}`)
      return status?.phase === 'Failed' && status
    })
  t.match(await failed('hungry'), { phase: 'Failed', containerStatuses: [{ state: { terminated: { reason: 'OOMKilled', exitCode: 137 } } }] })
  t.match(await failed('hoarder'), { reason: 'Evicted', message: 'Pod ephemeral local storage usage exceeds the total limit of containers 5Mi. ' })
  t.match(await k.run('get events --field-selector involvedObject.name=hoarder,reason=Evicted -o custom-columns=M:.message --no-headers'), 'Pod ephemeral local storage usage exceeds')
  const [, cpu] = /busy +(\d+)m/.exec(await k.run('top pod busy --no-headers')) ?? []
  t.ok(Number(cpu) > 100 && Number(cpu) <= 500, `as much as it may: ${cpu}m`)
})
