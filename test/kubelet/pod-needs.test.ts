import t from 'tap'
import { unmetEnvironment, unmetVolume, type References } from '../../src/kubelet/pod-needs.ts'
import type { Container, Pod, Volume } from '../../schemas/types.ts'

const refs: References = {
  configMap: (_ns, name) => (name === 'there' ? { metadata: { name }, data: { a: '1' } } : undefined),
  secret: (_ns, name) => (name === 'there' ? { metadata: { name }, data: { a: 'MQ==' } } : undefined),
  claim: (_ns, name) => (name === 'bound' ? { metadata: { name }, spec: { volumeName: 'pv' }, status: { phase: 'Bound' } } : name === 'unbound' ? { metadata: { name }, spec: {} } : undefined),
}
const pod = (spec: Pod['spec']): Pod => ({ metadata: { name: 'p', namespace: 'ns' }, spec })

t.test('volumes that cannot be set up', async (t) => {
  const table: [volume: Volume, message: string | undefined][] = [
    [{ configMap: { name: 'there' } }, undefined],
    [{ configMap: { name: 'x' } }, 'MountVolume.SetUp failed for volume "v" : configmap "x" not found'],
    [{ configMap: { name: 'x', optional: true } }, undefined],
    [{ configMap: { name: 'there', items: [{ key: 'b', path: 'b' }] } }, 'MountVolume.SetUp failed for volume "v" : configmap references non-existent config key: b'],
    [{ secret: { secretName: 'x' } }, 'MountVolume.SetUp failed for volume "v" : secret "x" not found'],
    [{ projected: { sources: [{ configMap: { name: 'there' } }, { secret: { name: 'x' } }] } }, 'MountVolume.SetUp failed for volume "v" : secret "x" not found'],
    [{ persistentVolumeClaim: { claimName: 'bound' } }, undefined],
    [{ persistentVolumeClaim: { claimName: 'unbound' } }, 'Unable to attach or mount volumes: unmounted volumes=[v], unattached volumes=[], failed to process volumes=[v]: error processing PVC ns/unbound: PVC is not bound'],
    [{ emptyDir: {} }, undefined],
  ]
  for (const [volume, message] of table) t.equal(unmetVolume(pod({ volumes: [{ name: 'v', ...volume }] }), refs)?.message, message, JSON.stringify(volume))
})

t.test('variables that cannot be filled in', async (t) => {
  const table: [container: Container, message: string | undefined][] = [
    [{ env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'there', key: 'a' } } }] }, undefined],
    [{ env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'there', key: 'b' } } }] }, "couldn't find key b in ConfigMap ns/there"],
    [{ env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'x', key: 'a' } } }] }, 'secret "x" not found'],
    [{ env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'x', key: 'a', optional: true } } }] }, undefined],
    [{ envFrom: [{ configMapRef: { name: 'x' } }] }, 'configmap "x" not found'],
    [{ envFrom: [{ secretRef: { name: 'there' } }] }, undefined],
  ]
  for (const [container, message] of table) t.equal(unmetEnvironment(pod({}), container, refs)?.message, message, JSON.stringify(container))
})
