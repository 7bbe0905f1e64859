/** Services may give up external addresses but take no new ones. Models k8s.io/kubernetes/plugin/pkg/admission/network/denyserviceexternalips. */
import type { Service } from '../../schemas/types.ts'
import type { AdmissionPlugin } from './chain.ts'
import { refuse } from './refuse.ts'
import { isFor } from './subject.ts'

export const denyServiceExternalIPs: AdmissionPlugin = {
  name: 'DenyServiceExternalIPs',
  validate(attributes) {
    const { operation, object, oldObject } = attributes
    if ((operation !== 'CREATE' && operation !== 'UPDATE') || !isFor(attributes, 'services') || !object) return
    const old = (oldObject as Service | undefined)?.spec.externalIPs ?? []
    const wanted = (object as Service).spec.externalIPs ?? []
    if (wanted.some((ip) => !old.includes(ip))) throw refuse(attributes, 'Use of external IPs is denied by admission control')
  },
}
