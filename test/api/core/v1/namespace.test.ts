import t from 'tap'
import type { Namespace } from '../../../../schemas/types.ts'
import { startApi } from '../../../helpers/in-process-api.ts'
import { checkRefusals, checkUpdateRefusals } from '../../../helpers/refusals.ts'

const namespace = (name: string, spec: Namespace['spec'] = {}) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name }, spec })
const NAME = 'kubernetes.io/metadata.name'
const FINALIZER = 'name is neither a standard finalizer name nor is it fully qualified'

t.test('what is filled in', async (t) => {
  const { create, update } = await startApi(t)
  const made = await create(namespace('a', { finalizers: ['x.example/y'] }))
  t.match(made, { metadata: { labels: { [NAME]: 'a' } }, spec: { finalizers: ['x.example/y', 'kubernetes'] }, status: { phase: 'Active' } })
  const changed = await update(made, (copy) => {
    copy.metadata.labels = { other: 'b' }
    copy['spec'] = { finalizers: [] }
  })
  t.match(changed, { metadata: { labels: { [NAME]: 'a', other: 'b' } }, spec: { finalizers: ['x.example/y', 'kubernetes'] } }, 'its label comes back, its finalizers stay')
})

t.test('what is refused', async (t) => {
  await checkRefusals(t, namespace('a'), [
    ['a bare finalizer', { 'spec.finalizers': ['mine'] }, `spec.finalizers: Invalid value: "mine": ${FINALIZER}`],
    ['a name with a dot', { 'metadata.name': 'a.b' }, "metadata.name: Invalid value: \"a.b\": must not contain dots"],
  ])
  const status = { subresource: 'status' }
  await checkUpdateRefusals(t, namespace('a'), [['leaving while it stays', { 'status.phase': 'Terminating' }, 'status.Phase: Invalid value: "Terminating": may only be \'Active\' if `deletionTimestamp` is empty']], status)
})

t.test('it goes when nothing holds it', async (t) => {
  const { client, create, update, refusedUpdate } = await startApi(t)
  const api = client()
  await create(namespace('a'))
  const read = () => api.get<Namespace>('v1/Namespace', { name: 'a' })
  await api.delete('v1/Namespace', { name: 'a' })
  const leaving = await read()
  t.match(leaving, { metadata: { deletionTimestamp: String, }, spec: { finalizers: ['kubernetes'] }, status: { phase: 'Terminating' } })
  t.same(await refusedUpdate(leaving, (copy) => void (copy['spec'] = { finalizers: ['mine'] }), { subresource: 'finalize' }), [`spec.finalizers[0]: Invalid value: "mine": ${FINALIZER}`])
  await update(leaving, (copy) => void (copy['spec'] = { finalizers: [] }), { subresource: 'finalize' })
  await t.rejects(read(), { message: 'namespaces "a" not found' })
})

t.test('one that nothing holds is marked first all the same', async (t) => {
  const { client, create, update } = await startApi(t)
  const api = client()
  const made = await create(namespace('a'))
  await update(made, (copy) => void (copy['spec'] = { finalizers: [] }), { subresource: 'finalize' })
  await api.delete('v1/Namespace', { name: 'a' })
  t.match(await api.get<Namespace>('v1/Namespace', { name: 'a' }), { metadata: { deletionTimestamp: String }, status: { phase: 'Terminating' } })
  await api.delete('v1/Namespace', { name: 'a' })
  await t.rejects(api.get('v1/Namespace', { name: 'a' }), { message: 'namespaces "a" not found' })
})

t.test('some stay', async (t) => {
  const { client, create } = await startApi(t)
  for (const name of ['default', 'kube-system', 'kube-public']) {
    await create(namespace(name))
    await t.rejects(client().delete('v1/Namespace', { name }), { message: `namespaces "${name}" is forbidden: this namespace may not be deleted` })
  }
})
