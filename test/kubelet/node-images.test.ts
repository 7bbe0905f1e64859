/** What a node tells of its images, and which of them it lets go. */
import t from 'tap'
import type { Pod } from '../../schemas/types.ts'
import { sizeText } from '../../src/kubelet/image-gc.ts'
import { imageSize, NodeImages } from '../../src/kubelet/node-images.ts'

function having(...references: string[]): NodeImages {
  const images = new NodeImages()
  for (const reference of references) images.add(reference, { sizeBytes: imageSize(reference), nowMs: 0 })
  return images
}

t.test('each once, by its digest and its names, the largest first', (t) => {
  const images = having('nginx', 'docker.io/library/nginx:latest', 'busybox:1.36', 'quay.io/a/b@sha256:' + '0'.repeat(64)).told()
  t.equal(images.length, 3)
  const nginx = images.find(({ names }) => names?.includes('docker.io/library/nginx:latest'))
  t.equal(nginx?.names?.length, 2)
  t.match(nginx?.names?.[0], /^docker\.io\/library\/nginx@sha256:[0-9a-f]{64}$/)
  t.ok(images.some(({ names }) => names?.length === 1 && names[0]?.startsWith('quay.io/a/b@sha256:')))
  const sizes = images.map(({ sizeBytes = 0 }) => sizeBytes)
  t.same(sizes, [...sizes].sort((a, b) => b - a))
  t.end()
})

t.test('no more than a kubelet tells', (t) => {
  t.equal(having(...Array.from({ length: 70 }, (_, i) => `app:${i}`)).told().length, 50)
  t.end()
})

t.test('what was told is known again', (t) => {
  const before = having('nginx', 'quay.io/a/b@sha256:' + '0'.repeat(64))
  const after = new NodeImages()
  after.restore(before.told(), 0)
  t.same(after.told(), before.told())
  t.ok(after.has('nginx:latest'))
  t.end()
})

t.test('unused ones go, the longest unused first, none that is young', (t) => {
  const images = new NodeImages()
  for (const [i, name] of ['old', 'used', 'mounted', 'older', 'new'].entries()) images.add(name, { sizeBytes: 10, nowMs: name === 'new' ? 500_000 : 1000 - i })
  const pods: Pod[] = [{ metadata: {}, spec: { containers: [{ image: 'used:latest' }], volumes: [{ name: 'v', image: { reference: 'mounted' } }] } }]
  const names = () => images.told().map((i) => i.names?.[1]?.replace('docker.io/library/', '')).sort()
  t.equal(images.free(5, { pods, nowMs: 600_000 }), 10)
  t.same(names(), ['mounted:latest', 'new:latest', 'old:latest', 'used:latest'])
  t.equal(images.free(Infinity, { pods, nowMs: 600_001 }), 10)
  t.same(names(), ['mounted:latest', 'new:latest', 'used:latest'])
  t.equal(images.bytes, 30)
  t.end()
})

t.test('sizes', (t) => {
  const table: [bytes: number, text: string][] = [[1023, '1023 B'], [1024, '1.0 KiB'], [1.5 * 1024 ** 2, '1.5 MiB'], [3 * 1024 ** 3, '3.0 GiB'], [5000 * 1024 ** 4, '5000.0 TiB']]
  for (const [bytes, text] of table) t.equal(sizeText(bytes), text)
  t.end()
})
