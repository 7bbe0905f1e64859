import t from 'tap'
import { AdmissionChain, Reinvocation, type AdmissionAttributes, type AdmissionPlugin } from '../../src/admission/chain.ts'
import { admissionPlugins } from '../../src/admission/plugins.ts'
import { startApi } from '../helpers/in-process-api.ts'

const attributes = {} as AdmissionAttributes

t.test('plugins run in order, those that wait are awaited', async (t) => {
  const ran: string[] = []
  const plugin = (name: string, isSlow = false): AdmissionPlugin => ({
    name,
    mutate: isSlow ? () => Promise.resolve().then(() => void ran.push(`mutate ${name}`)) : () => void ran.push(`mutate ${name}`),
    validate: () => void ran.push(`validate ${name}`),
  })
  const chain = new AdmissionChain([plugin('a', true), plugin('b'), { name: 'c' }])
  await chain.mutate(attributes)
  await chain.validate(attributes)
  t.same(ran, ['mutate a', 'mutate b', 'validate a', 'validate b'])
})

t.test('the chain runs again once when a plugin wants it', async (t) => {
  const runs: boolean[] = []
  const eager: AdmissionPlugin = {
    name: 'eager',
    mutate(a) {
      const reinvocation = (a.reinvocation ??= new Reinvocation())
      runs.push(reinvocation.isReinvoke)
      reinvocation.isWanted = true
    },
  }
  await new AdmissionChain([eager]).mutate({ ...attributes })
  t.same(runs, [false, true])
})

t.test('what was done is undone, last first, when a later plugin refuses', async (t) => {
  const undone: string[] = []
  const charging = (name: string): AdmissionPlugin => ({ name, validate: () => () => void undone.push(name) })
  const refusing: AdmissionPlugin = {
    name: 'refusing',
    validate() {
      throw new Error('no')
    },
  }
  await t.rejects(new AdmissionChain([charging('a'), charging('b'), refusing]).validate(attributes), { message: 'no' })
  t.same(undone, ['b', 'a'])
  const undo = await new AdmissionChain([charging('c'), charging('d')]).validate(attributes)
  t.same(undone, ['b', 'a'], 'and not before')
  undo?.()
  t.same(undone, ['b', 'a', 'd', 'c'])
})

t.test('a write that fails after admission undoes what admission did', async (t) => {
  let undone = 0
  const { create } = await startApi(t, { plugins: [{ name: 'charging', validate: () => () => void undone++ }] })
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'ns' } }
  await create(object)
  t.equal(undone, 0)
  await t.rejects(create(object), { message: 'configmaps "a" already exists' })
  t.equal(undone, 1)
})

t.test('which plugins run', (t) => {
  const names = (options?: Parameters<typeof admissionPlugins>[0]) => admissionPlugins(options).map(({ name }) => name)
  t.same(names(), [
    'NamespaceLifecycle',
    'LimitRanger',
    'ServiceAccount',
    'NodeRestriction',
    'TaintNodesByCondition',
    'PodSecurity',
    'Priority',
    'DefaultTolerationSeconds',
    'DefaultStorageClass',
    'StorageObjectInUseProtection',
    'PodGroupProtection',
    'PersistentVolumeClaimResize',
    'RuntimeClass',
    'CertificateApproval',
    'CertificateSigning',
    'ClusterTrustBundleAttest',
    'CertificateSubjectRestriction',
    'DefaultIngressClass',
    'PodTopologyLabels',
    'PodGroupWorkloadExists',
    'NodeDeclaredFeatureValidator',
    'JobValidation',
    'PodResizeValidator',
    'MutatingAdmissionPolicy',
    'MutatingAdmissionWebhook',
    'ValidatingAdmissionPolicy',
    'ValidatingAdmissionWebhook',
    'ResourceQuota',
  ])
  const changed = names({ enable: ['AlwaysPullImages', 'PodNodeSelector', 'AlwaysDeny'], disable: ['PodSecurity', 'ResourceQuota'] })
  t.same(changed.slice(5, 9), ['AlwaysPullImages', 'PodNodeSelector', 'Priority', 'DefaultTolerationSeconds'])
  t.equal(changed.at(-1), 'AlwaysDeny')
  t.notOk(changed.includes('PodSecurity'))
  t.throws(() => names({ enable: ['EventRateLimit'] }), { message: /couldn't init admission plugin "EventRateLimit": limits: Invalid value: null: must not be empty$/ }, 'it needs a configuration')
  t.throws(() => names({ enable: ['Nonsense'] }), { message: 'enable-admission-plugins plugin "Nonsense" is unknown' })
  t.throws(() => names({ disable: ['x'] }), { message: 'disable-admission-plugins plugin "x" is unknown' })
  t.throws(() => names({ enable: ['Priority'], disable: ['Priority'] }), { message: '[Priority] in enable-admission-plugins and disable-admission-plugins overlapped' })
  t.throws(() => names({ enable: ['ImagePolicyWebhook'] }), /ImagePolicyWebhook/)
  t.end()
})
