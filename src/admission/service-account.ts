/**
 * Pods run as a service account and find its token in a volume. Models
 * k8s.io/kubernetes/plugin/pkg/admission/serviceaccount.
 */
import { forbidden } from '../errors.ts'
import type { Container, Pod, ServiceAccount, Volume } from '../../schemas/types.ts'
import type { AdmissionAttributes, AdmissionPlugin } from './chain.ts'

const MOUNT_PATH = '/var/run/secrets/kubernetes.io/serviceaccount'
const TOKEN_SECONDS = 3607
const MIRROR = 'kubernetes.io/config.mirror'

export const serviceAccountAdmission: AdmissionPlugin = {
  name: 'ServiceAccount',
  mutate(attributes) {
    const pod = podOf(attributes)
    if (!pod || pod.metadata.annotations?.[MIRROR] !== undefined) return
    const { spec } = pod
    spec.serviceAccountName ||= 'default'
    spec.serviceAccount = spec.serviceAccountName
    const account = accountOf(attributes, spec.serviceAccountName)
    if ((spec.automountServiceAccountToken ?? account.automountServiceAccountToken) !== false) mountToken(pod, attributes.ctx.random.suffix(5))
    if (!spec.imagePullSecrets?.length && account.imagePullSecrets?.length) spec.imagePullSecrets = account.imagePullSecrets.map(({ name }) => ({ ...(name ? { name } : {}) }))
  },
  validate(attributes) {
    const pod = podOf(attributes)
    if (!pod) return
    if (pod.metadata.annotations?.[MIRROR] !== undefined) return checkMirrorPod(pod, attributes)
    accountOf(attributes, pod.spec.serviceAccountName ?? '')
  },
}

function podOf({ operation, kind, subresource, object }: AdmissionAttributes): Pod | undefined {
  return operation === 'CREATE' && kind.ref === 'v1/Pod' && !subresource ? (object as Pod) : undefined
}

function accountOf({ kind, ctx, namespace, name }: AdmissionAttributes, account: string): ServiceAccount {
  const found = ctx.system.get<ServiceAccount>('v1/ServiceAccount', namespace, account)
  if (!found) throw forbidden(kind.groupResource, name, `error looking up service account ${namespace}/${account}: serviceaccount ${JSON.stringify(account)} not found`)
  return found
}

function checkMirrorPod({ spec }: Pod, { kind, name }: AdmissionAttributes): void {
  const refuse = (what: string) => forbidden(kind.groupResource, name, `a mirror pod may not reference ${what}`)
  if (spec.serviceAccountName) throw refuse('service accounts')
  for (const volume of spec.volumes ?? []) if (volume.secret) throw refuse('secrets')
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

function isTokenVolume({ name, projected }: Volume): boolean {
  return (name ?? '').startsWith('kube-api-access-') && projected !== undefined
}

function tokenVolume(name: string): Volume {
  const sources = [
    { serviceAccountToken: { expirationSeconds: TOKEN_SECONDS, path: 'token' } },
    { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
    { downwardAPI: { items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }] } },
  ]
  return { name, projected: { sources, defaultMode: 0o644 } }
}

