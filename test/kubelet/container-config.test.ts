/** Who a container runs as, its kernel's parameters, and annotations that say nothing. */
import t from 'tap'
import type { Pod, PodSpec } from '../../schemas/types.ts'
import { credentials } from '../../src/kubelet/container-config.ts'
import { EnvFileError, envFileValue } from '../../src/kubelet/env-file.ts'
import { kernelOf } from '../../src/kubelet/kernel-of.ts'
import { misunderstood } from '../../src/kubelet/stage-annotations.ts'

const podOf = (securityContext: PodSpec['securityContext'], annotations: Record<string, string> = {}): Pod => ({ metadata: { name: 'p', namespace: 'default', uid: 'u', annotations }, spec: { securityContext, containers: [] } })

t.test('who must not be root', (t) => {
  const container = { name: 'c', securityContext: { runAsNonRoot: true } }
  const rootImage = { user: '0', files: {} }
  t.throws(() => credentials(podOf(undefined), container, { name: 'known', ...rootImage }), { message: /^container has runAsNonRoot and image will run as root \(pod: / })
  t.same(credentials(podOf(undefined), container, { name: 'unknown', ...rootImage }), { uid: 65532, gid: 65532, groups: [] }, 'of an image nobody knows the user is not known either')
  t.throws(() => credentials(podOf({ runAsUser: 0 }), container, { name: 'unknown', ...rootImage }), { message: /^container's runAsUser breaks non-root policy \(pod: / })
  t.same(credentials(podOf(undefined), { name: 'c' }, { name: 'unknown', ...rootImage }), { uid: 0, gid: 0, groups: [] })
  t.end()
})

t.test('the group of a user', (t) => {
  const files = { '/etc/passwd': 'root:x:0:0::/:/bin/sh\napp:x:1000:1234::/:/bin/sh', '/etc/group': 'root:x:0:\nextra:x:50000:app' }
  const table: [context: PodSpec['securityContext'], user: string, uid: number, gid: number, groups: number[]][] = [
    [{ runAsUser: 1000 }, '0', 1000, 1234, [50_000]],
    [{ runAsUser: 1000, runAsGroup: 7 }, '0', 1000, 7, [50_000]],
    [{ runAsUser: 999 }, '0', 999, 0, []],
    [{ runAsUser: 999 }, '1000:5', 999, 0, []],
    [{}, '1000:5', 1000, 5, [50_000]],
    [{}, '1000', 1000, 1234, [50_000]],
    [{ supplementalGroupsPolicy: 'Strict', fsGroup: 9 }, '1000', 1000, 1234, [9]],
  ]
  for (const [context, user, uid, gid, groups] of table) t.same(credentials(podOf(context), { name: 'c' }, { name: 'known', user, files }), { uid, gid, groups }, `${JSON.stringify(context)} in an image of ${user}`)
  t.end()
})

t.test('a parameter of the kernel with slashes', (t) => {
  const pod = podOf({ sysctls: [{ name: 'net/ipv4/conf/eth0.1/x', value: '1' }, { name: 'kernel.shm_rmid_forced', value: '0' }] })
  const { sysctls } = kernelOf({ pod, node: { metadata: { name: 'n' }, spec: {} }, container: { name: 'c' } })
  t.same([...sysctls], [['net.ipv4.conf.eth0/1.x', '1'], ['kernel.shm_rmid_forced', '0']])
  t.end()
})

t.test('a runtime that there is not', (t) => {
  t.same(misunderstood(podOf({}, { 'orrery.io/runtime': 'docker' })), ['orrery.io/runtime: "docker" is no runtime: shell, stages, host'])
  t.same(misunderstood(podOf({}, { 'orrery.io/runtime': 'host' })), [])
  t.end()
})

t.test('variables out of files', async (t) => {
  const table: [text: string, value: string | undefined | typeof EnvFileError][] = [
    ["KEY='value'", 'value'],
    ["# KEY='no'\n\n  \tKEY='a b' # said\n", 'a b'],
    ["OTHER='x'\nKEY='one\ntwo'\nKEY='three'", 'one\ntwo'],
    ["KEY='$HOME'", '$HOME'],
    ["KEY= 'value'\nOTHER='x'", undefined],
    ["OTHER='x'", undefined],
    ["KEY=''", undefined],
    ['', undefined],
    ['KEY', EnvFileError],
    ["KEY ='value'", EnvFileError],
    ['KEY=value', EnvFileError],
    ["KEY='value' more", EnvFileError],
    ["KEY='value\n", EnvFileError],
    ["='value'", EnvFileError],
  ]
  for (const [text, wanted] of table) {
    if (wanted === EnvFileError) t.throws(() => envFileValue(text, 'KEY'), /line \d|quote/, text)
    else t.equal(envFileValue(text, 'KEY'), wanted, text)
  }
})
