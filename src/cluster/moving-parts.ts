/** Controllers, scheduler and kubelets: started in order, each as its own user, and closed together. */
import type { Logger } from 'pino'
import { CertificateSigner } from '../auth/certificate-signer.ts'
import type { ClusterPki } from '../auth/pki.ts'
import { ApiClient } from '../client/api-client.ts'
import { Recorder } from '../client/event-recorder.ts'
import type { Clock, Random } from '../clock.ts'
import type { ControllerDefinition, LoopDefinition } from '../controller/controller.ts'
import { ControllerManager } from '../controller/manager.ts'
import type { UserInfo } from '../registry/kind.ts'
import { Scheme } from '../registry/scheme.ts'
import type { ControlPlane } from './control-plane.ts'
import { clusterDNS, SETTINGS, type AddressRanges } from './options.ts'
import { remoteReader } from './remote-reader.ts'

/** Controllers, scheduler and kubelets: all that acts by itself. */
interface MovingParts {
  /** In the order of starting. */
  definitions: readonly (ControllerDefinition | LoopDefinition)[]
  loadBalancerCIDR: string
  ranges: AddressRanges
  pki: ClusterPki
  clock: Clock
  random: Random
  log: Logger
}

export interface RunningParts {
  /** Whether nothing of them has anything to do now. */
  readonly idle: boolean
  close(): Promise<void>
}

/** Starts loops and controllers, in the order given. */
export function startParts({ api, informers, keys, authorizer, aggregation }: ControlPlane, { definitions, loadBalancerCIDR, ranges, pki, clock, random, log }: MovingParts): RunningParts {
  const recorders: Recorder[] = []
  const clientFor = (user: UserInfo, name: string) => new ApiClient(api, user, { name, authorizer })
  const signer = new CertificateSigner(pki.ca, { clock, random })
  const manager = new ControllerManager({
    clientFor,
    recorderFor: (component, user) => {
      const recorder = new Recorder({ client: clientFor(user, component), clock, random, log, component })
      recorders.push(recorder)
      return recorder
    },
    kinds: deletableKinds(api.scheme),
    signLegacyToken: (account, secretName) => keys.signLegacy(account, secretName),
    signCertificate: (request) => signer.sign(request),
    served: () => api.scheme.all(),
    readRemote: remoteReader({ aggregation, authorizer }),
    isCharging: (namespace) => api.system.chargesInFlight.has(namespace),
    checkAPIService: (service) => aggregation.aggregator.check(service),
    informers,
    clock,
    random,
    log,
    settings: { ...SETTINGS, ...ranges, clusterDNS: clusterDNS(ranges), loadBalancerCIDR, rootCA: pki.ca.cert },
  })
  for (const definition of definitions) {
    if ('start' in definition) manager.startLoop(definition)
    else manager.startController(definition)
  }
  return {
    get idle() {
      return manager.idle
    },
    async close() {
      for (const recorder of recorders) recorder.close()
      await manager.close()
    },
  }
}

/** Every kind that can be listed and deleted, in one of its versions. */
function deletableKinds(scheme: Scheme): () => { kind: string; plural: string; namespaced: boolean }[] {
  let known: { generation: number; kinds: { kind: string; plural: string; namespaced: boolean }[] } | undefined
  return () => {
    if (known?.generation !== scheme.generation) {
      const kinds = scheme.all().filter((k) => k === k.storage && !k.definition.isAlternative && k.verbs.includes('delete'))
      known = { generation: scheme.generation, kinds: kinds.map((k) => ({ kind: k.ref, plural: k.plural, namespaced: k.namespaced })) }
    }
    return known.kinds
  }
}
