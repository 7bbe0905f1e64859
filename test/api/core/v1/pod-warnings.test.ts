import t from 'tap'
import type { PodSpec } from '../../../../schemas/types.ts'
import { podTemplateWarnings, podWarnings } from '../../../../api/core/v1/_pod-warnings.ts'

const containers = [{ name: 'c', image: 'app:1' }]

t.test('what is likely a mistake', (t) => {
  const cases: [name: string, spec: PodSpec, ...warnings: string[]][] = [
    ['nothing', {}],
    ['a variable twice', { containers: [{ name: 'c', env: [{ name: 'A', value: '1' }, { name: 'A', value: '2' }] }] }, 'spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply'],
    ['a variable that uses what it hides', { containers: [{ name: 'c', env: [{ name: 'A', value: '1' }, { name: 'A', value: '$(A)2' }] }] }],
    ['a port twice', { containers: [{ name: 'c', ports: [{ containerPort: 80, protocol: 'TCP' }, { containerPort: 80, protocol: 'TCP' }] }] }, 'spec.containers[0].ports[1]: duplicate port definition with spec.containers[0].ports[0]'],
    ['an old label', { containers, nodeSelector: { 'beta.kubernetes.io/os': 'linux' } }, 'spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead'],
    ['a fraction of bytes', { containers: [{ name: 'c', resources: { requests: { memory: '100m' } } }] }, 'spec.containers[0].resources.requests[memory]: fractional byte value "100m" is invalid, must be an integer'],
    ['a secret without a name', { containers, imagePullSecrets: [{}] }, 'spec.imagePullSecrets[0].name: invalid empty name ""'],
    ['a negative grace period', { containers, terminationGracePeriodSeconds: -1 }, 'spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1'],
    ['a repository volume', { containers, volumes: [{ name: 'v', gitRepo: { repository: 'r' } }] }, 'spec.volumes[0].gitRepo: deprecated in v1.11, and disabled by default in v1.33+'],
  ]
  for (const [name, spec, ...warnings] of cases) t.same(podWarnings({ metadata: { name: 'a' }, spec: { containers, ...spec } }, undefined), warnings, name)
  t.end()
})

t.test('names that are no host names', (t) => {
  t.match(podWarnings({ metadata: { name: 'a.b' }, spec: { containers } }, undefined), [/^metadata\.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended/])
  t.end()
})

t.test('templates say where, updates of pods say nothing', (t) => {
  t.same(podTemplateWarnings({ spec: { containers, terminationGracePeriodSeconds: -1 } }, 'spec.template').map((w) => w.split(':')[0]), ['spec.template.spec.terminationGracePeriodSeconds'])
  const pod = { metadata: { name: 'a.b' }, spec: { containers } }
  t.same(podWarnings(pod, pod), [])
  t.end()
})
