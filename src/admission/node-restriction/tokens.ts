/** Nodes ask for tokens only for their own pods and for audiences these use. Models admitServiceAccount of the NodeRestriction plugin. */
import type { CSIDriver, PersistentVolume, PersistentVolumeClaim, Pod, TokenRequest, Volume } from '../../../schemas/types.ts'
import { quote } from '../../errors.ts'
import type { AdmissionAttributes } from '../chain.ts'
import { refuse } from '../refuse.ts'
import { mustGetPod } from './pods.ts'

export async function checkTokenRequest(nodeName: string, attributes: AdmissionAttributes): Promise<void> {
  if (attributes.operation !== 'CREATE' || attributes.subresource !== 'token') return
  const { spec = {} } = attributes.object as TokenRequest
  const ref = spec.boundObjectRef
  if (ref?.apiVersion !== 'v1' || ref.kind !== 'Pod' || !ref.name) throw refuse(attributes, 'node requested token not bound to a pod')
  if (!ref.uid) throw refuse(attributes, 'node requested token with a pod binding without a uid')
  const pod = mustGetPod(attributes, ref.name)
  if (ref.uid !== pod.metadata.uid) {
    throw refuse(attributes, `the UID in the bound object reference (${ref.uid}) does not match the UID in record. The object might have been deleted and then recreated`)
  }
  if (pod.spec.nodeName !== nodeName) throw refuse(attributes, 'node requested token bound to a pod scheduled on a different node')
  await checkAudience(spec.audiences ?? [], pod, attributes)
}

async function checkAudience(audiences: readonly string[], pod: Pod, attributes: AdmissionAttributes): Promise<void> {
  if (audiences.length > 1) throw refuse(attributes, 'node may only request 0 or 1 audiences')
  const [audience = ''] = audiences
  if (usesAudience(pod, audience, attributes)) return
  const { ctx, namespace, name } = attributes
  const { user, system } = ctx
  const verdict = await system.authorizer?.authorize({ user, verb: 'request-serviceaccounts-token-audience', namespace, apiGroup: '', apiVersion: 'v1', resource: audience, subresource: '', name })
  if (!verdict || verdict.decision === 'Allow') return
  const head = `audience ${quote(audience)} not found in pod spec volume, `
  if (verdict.error !== undefined) throw refuse(attributes, `${head}error authorizing ${user.name} to request tokens for this audience: ${verdict.error}`)
  throw refuse(attributes, `${head}${user.name} is not authorized to request tokens for this audience`)
}

function usesAudience(pod: Pod, audience: string, attributes: AdmissionAttributes): boolean {
  const problems: string[] = []
  for (const volume of pod.spec.volumes ?? []) {
    if (volume.projected?.sources?.some((s) => s.serviceAccountToken && (s.serviceAccountToken.audience ?? '') === audience)) return true
    const { driver, problem } = driverOf(pod, volume, attributes)
    if (problem !== undefined) problems.push(problem)
    if (!driver) continue
    const found = attributes.ctx.system.get<CSIDriver>('storage.k8s.io/v1/CSIDriver', '', driver)
    if (!found) problems.push(`csidriver.storage.k8s.io ${quote(driver)} not found`)
    else if (found.spec.tokenRequests?.some((t) => (t.audience ?? '') === audience)) return true
  }
  if (problems.length === 0) return false
  throw refuse(attributes, `error validating audience ${quote(audience)}: ${problems.length === 1 ? problems[0] : `[${problems.join(', ')}]`}`)
}

/** The CSI driver behind a volume, directly or by its claim. */
function driverOf(pod: Pod, volume: Volume, { ctx, namespace }: AdmissionAttributes): { driver?: string | undefined; problem?: string } {
  if (volume.csi) return { driver: volume.csi.driver }
  const claimName = volume.ephemeral?.volumeClaimTemplate ? `${pod.metadata.name ?? ''}-${volume.name ?? ''}` : volume.persistentVolumeClaim?.claimName
  if (claimName === undefined) return {}
  const claim = ctx.system.get<PersistentVolumeClaim>('v1/PersistentVolumeClaim', namespace, claimName)
  if (!claim) return { problem: `persistentvolumeclaim ${quote(claimName)} not found` }
  const volumeName = claim.spec.volumeName ?? ''
  const found = ctx.system.get<PersistentVolume>('v1/PersistentVolume', '', volumeName)
  return found ? { driver: found.spec.csi?.driver } : { problem: `persistentvolume ${quote(volumeName)} not found` }
}
