/** Pods that come from a folder, and names that no image can have. */
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import t from 'tap'
import type { Pod } from '../../schemas/types.ts'
import { imageNameProblem } from '../../src/kubelet/image-reference.ts'
import { createKubelet } from '../../src/kubelet/kubelet.ts'
import { mirrorOf, staticPod } from '../../src/kubelet/static-manifests.ts'
import { virtualNode } from '../../src/kubelet/virtual-node.ts'
import { eventually, Kubectl, startTestCluster } from '../helpers/cluster.ts'
import { FakeCluster } from '../helpers/fake-client.ts'
import { LocalNetwork } from '../helpers/local-network.ts'
import { podManifest } from '../helpers/manifests.ts'

const manifest = (image: string) => `kind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: c, image: ${image}}]}\n`

const TELLING = `kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: c
    image: busybox
    command: [sh, -c, 'echo began $UID_OF_POD; exec sleep inf']
    env: [{name: UID_OF_POD, valueFrom: {fieldRef: {fieldPath: metadata.uid}}}]
`

function folder(t: { teardown(fn: () => void): unknown }, text = manifest('nginx')): string {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'orrery-static-'))
  t.teardown(() => fs.rmSync(dir, { recursive: true, force: true }))
  fs.writeFileSync(path.join(dir, 'web.yaml'), text)
  return dir
}

t.test('a mirror is bound to its node and stays', async (t) => {
  const pod: Pod = { metadata: { name: 'web', labels: { app: 'web' } }, spec: { containers: [{ name: 'c' }] } }
  const mirror = mirrorOf(staticPod(pod, 'N1'), { metadata: { name: 'N1', uid: 'nu' }, spec: {} }, '2026-01-01T00:00:00Z')
  const hash = mirror.metadata.annotations?.['kubernetes.io/config.hash']
  t.match(mirror, {
    metadata: { name: 'web-n1', namespace: 'default', labels: { app: 'web' }, ownerReferences: [{ kind: 'Node', name: 'N1', uid: 'nu', controller: true }], annotations: { 'kubernetes.io/config.mirror': hash, 'kubernetes.io/config.source': 'file', 'kubernetes.io/config.seen': '2026-01-01T00:00:00Z' } },
    spec: { nodeName: 'N1', tolerations: [{ operator: 'Exists', effect: 'NoExecute' }] },
  })
  t.match(hash, /^[0-9a-f]{32}$/)
})

t.test('the folder decides', async (t) => {
  const dir = folder(t)
  const cluster = new FakeCluster()
  cluster.seed(virtualNode('own'))
  const loop = createKubelet({ network: new LocalNetwork(), staticPods: new Map([['own', dir]]) }).loop.start(cluster.context())
  t.teardown(() => void loop.close())
  const pods = () => cluster.all('v1/Pod') as Pod[]
  await cluster.clock.step(1)
  await cluster.clock.step(1)
  t.match(pods(), [{ metadata: { name: 'web-own' }, spec: { containers: [{ image: 'nginx' }] } }])
  fs.writeFileSync(path.join(dir, 'web.yaml'), manifest('httpd'))
  fs.writeFileSync(path.join(dir, 'broken.yaml'), 'kind: Service\n')
  await cluster.clock.step(20_001)
  await cluster.clock.step(20_001)
  t.match(pods(), [{ spec: { containers: [{ image: 'httpd' }] } }], 'another takes its place; what is wrong is left out')
  fs.rmSync(path.join(dir, 'web.yaml'))
  await cluster.clock.step(20_001)
  t.same(pods(), [])
})

t.test('with kubectl', async (t) => {
  const dir = folder(t, TELLING)
  const k = new Kubectl('1.36', await startTestCluster(t, { nodes: [{ name: 'node-1', staticPods: dir }] }))
  const comes = (not?: string) =>
    eventually(async () => {
      const pod = await k.json<Pod>('get pod web-node-1')
      return pod.metadata.uid !== not && pod.status?.phase === 'Running' && pod
    })
  const first = await comes()
  await k.run(['exec', 'web-node-1', '--', 'sh', '-c', 'echo kept > /tmp/file'])
  await k.run('delete pod web-node-1')
  const second = await comes(first.metadata.uid)
  const hash = first.metadata.annotations?.['kubernetes.io/config.hash']
  t.equal(second.metadata.annotations?.['kubernetes.io/config.hash'], hash)
  t.same(second.status, first.status, 'the same containers, at the same address, since the same time')
  t.equal(await k.run('exec web-node-1 -- cat /tmp/file'), 'kept\n')
  t.equal(await k.run('logs web-node-1'), `began ${hash}\n`)
  const { items } = await k.json<{ items: { involvedObject: { uid: string } }[] }>('get events --field-selector reason=Started,involvedObject.name=web-node-1')
  t.match(items, [{ involvedObject: { uid: hash } }])
  await k.apply(podManifest({ name: 'bad', container: { image: 'Not/An.Image' } }))
  const waiting = await eventually(async () => (await k.json<Pod>('get pod bad')).status?.containerStatuses?.[0]?.state?.waiting ?? false)
  t.match(waiting, { reason: 'InvalidImageName' })
})

t.test('names of images', async (t) => {
  const invalid = 'invalid reference format'
  const table: [image: string, why: string | undefined][] = [
    ['nginx', undefined],
    ['nginx:1.27-alpine', undefined],
    ['registry.k8s.io/e2e-test-images/agnhost:2.53', undefined],
    ['localhost:5000/a/b_c/d--e@sha256:' + 'a'.repeat(64), undefined],
    ['MyRegistry/app', undefined],
    ['Nginx', `${invalid}: repository name (library/Nginx) must be lowercase`],
    ['example.com/Team/app', `${invalid}: repository name (Team/app) must be lowercase`],
    ['nginx:', invalid],
    ['ngi nx', invalid],
    ['nginx@sha256:abc', invalid],
    ['-a', invalid],
  ]
  for (const [image, why] of table) t.equal(imageNameProblem(image), why && `Failed to apply default image tag ${JSON.stringify(image)}: couldn't parse image name ${JSON.stringify(image)}: ${why}`, image)
})
