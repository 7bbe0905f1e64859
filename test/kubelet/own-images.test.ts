/** What users say of images: in a file, and in ConfigMaps that may change while pods run. */
import fs from 'node:fs'
import path from 'node:path'
import t from 'tap'
import type { Pod } from '../../schemas/types.ts'
import { Images, parseImages, pullFailure } from '../../src/kubelet/images.ts'
import files from 'folder:src/kubelet/images'
import { imageComplaint, imagesSchema } from '../../src/kubelet/image-schema.ts'
import { parseChecked } from '../../src/apimachinery/checked-yaml.ts'
import { assetPath } from '../../src/assets.ts'
import { parseStages } from '../../src/kubelet/stages.ts'
import { eventually, Kubectl, startTestCluster } from '../helpers/cluster.ts'

t.test('references', async (t) => {
  const images = new Images([])
  const cases: readonly (readonly [pattern: string, matching: readonly string[], others: readonly string[]])[] = [
    ['nginx', ['nginx', 'nginx:1.27', 'docker.io/library/nginx@sha256:abc'], ['acme/nginx', 'nginx-unprivileged']],
    ['acme/*', ['acme/web', 'docker.io/acme/web:2'], ['ghcr.io/acme/web']],
    ['ghcr.io/acme/api:2.*', ['ghcr.io/acme/api:2.1'], ['ghcr.io/acme/api:1.0', 'ghcr.io/acme/api@sha256:abc']],
    ['ghcr.io/acme/api@sha256:abc', ['ghcr.io/acme/api@sha256:abc'], ['ghcr.io/acme/api', 'ghcr.io/acme/api@sha256:abd']],
    ['localhost:5000/*', ['localhost:5000/web:dev'], ['localhost/web']],
  ]
  for (const [pattern, matching, others] of cases) {
    images.use('test', { images: parseImages(`{name: own, match: ['${pattern}'], does: {}}`, 'f') })
    for (const reference of matching) t.equal(images.find(reference).name, 'own', `${pattern} is ${reference}`)
    for (const reference of others) t.equal(images.find(reference).name, 'unknown', `${pattern} is not ${reference}`)
  }
})

t.test('what ships is of the shape that users are held to', async (t) => {
  for (const content of files as readonly unknown[]) t.same(parseChecked(JSON.stringify(content), { file: 'f', schema: imagesSchema, what: 'images', check: imageComplaint }), content)
})

t.test('a mistake is told with its line', async (t) => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['- name: a', /f:1: \[0\] lacks "match"/],
    ['- name: a\n  match: [a]\n  entrypont: [x]', /f:3: unknown key "\[0\]\.entrypont" \(did you mean "entrypoint"\?\)/],
    ['- name: a\n  match: [a]\n  does: {startAfter: soon}', /f:3: "\[0\]\.does\.startAfter": "soon" is no duration/],
    ['- name: a\n  match: [a]\n  does:\n    memory: lots', /f:4: "\[0\]\.does\.memory": "lots" is no quantity/],
    ['- name: a\n  match: [a]\n  does: {serves: [{http: [{body: "{{pod.nmae}}"}]}]}', /unknown variable \{\{pod\.nmae\}\}/],
    ['- name: a\n  match: [a]\n  does: {serves: [{port: 99999}]}', /must be <= 65535/],
    ['- [', /f:1: /],
  ]
  for (const [text, wanted] of cases) t.throws(() => parseImages(text, 'f'), wanted, text)
})

t.test('the examples of the docs', async (t) => {
  const [images = '', stages = ''] = [...fs.readFileSync(assetPath('docs/images.md'), 'utf8').matchAll(/```yaml\n([\s\S]*?)```/g)].map((m) => m[1])
  t.same(parseImages(images, 'f').map((i) => i.name), ['api', 'broken', 'secret'])
  t.same(parseStages(stages, 'f').map((s) => s.name), ['databases-are-slow', 'nightly-jobs-fail'])
})

t.test('pulls that fail', async (t) => {
  const [flaky, secret] = parseImages('[{name: a, match: [a], pull: {failure: no route, failures: 2}}, {name: b, match: [b], pull: {private: true}}]', 'f')
  if (!flaky || !secret) return t.fail('two images')
  t.match(pullFailure('a', flaky, { attempts: 1 }), /no route$/)
  t.equal(pullFailure('a', flaky, { attempts: 2 }), undefined)
  t.match(pullFailure('b', secret), /pull access denied, repository does not exist or may require authorization/)
  t.equal(pullFailure('b', secret, { isKnown: true }), undefined)
})

const OWN = `
- name: api
  match: ['ghcr.io/acme/*']
  does:
    logs: ['{{pod.name}} starts', {line: tick, every: 1s}]
    serves:
      - port: 8080
        http:
          - {path: /healthz}
          - {path: /fail, status: 503, headers: {Retry-After: '7'}, body: busy}
          - {body: "v1 {{pod.namespace}}/{{pod.name}} on {{node.name}} {{request.method}} {{request.path}} {{request.query.q}} {{request.body}}\\n"}
      - {port: 7, echo: true}
    cpu: {base: 10m, perRequest: 5ms}
- {name: hungry, match: ['acme/hungry'], does: {serves: [{port: 8080, http: [{}]}], memory: {base: 20Mi, perRequest: 8Mi}}}
- {name: once, match: ['acme/job'], does: {logs: [done], exitAfter: 0s, exitCode: 3}}
- {name: secret, match: ['private.example.com/*'], pull: {private: true}, does: {}}
`

const pod = (name: string, image: string, more = '') => `
---
apiVersion: v1
kind: Pod
metadata: {name: ${name}}
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 1
  ${more}
  containers: [{name: main, image: '${image}', command: [/app/server, --now], resources: {limits: {memory: 128Mi}}}]
`

t.test('in a cluster', async (t) => {
  const file = path.join(t.testdir({ 'images.yaml': OWN }), 'images.yaml')
  const k = new Kubectl('1.36', await startTestCluster(t, { nodes: 1, images: file }))
  await k.apply([pod('api', 'ghcr.io/acme/api:1'), pod('client', 'busybox:1.37').replace('/app/server, --now', 'sleep, inf'), pod('job', 'acme/job'), pod('hungry', 'acme/hungry'), pod('secret', 'private.example.com/web')].join(''))
  await k.run('wait pod/api pod/client pod/hungry --for=condition=Ready --timeout=60s')
  const ip = (await k.json<Pod>('get pod api')).status?.podIP ?? ''
  const script = (text: string) => k.run(['exec', 'client', '--', 'sh', '-c', text])
  const get = (what: string) => k.run(`exec client -- wget -qO- ${what}`)
  t.equal(await get(`http://${ip}:8080/a?q=x`), 'v1 default/api on node-1 GET /a x \n')
  t.equal(await get(`--post-data=hi http://${ip}:8080/`), 'v1 default/api on node-1 POST /  hi\n')
  t.match(await script(`wget -qO- http://${ip}:8080/fail 2>&1; true`), /503/)
  t.equal(await script(`echo hello | nc -w 1 ${ip} 7`), 'hello\n')
  t.match(await eventually(async () => { const log = await k.run('logs api'); return log.includes('tick') && log }), /^api starts\n/)
  t.equal((await eventually(async () => (await k.json<Pod>('get pod job')).status?.containerStatuses?.[0]?.state?.terminated ?? false)).exitCode, 3)

  const waiting = await eventually(async () => (await k.json<Pod>('get pod secret')).status?.containerStatuses?.[0]?.state?.waiting ?? false)
  t.match(waiting.reason, /^(?:ErrImagePull|ImagePullBackOff)$/)
  await k.run('create secret docker-registry registry --docker-server=private.example.com --docker-username=u --docker-password=p')
  await k.apply(pod('let-in', 'private.example.com/web', 'imagePullSecrets: [{name: registry}]'))
  await k.run('wait pod/let-in --for=condition=Ready --timeout=60s')

  fs.writeFileSync(file, OWN.replace('v1 {{', 'v2 {{'))
  await eventually(async () => (await get(`http://${ip}:8080/a`)).startsWith('v2 '))
  const map = (text: string, namespace: string) => k.apply(`{apiVersion: v1, kind: ConfigMap, metadata: {name: orrery-images, namespace: ${namespace}}, data: {own.yaml: ${JSON.stringify(text)}}}`)
  await map(OWN.replace('v1 {{', 'v3 {{'), 'default')
  await eventually(async () => (await get(`http://${ip}:8080/a`)).startsWith('v3 '))
  await map('- name: x', 'default')
  await eventually(async () => (await k.run('get events --field-selector reason=InvalidImages -o jsonpath={.items[*].message}')).includes('own.yaml:1: [0] lacks "match"'))
  t.match(await get(`http://${ip}:8080/a`), /^v3 /, 'the last that was right stays')
  await k.run('delete configmap orrery-images')
  await eventually(async () => (await get(`http://${ip}:8080/a`)).startsWith('v2 '))
  const { podIP } = (await k.json<Pod>('get pod hungry')).status ?? {}
  await script(`for i in $(seq 20); do wget -qO- http://${podIP}:8080/; done; true`)
  const ended = await eventually(async () => (await k.json<Pod>('get pod hungry')).status?.containerStatuses?.[0]?.state?.terminated ?? false)
  t.match(ended, { reason: 'OOMKilled', exitCode: 137 }, 'its requests took its memory')
})

t.test('outcomes that annotations foretell', async (t) => {
  const k = new Kubectl('1.36', await startTestCluster(t, { nodes: 1 }))
  const foretold = (name: string, annotations: Record<string, string>) => `
---
apiVersion: v1
kind: Pod
metadata: {name: ${name}, annotations: ${JSON.stringify(Object.fromEntries(Object.entries(annotations).map(([key, value]) => [`orrery.io/${key}`, value])))}}
spec: {containers: [{name: main, image: app}]}
`
  await k.apply([
    foretold('loops', { 'exit-after': '0s', 'exit-code': '2' }),
    foretold('killed', { 'exit-after': '0s', 'exit-reason': 'OOMKilled' }),
    foretold('unready', { 'ready-after': 'never' }),
    foretold('absent', { 'pull-failure': 'not found' }),
    foretold('mistaken', { 'start-after': 'soon' }),
  ].join(''))
  const stateOf = async (name: string) => (await k.json<Pod>(`get pod ${name}`)).status?.containerStatuses?.[0]
  const reason = (name: string, wanted: string) => eventually(async () => (await stateOf(name))?.state?.waiting?.reason === wanted)
  await reason('loops', 'CrashLoopBackOff')
  t.equal((await stateOf('loops'))?.lastState?.terminated?.exitCode, 2)
  await reason('killed', 'CrashLoopBackOff')
  t.match((await stateOf('killed'))?.lastState?.terminated, { reason: 'OOMKilled', exitCode: 137 })
  await reason('absent', 'ImagePullBackOff')
  t.match(await stateOf('unready'), { ready: false, state: { running: {} } })
  await eventually(async () => (await k.run('get events --field-selector reason=InvalidAnnotation -o jsonpath={.items[*].message}')).includes('orrery.io/start-after: "soon" is no duration'))
})
