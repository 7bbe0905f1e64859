import t from 'tap'
import { podSecurity } from '../../src/admission/pod-security.ts'
import { detailsText, evaluatePod } from '../../src/admission/pod-security/evaluate.ts'
import { formatLevel, policyFor, type LevelVersion } from '../../src/admission/pod-security/policy.ts'
import type { Pod, PodSpec } from '../../schemas/types.ts'
import { createObject } from '../../src/apiserver/verbs/create.ts'
import { updateObject } from '../../src/apiserver/verbs/update.ts'
import { isStatusError } from '../../src/errors.ts'
import type { KubeObject } from '../../src/registry/kind.ts'
import { RequestContext } from '../../src/registry/request-context.ts'
import { ADMIN, startApi, type TestApi } from '../helpers/in-process-api.ts'

const PREFIX = 'pod-security.kubernetes.io/'
const GOOD = { allowPrivilegeEscalation: false, runAsNonRoot: true, capabilities: { drop: ['ALL'] }, seccompProfile: { type: 'RuntimeDefault' } }
const good = (spec: PodSpec = {}): PodSpec => ({ containers: [{ name: 'c', securityContext: GOOD }], ...spec })
const container = (securityContext: object, more: object = {}): PodSpec => ({ containers: [{ name: 'c', securityContext: { ...GOOD, ...securityContext }, ...more }] })

const latest = (level: LevelVersion['level'], minor = Infinity): LevelVersion => ({ level, minor })
const found = (level: LevelVersion, spec: PodSpec, annotations?: Record<string, string>) => detailsText(evaluatePod(level, { metadata: annotations ? { annotations } : {}, spec }))

t.test('what each level finds', (t) => {
  const baseline: [string, PodSpec, string][] = [
    ['nothing', good(), ''],
    ['host namespaces', good({ hostNetwork: true, hostIPC: true }), 'host namespaces (hostNetwork=true, hostIPC=true)'],
    ['privileged', container({ privileged: true }), 'privileged (container "c" must not set securityContext.privileged=true)'],
    ['host paths', good({ volumes: [{ name: 'a', hostPath: { path: '/' } }, { name: 'b', hostPath: { path: '/' } }] }), 'hostPath volumes (volumes "a", "b")'],
    ['host ports', container({}, { ports: [{ containerPort: 1, hostPort: 9 }, { containerPort: 2, hostPort: 80 }] }), 'hostPort (container "c" uses hostPorts 80, 9)'],
    ['hosts of probes', container({}, { livenessProbe: { httpGet: { port: 1, host: 'h' } } }), 'probe or lifecycle host (container "c" uses probe or lifecycle host "h")'],
    ['capabilities', container({ capabilities: { add: ['NET_ADMIN', 'CHOWN'], drop: ['ALL'] } }), 'non-default capabilities (container "c" must not include "NET_ADMIN" in securityContext.capabilities.add)'],
    ['proc', container({ procMount: 'Unmasked' }), 'procMount (container "c" must not set securityContext.procMount to "Unmasked")'],
    ['proc of another user', { ...container({ procMount: 'Unmasked' }), hostUsers: false }, ''],
    ['SELinux', good({ securityContext: { seLinuxOptions: { type: 'x', user: 'u' } } }), 'seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: type "x"; user may not be set)'],
    ['seccomp', container({ seccompProfile: { type: 'Unconfined' } }), 'seccompProfile (container "c" must not set securityContext.seccompProfile.type to "Unconfined")'],
    ['AppArmor', good({ securityContext: { appArmorProfile: { type: 'Unconfined' } } }), 'forbidden AppArmor profile (pod must not set AppArmor profile type to "Unconfined")'],
    ['sysctls', good({ securityContext: { sysctls: [{ name: 'net.ipv4.tcp_rmem', value: '1' }, { name: 'kernel.x', value: '1' }] } }), 'forbidden sysctls (kernel.x)'],
    ['host processes', good({ securityContext: { windowsOptions: { hostProcess: true } } }), 'hostProcess (pod must not set securityContext.windowsOptions.hostProcess=true)'],
    ['root', container({ runAsNonRoot: false, runAsUser: 0 }), ''],
  ]
  for (const [name, spec, text] of baseline) t.equal(found(latest('baseline'), spec), text, name)
  const restricted: [string, PodSpec, string][] = [
    ['nothing', good(), ''],
    ['escalation', container({ allowPrivilegeEscalation: undefined }), 'allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false)'],
    [
      'capabilities',
      container({ capabilities: { add: ['CHOWN', 'NET_BIND_SERVICE'] } }),
      'unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]; container "c" must not include "CHOWN" in securityContext.capabilities.add)',
    ],
    ['volumes', good({ volumes: [{ name: 'a', hostPath: { path: '/' } }, { name: 'b', nfs: { server: 's', path: '/' } }, { name: 'ok', emptyDir: {} }] }), 'restricted volume types (volumes "a", "b" use restricted volume types "hostPath", "nfs")'],
    ['root by what it says', container({ runAsNonRoot: false }), 'runAsNonRoot != true (container "c" must not set securityContext.runAsNonRoot=false)'],
    ['root by what it does not say', container({ runAsNonRoot: undefined }), 'runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true)'],
    ['the pod says it', { ...container({ runAsNonRoot: undefined }), securityContext: { runAsNonRoot: true } }, ''],
    ['user 0', { ...container({ runAsUser: 0 }), securityContext: { runAsUser: 0 } }, 'runAsUser=0 (pod and container "c" must not set runAsUser=0)'],
    ['user 0 of a user namespace', { ...container({ runAsUser: 0, runAsNonRoot: false }), hostUsers: false }, ''],
    ['no seccomp', container({ seccompProfile: undefined }), 'seccompProfile (pod or container "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")'],
    ['windows', { os: { name: 'windows' }, containers: [{ name: 'c', securityContext: { runAsNonRoot: true } }] }, ''],
    ['proc of another user', { ...container({ procMount: 'Unmasked' }), hostUsers: false }, 'procMount (container "c" must not set securityContext.procMount to "Unmasked")'],
    ['all kinds of containers', { initContainers: [{ name: 'i' }], containers: [{ name: 'c', securityContext: GOOD }], ephemeralContainers: [{ name: 'e', securityContext: GOOD }], securityContext: { seccompProfile: { type: 'Localhost' }, runAsNonRoot: true } }, 'allowPrivilegeEscalation != false (container "i" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "i" must set securityContext.capabilities.drop=["ALL"])'],
  ]
  for (const [name, spec, text] of restricted) t.equal(found(latest('restricted'), spec), text, name)
  t.equal(found(latest('privileged'), container({ privileged: true })), '')
  t.end()
})

t.test('the rules of older versions', (t) => {
  const silent: PodSpec = { containers: [{ name: 'c', securityContext: { runAsNonRoot: true } }] }
  t.equal(found(latest('restricted', 7), silent), '')
  t.match(found(latest('restricted', 8), silent), /^allowPrivilegeEscalation/)
  t.equal(found(latest('restricted', 18), silent, { 'container.seccomp.security.alpha.kubernetes.io/c': 'unconfined' }).split(', ').at(0), 'seccompProfile (forbidden annotation container.seccomp.security.alpha.kubernetes.io/c="unconfined")')
  t.equal(found(latest('baseline', 31), container({ seLinuxOptions: { type: 'container_engine_t' } })), '')
  t.match(found(latest('baseline', 30), container({ seLinuxOptions: { type: 'container_engine_t' } })), /^seLinuxOptions/)
  t.equal(found(latest('baseline', 33), container({}, { livenessProbe: { tcpSocket: { port: 1, host: 'h' } } })), '', 'no rule yet about hosts of probes')
  t.equal(found(latest('baseline', 99), good({ hostPID: true })), 'host namespaces (hostPID=true)', 'a version to come has the newest rules')
  t.match(found(latest('baseline'), good(), { 'container.apparmor.security.beta.kubernetes.io/c': 'unconfined' }), 'annotation must not set AppArmor profile type to "container.apparmor.security.beta.kubernetes.io/c="unconfined""')
  t.end()
})

t.test('labels of namespaces', (t) => {
  const policy = (labels: Record<string, string>) => {
    const { policy: p, errors } = policyFor(Object.fromEntries(Object.entries(labels).map(([key, value]) => [PREFIX + key, value])))
    return [formatLevel(p.enforce), formatLevel(p.audit), formatLevel(p.warn), ...errors.map((e) => `${e.field}: ${e.body}`)].join(' ')
  }
  t.equal(policy({}), 'privileged:latest privileged:latest privileged:latest')
  t.equal(policy({ enforce: 'baseline', 'enforce-version': 'v1.24' }), 'baseline:v1.24 privileged:latest baseline:v1.24', 'warnings follow')
  t.equal(policy({ enforce: 'baseline', warn: 'privileged' }), 'baseline:latest privileged:latest privileged:latest', 'unless they are named')
  t.equal(policy({ enforce: 'x' }), `restricted:latest privileged:latest privileged:latest metadata.labels[${PREFIX}enforce]: Invalid value: "x": must be one of privileged, baseline, restricted`)
  t.equal(policy({ 'audit-version': '1.2' }), `privileged:latest privileged:latest privileged:latest metadata.labels[${PREFIX}audit-version]: Invalid value: "1.2": must be "latest" or "v1.x"`)
  t.end()
})

const namespace = (name: string, labels: Record<string, string>) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: Object.fromEntries(Object.entries(labels).map(([key, value]) => [PREFIX + key, value])) } })
const pod = (name: string, spec: object) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'ns' }, spec })
const images = (spec: PodSpec): object => ({ ...spec, containers: spec.containers?.map((c) => ({ image: 'i', ...c })) })

/** Creates (or updates) the object and answers the refusal, the warnings and the notes for the audit log. */
async function told({ api }: TestApi, object: object, { update = false } = {}): Promise<{ error: string; warnings: string[]; notes: Record<string, string> }> {
  const { apiVersion, kind: name } = object as KubeObject
  const kind = api.scheme.require(`${apiVersion}/${name}`)
  const whole = kind.codec.decode(structuredClone(object)).object
  const ctx = new RequestContext({ user: ADMIN, namespace: kind.namespaced ? 'ns' : '' }, { clock: api.clock, random: api.random, system: api.system })
  kind.definition.default?.(whole)
  let error = ''
  try {
    if (update) await updateObject(api, { kind, name: whole.metadata.name ?? '', subresource: '' }, whole, ctx)
    else await createObject(api, kind, whole, ctx)
  } catch (thrown) {
    if (!isStatusError(thrown)) throw thrown
    error = thrown.message
  }
  return { error, warnings: ctx.warnings, notes: Object.fromEntries(ctx.auditAnnotations ?? []) }
}

t.test('pods are refused, warned of and noted', async (t) => {
  const api = await startApi(t, { plugins: [podSecurity()] })
  await api.create(namespace('ns', { enforce: 'baseline', warn: 'restricted', audit: 'restricted', 'warn-version': 'v1.30' }))
  const restricted = 'allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")'
  t.same(await told(api, pod('a', { containers: [{ name: 'c', image: 'i' }] })), {
    error: '',
    warnings: [`would violate PodSecurity "restricted:v1.30": ${restricted}`],
    notes: { [`${PREFIX}enforce-policy`]: 'baseline:latest', [`${PREFIX}audit-violations`]: `would violate PodSecurity "restricted:latest": ${restricted}` },
  })
  const refused = await told(api, pod('b', { hostPID: true, containers: [{ name: 'c', image: 'i' }] }))
  t.equal(refused.error, 'pods "b" is forbidden: violates PodSecurity "baseline:latest": host namespaces (hostPID=true)')
  t.same(refused.warnings, [], 'who is refused is not warned as well')
  const stored = await api.client().get<Pod>('v1/Pod', { namespace: 'ns', name: 'a' })
  const metadata = { ...stored.metadata, resourceVersion: undefined }
  t.match(await told(api, { ...stored, metadata: { ...metadata, labels: { x: 'y' } } }, { update: true }), { error: '', warnings: [] }, 'a change that cannot matter')
  const image = { ...stored, metadata, spec: { ...stored.spec, containers: stored.spec.containers?.map((c) => ({ ...c, image: 'j' })) } }
  t.match(await told(api, image, { update: true }), { error: '', warnings: [/^would violate PodSecurity "restricted:v1.30"/] }, 'another image')
})

t.test('templates are warned of', async (t) => {
  const api = await startApi(t, { plugins: [podSecurity()] })
  await api.create(namespace('ns', { enforce: 'baseline' }))
  const template = { metadata: { labels: { a: 'b' } }, spec: { hostNetwork: true, containers: [{ name: 'c', image: 'i' }] } }
  const once = { ...template, spec: { ...template.spec, restartPolicy: 'Never' } }
  const selector = { matchLabels: { a: 'b' } }
  const of = (apiVersion: string, kind: string, more: object) => ({ apiVersion, kind, metadata: { name: 'x', namespace: 'ns' }, ...more })
  const all = [
    of('apps/v1', 'Deployment', { spec: { selector, template } }),
    of('apps/v1', 'ReplicaSet', { spec: { selector, template } }),
    of('apps/v1', 'StatefulSet', { spec: { selector, template, serviceName: 's' } }),
    of('apps/v1', 'DaemonSet', { spec: { selector, template } }),
    of('batch/v1', 'Job', { spec: { template: once } }),
    of('batch/v1', 'CronJob', { spec: { schedule: '@daily', jobTemplate: { spec: { template: once } } } }),
    of('v1', 'ReplicationController', { spec: { selector: { a: 'b' }, template } }),
    of('v1', 'PodTemplate', { template }),
  ]
  for (const object of all) t.match(await told(api, object), { error: '', warnings: ['would violate PodSecurity "baseline:latest": host namespaces (hostNetwork=true)'] }, object.kind)
  t.same((await told(api, of('v1', 'ConfigMap', {}))).warnings, [])
})

t.test('a namespace that becomes stricter tells about its pods', async (t) => {
  const api = await startApi(t, { plugins: [podSecurity()] })
  const made = await api.create(namespace('ns', {}))
  const owner = [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'rs', uid: 'u', controller: true }]
  for (const name of ['b', 'a', 'c']) await api.create({ ...pod(name, images(good({ hostPID: true }))), metadata: { name, namespace: 'ns', ownerReferences: owner } })
  await api.create(pod('z', images(good({ hostIPC: true, hostNetwork: true }))))
  await api.create(pod('y', images(container({ privileged: undefined, capabilities: { add: ['SYS_TIME'], drop: ['ALL'] } }))))
  await api.create(pod('x', images(good())))
  const labelled = (labels: Record<string, string>) => ({ ...made, metadata: { ...made.metadata, resourceVersion: undefined, labels: namespace('', labels).metadata.labels } })
  t.same((await told(api, labelled({ enforce: 'baseline' }), { update: true })).warnings, [
    'existing pods in namespace "ns" violate the new PodSecurity enforce level "baseline:latest"',
    'a (and 3 other pods): host namespaces',
    'y: non-default capabilities',
  ])
  t.same((await told(api, labelled({ enforce: 'privileged' }), { update: true })).warnings, [])
  t.match(await told(api, labelled({ enforce: 'strict' }), { update: true }), { error: `Namespace "ns" is invalid: metadata.labels[${PREFIX}enforce]: Invalid value: "strict": must be one of privileged, baseline, restricted` })
  t.match(await told(api, { ...namespace('other', { 'warn-version': 'x' }) }), { error: /must be "latest" or "v1\.x"$/ })
})
