/**
 * Which controllers run, as `--controllers` says: `*` for all, `name` for one, `-name` for all but one; the first that
 * speaks of a controller counts. Those of other programs upstream stay unless they are named. Models IsControllerEnabled of k8s.io/controller-manager/app and the validation of
 * cmd/kube-controller-manager/app/options.
 */
interface Named {
  name: string
  user?: string
  program?: string
}

const SUFFIX = '-controller'
/** What acts as the server is part of kube-apiserver upstream, and runs whatever the flag says. */
const SERVER = 'system:apiserver'

/** Former names that upstream still takes, besides those that lack the suffix only. */
const ALIASES: Readonly<Record<string, string>> = {
  attachdetach: 'persistentvolume-attach-detach',
  bootstrapsigner: 'bootstrap-signer',
  csrapproving: 'certificatesigningrequest-approving',
  csrcleaner: 'certificatesigningrequest-cleaner',
  csrsigning: 'certificatesigningrequest-signing',
  endpoint: 'endpoints',
  endpointslicemirroring: 'endpointslice-mirroring',
  garbagecollector: 'garbage-collector',
  horizontalpodautoscaling: 'horizontal-pod-autoscaler',
  'legacy-service-account-token-cleaner': 'legacy-serviceaccount-token-cleaner',
  nodelifecycle: 'node-lifecycle',
  podgc: 'pod-garbage-collector',
  'pv-protection': 'persistentvolume-protection',
  'pvc-protection': 'persistentvolumeclaim-protection',
  'resource-claim-controller': 'resourceclaim',
  'root-ca-cert-publisher': 'root-ca-certificate-publisher',
  service: 'service-lb',
  tokencleaner: 'token-cleaner',
}

/** The name by which `--controllers` knows it. */
export function switchName({ name }: Named): string {
  return `${name}${SUFFIX}`
}

export class UnknownControllerError extends Error {}

/** @throws UnknownControllerError in upstream's words for a name that no controller has */
export function selectControllers<D extends Named>(all: readonly D[], wanted: readonly string[]): D[] {
  const known = new Set(all.filter(({ user }) => user !== SERVER).map(switchName))
  const items = wanted.map((item) => {
    const [sign, said] = item.startsWith('-') ? ['-', item.slice(1)] : ['', item]
    const name = said === '*' || known.has(said) ? said : `${ALIASES[said] ?? said}${SUFFIX}`
    if (name !== '*' && !known.has(name)) throw new UnknownControllerError(`"${said}" is not in the list of known controllers`)
    return sign + name
  })
  return all.filter((d) => d.user === SERVER || isEnabled(switchName(d), items, d.program !== undefined))
}

function isEnabled(name: string, wanted: readonly string[], isApart: boolean): boolean {
  const said = wanted.find((item) => item === name || item === `-${name}`)
  return said === undefined ? isApart || wanted.includes('*') : said === name
}
