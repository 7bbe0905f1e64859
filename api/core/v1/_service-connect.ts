/**
 * What is refused before a request is passed on to a service. Models REST.ResourceLocation of
 * k8s.io/kubernetes/pkg/registry/core/service/storage/storage.go.
 */
import type { Endpoints, Service } from '../../../schemas/types.ts'
import { notFound, StatusError } from '../../../src/errors.ts'
import type { ConnectRequest } from '../../../src/registry/kind.ts'
import { splitSchemeNamePort } from './_pod-connect.ts'

/** `service`, `service:port` or `scheme:service:port`. */
export function checkServiceProxy({ name: id, ctx }: ConnectRequest): void {
  const { name, port } = splitSchemeNamePort(id, 'service')
  const missing = () => notFound({ group: '', resource: 'services' }, name)
  if (/^[-+]?[0-9]+$/.test(port)) {
    const service = ctx.system.get<Service>('v1/Service', ctx.namespace, name)
    if (!service) throw missing()
    if (!service.spec.ports?.some((p) => p.port === Number(port))) throw unavailable(`no service port ${Number(port)} found for service "${name}"`)
  }
  const endpoints = ctx.system.get<Endpoints>('v1/Endpoints', ctx.namespace, name)
  if (!endpoints) throw missing()
  if (!endpoints.subsets?.some((subset) => subset.addresses?.length)) throw unavailable(`no endpoints available for service "${endpoints.subsets?.length ? id : name}"`)
}

function unavailable(message: string): StatusError {
  return new StatusError({ code: 503, reason: 'ServiceUnavailable', message })
}
