/**
 * Whether the servers behind APIServices can be asked: their Services, endpoints, and a request for what they serve.
 * Models k8s.io/kube-aggregator/pkg/controllers/status/remote.
 */
import type { APIService, APIServiceCondition, EndpointSlice, Service } from '../schemas/types.ts'
import { formatTime } from '../src/clock.ts'
import { defineController, keyOf, type ControllerContext } from '../src/controller/controller.ts'

const APISERVICE = 'apiregistration.k8s.io/v1/APIService'
const SERVICE = 'v1/Service'
const SLICE = 'discovery.k8s.io/v1/EndpointSlice'
const SERVICE_NAME = 'kubernetes.io/service-name'
const BY_SERVICE = 'service'
const RESYNC_MS = 30_000
const RETRY_MS = 2000

type Verdict = Pick<APIServiceCondition, 'status' | 'reason' | 'message'>

const failed = (reason: string, message: string): Verdict => ({ status: 'False', reason, message })

export default defineController<APIService>({
  name: 'remote-apiservice-availability',
  user: 'system:apiserver',
  manager: 'kube-apiserver',
  for: APISERVICE,
  setup({ informers }) {
    informers.for<APIService>(APISERVICE).addIndex(BY_SERVICE, ({ spec: { service } }) => (service ? [`${service.namespace ?? ''}/${service.name ?? ''}`] : []))
    informers.for<EndpointSlice>(SLICE).addIndex(BY_SERVICE, ({ metadata }) => [`${metadata.namespace ?? ''}/${metadata.labels?.[SERVICE_NAME] ?? ''}`])
  },
  wakes: ({ spec }, old) => JSON.stringify(spec) !== JSON.stringify(old?.spec),
  watches: {
    [SERVICE]: (service, ctx) => askedFor(keyOf(service), ctx),
    [SLICE]: ({ metadata }, ctx) => askedFor(`${metadata.namespace ?? ''}/${metadata.labels?.[SERVICE_NAME] ?? ''}`, ctx),
  },
  async reconcile(service, ctx) {
    if (!service.spec.service) return
    const problem = planSetup(service, ctx) ?? (await discoveryProblem(service, ctx))
    await setCondition(service, problem ?? { status: 'True', reason: 'Passed', message: 'all checks passed' }, ctx)
    return { requeueAfterMs: problem?.reason === 'FailedDiscoveryCheck' ? RETRY_MS : RESYNC_MS }
  },
})

function askedFor(service: string, { informers }: ControllerContext): string[] {
  return informers.lister<APIService>(APISERVICE).byIndex(BY_SERVICE, service).map(keyOf)
}

/** What is wrong before anybody is asked. */
export function planSetup({ spec }: APIService, { informers }: Pick<ControllerContext, 'informers'>): Verdict | undefined {
  const { namespace = '', name = '', port = 443 } = spec.service ?? {}
  const about = `service/${name} in "${namespace}"`
  const service = informers.lister<Service>(SERVICE).get(namespace, name)
  if (!service) return failed('ServiceNotFound', `${about} is not present`)
  if ((service.spec.type ?? 'ClusterIP') !== 'ClusterIP') return undefined
  const found = service.spec.ports?.find((p) => p.port === port)
  if (!found) return failed('ServicePortError', `${about} is not listening on port ${port}`)
  const slices = informers.lister<EndpointSlice>(SLICE).byIndex(BY_SERVICE, `${namespace}/${name}`)
  if (slices.length === 0) return failed('EndpointsNotFound', `cannot find endpointslices for ${about}`)
  const portName = found.name ?? ''
  const isReady = ({ endpoints, ports = [] }: EndpointSlice) => (endpoints ?? []).some(({ conditions }) => conditions?.ready !== false) && ports.some((p) => (p.name ?? '') === portName && p.port !== undefined)
  return slices.some(isReady) ? undefined : failed('MissingEndpoints', `endpointslices for ${about} have no addresses with port name "${portName}"`)
}

async function discoveryProblem(service: APIService, { checkAPIService }: ControllerContext): Promise<Verdict | undefined> {
  const problem = await checkAPIService?.(service)
  return problem === undefined ? undefined : failed('FailedDiscoveryCheck', problem)
}

async function setCondition(service: APIService, verdict: Verdict, { client, clock }: ControllerContext): Promise<void> {
  const conditions = service.status?.conditions ?? []
  const current = conditions.find(({ type }) => type === 'Available')
  if (current?.status === verdict.status && current?.reason === verdict.reason && current?.message === verdict.message) return
  const since = current?.status === verdict.status ? current?.lastTransitionTime : formatTime(clock.now())
  const condition = { type: 'Available', lastTransitionTime: since, ...verdict }
  await client.updateStatus<APIService>({ ...service, status: { ...service.status, conditions: [...conditions.filter((c) => c !== current), condition] } })
}
