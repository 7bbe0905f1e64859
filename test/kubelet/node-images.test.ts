/** What a node tells of its images. */
import t from 'tap'
import { imagesOf } from '../../src/kubelet/node-images.ts'

t.test('each once, by its digest and its names, the largest first', (t) => {
  const images = imagesOf(['nginx', 'docker.io/library/nginx:latest', 'busybox:1.36', 'quay.io/a/b@sha256:' + '0'.repeat(64)])
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
  t.equal(imagesOf(Array.from({ length: 70 }, (_, i) => `app:${i}`)).length, 50)
  t.end()
})
