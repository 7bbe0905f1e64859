/** networking.k8s.io/v1 Ingress. Models k8s.io/kubernetes/pkg/registry/networking/ingress. */
import { warningsForIP } from '../../../src/apimachinery/validation-ip.ts'
import { defineKind } from '../../../src/registry/kind.ts'
import type { Ingress } from '../../../schemas/types.ts'
import { ageColumn, nameColumn } from '../../_columns.ts'
import { loadBalancerText } from '../../core/v1/service.ts'
import { CLASS_ANNOTATION, validateIngressCreate, validateIngressStatus, validateIngressUpdate } from './_ingress-validation.ts'

const SHOWN_HOSTS = 3

/** The first hosts; rules past the point where there are enough are only counted. */
function hostsText({ spec }: Ingress): string {
  const hosts: string[] = []
  let isMore = false
  const rules = spec.rules ?? []
  for (const { host } of rules) {
    if (hosts.length === SHOWN_HOSTS) isMore = true
    if (!isMore && host) hosts.push(host)
  }
  if (hosts.length === 0) return '*'
  return isMore ? `${hosts.join(',')} + ${rules.length - SHOWN_HOSTS} more...` : hosts.join(',')
}

export default defineKind<Ingress>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'Ingress',
  plural: 'ingresses',
  shortNames: ['ing'],
  namespaced: true,
  storagePrefix: 'registry/ingress',
  generation: true,
  subresources: {
    status: {
      prepareForUpdate({ status }, _old, ctx) {
        status?.loadBalancer?.ingress?.forEach(({ ip }, i) => ip && warningsForIP(`status.loadBalancer.ingress[${i}]`, ip).forEach((text) => ctx.warn(text)))
      },
      validateUpdate: validateIngressStatus,
    },
  },
  columns: [
    nameColumn,
    { name: 'Class', value: ({ spec }) => spec.ingressClassName ?? '<none>' },
    { name: 'Hosts', value: hostsText },
    { name: 'Address', value: ({ status }) => loadBalancerText(status?.loadBalancer) },
    { name: 'Ports', value: ({ spec }) => (spec.tls?.length ? '80, 443' : '80') },
    ageColumn,
  ],
  validate: validateIngressCreate,
  validateUpdate: validateIngressUpdate,
  warnings(ingress, old) {
    if (old || ingress.metadata.annotations?.[CLASS_ANNOTATION] === undefined || ingress.spec.ingressClassName !== undefined) return []
    return [`annotation "${CLASS_ANNOTATION}" is deprecated, please use 'spec.ingressClassName' instead`]
  },
})
