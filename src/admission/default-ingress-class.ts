/** Ingresses that name no class get the default one. Models k8s.io/kubernetes/plugin/pkg/admission/network/defaultingressclass. */
import type { Ingress, IngressClass } from '../../schemas/types.ts'
import type { AdmissionPlugin } from './chain.ts'
import { newestDefault } from './newest-default.ts'
import { isFor } from './subject.ts'

const IS_DEFAULT = ['ingressclass.kubernetes.io/is-default-class']
const CLASS_BETA = 'kubernetes.io/ingress.class'

export const defaultIngressClass: AdmissionPlugin = {
  name: 'DefaultIngressClass',
  mutate(attributes) {
    const { operation, object, ctx } = attributes
    if (operation !== 'CREATE' || !isFor(attributes, 'ingresses', 'networking.k8s.io') || !object) return
    const ingress = object as Ingress
    if (ingress.spec?.ingressClassName !== undefined || ingress.metadata.annotations?.[CLASS_BETA] !== undefined) return
    const found = newestDefault(ctx.system.list<IngressClass>('networking.k8s.io/v1/IngressClass'), IS_DEFAULT)
    if (found?.metadata.name) ingress.spec = { ...ingress.spec, ingressClassName: found.metadata.name }
  },
}
