/**
 * Pods run as a service account and find its token in a volume. Models
 * k8s.io/kubernetes/plugin/pkg/admission/serviceaccount.
 */
import { quote } from '../errors.ts'
import type { Container, Pod, ServiceAccount, Volume } from '../../schemas/types.ts'
import type { AdmissionAttributes, AdmissionPlugin } from './chain.ts'
import { forbiddenEphemeralSecret, forbiddenSecret, limitsSecrets } from './mountable-secrets.ts'
import { secretNames } from './pod-references.ts'
import { refuse } from './refuse.ts'
import { isFor, newPod } from './subject.ts'

const MOUNT_PATH = '/var/run/secrets/kubernetes.io/serviceaccount'
const TOKEN_SECONDS = 3607
const MIRROR = 'kubernetes.io/config.mirror'
const DEFAULT_ACCOUNT = 'default'
/** The account of a new namespace is made by a controller: how often and how long (up to twice this) a pod waits for it. */
const ATTEMPTS = 10
const RETRY_MS = 100

export const serviceAccountAdmission: AdmissionPlugin = {
  name: 'ServiceAccount',
  mutate(attributes) {
    const pod = newPod(attributes)
    if (!pod) return
    if (isMirror(pod)) return checkMirrorPod(pod, attributes)
    const { spec } = pod
    spec.serviceAccountName ||= DEFAULT_ACCOUNT
    spec.serviceAccount = spec.serviceAccountName
    const account = findAccount(attributes, spec.serviceAccountName)
    if (!account && spec.serviceAccountName === DEFAULT_ACCOUNT) return awaitDefaultAccount(attributes).then((found) => applyAccount(pod, found, attributes))
    applyAccount(pod, account ?? mustFindAccount(attributes, spec.serviceAccountName), attributes)
  },
  validate(attributes) {
    const pod = newPod(attributes)
    if (pod) return isMirror(pod) ? checkMirrorPod(pod, attributes) : checkPod(pod, attributes)
    if (attributes.operation === 'UPDATE' && isFor(attributes, 'pods', '', 'ephemeralcontainers')) checkEphemeralContainers(attributes.object as Pod, attributes)
  },
}

function isMirror({ metadata }: Pod): boolean {
  return metadata.annotations?.[MIRROR] !== undefined
}

function applyAccount(pod: Pod, account: ServiceAccount, { ctx }: AdmissionAttributes): void {
  const { spec } = pod
  if ((spec.automountServiceAccountToken ?? account.automountServiceAccountToken) !== false) mountToken(pod, ctx.random.suffix(5))
  if (!spec.imagePullSecrets?.length && account.imagePullSecrets?.length) spec.imagePullSecrets = account.imagePullSecrets.map(({ name }) => ({ ...(name ? { name } : {}) }))
}

function findAccount({ ctx, namespace }: AdmissionAttributes, name: string): ServiceAccount | undefined {
  return ctx.system.get<ServiceAccount>('v1/ServiceAccount', namespace, name)
}

function mustFindAccount(attributes: AdmissionAttributes, name: string): ServiceAccount {
  const found = findAccount(attributes, name)
  if (!found) throw refuse(attributes, `error looking up service account ${attributes.namespace}/${name}: serviceaccount ${quote(name)} not found`)
  return found
}

async function awaitDefaultAccount(attributes: AdmissionAttributes): Promise<ServiceAccount> {
  const { clock, random } = attributes.ctx
  for (let attempt = 1; attempt < ATTEMPTS; attempt++) {
    await clock.sleep(RETRY_MS * (1 + random.float()))
    const found = findAccount(attributes, DEFAULT_ACCOUNT)
    if (found) return found
  }
  return mustFindAccount(attributes, DEFAULT_ACCOUNT)
}

function checkPod(pod: Pod, attributes: AdmissionAttributes): void {
  const account = accountOf(pod, attributes)
  const why = limitsSecrets(account) ? forbiddenSecret(pod, account) : undefined
  if (why) throw refuse(attributes, why)
}

function checkEphemeralContainers(pod: Pod, attributes: AdmissionAttributes): void {
  const account = accountOf(pod, attributes)
  const why = limitsSecrets(account) ? forbiddenEphemeralSecret(pod, account) : undefined
  if (why) throw refuse(attributes, why)
}

function accountOf({ metadata, spec: { serviceAccountName } }: Pod, attributes: AdmissionAttributes): ServiceAccount {
  if (!serviceAccountName) throw refuse(attributes, `no service account specified for pod ${attributes.namespace}/${metadata.name ?? ''}`)
  return mustFindAccount(attributes, serviceAccountName)
}

function checkMirrorPod(pod: Pod, attributes: AdmissionAttributes): void {
  if (pod.spec.serviceAccountName) throw refuse(attributes, 'a mirror pod may not reference service accounts')
  if (secretNames(pod).length > 0) throw refuse(attributes, 'a mirror pod may not reference secrets')
  if (pod.spec.volumes?.some((v) => v.projected?.sources?.some((s) => s.serviceAccountToken))) throw refuse(attributes, 'a mirror pod may not use ServiceAccountToken volume projections')
}

/** The volume of token, authority and namespace, mounted where containers do not mount something themselves. */
function mountToken(pod: Pod, suffix: string): void {
  const { spec } = pod
  const volume = (spec.volumes ?? []).find((v) => isTokenVolume(v))
  const name = volume?.name ?? `kube-api-access-${suffix}`
  let mounted = false
  const mount = (container: Container) => {
    if (container.volumeMounts?.some((m) => m.mountPath === MOUNT_PATH)) return
    container.volumeMounts = [...(container.volumeMounts ?? []), { name, readOnly: true, mountPath: MOUNT_PATH }]
    mounted = true
  }
  for (const container of [...(spec.initContainers ?? []), ...(spec.containers ?? [])]) mount(container)
  if (mounted && !volume) spec.volumes = [...(spec.volumes ?? []), tokenVolume(name)]
}

function isTokenVolume({ name = '' }: Volume): boolean {
  return name.startsWith('kube-api-access-')
}

function tokenVolume(name: string): Volume {
  const sources = [
    { serviceAccountToken: { expirationSeconds: TOKEN_SECONDS, path: 'token' } },
    { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
    { downwardAPI: { items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }] } },
  ]
  return { name, projected: { sources, defaultMode: 0o644 } }
}
