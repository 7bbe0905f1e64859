/**
 * Keeps an APIService for each group and version that CustomResourceDefinitions serve. Models
 * k8s.io/kubernetes/pkg/controlplane/controller/crdregistration and k8s.io/kube-aggregator/pkg/controllers/autoregister.
 */
import type { APIService, CustomResourceDefinition } from '../schemas/types.ts'
import { equalJSON } from '../src/apimachinery/json.ts'
import { defineController, type ControllerContext } from '../src/controller/controller.ts'
import { isStatusError } from '../src/errors.ts'
import { DEFINITION, SERVER } from './_crd-conditions.ts'

const APISERVICE = 'apiregistration.k8s.io/v1/APIService'
const AUTOMANAGED = 'kube-aggregator.kubernetes.io/automanaged'
/** Custom resources come last, and in the order of their versions. */
const PRIORITIES = { groupPriorityMinimum: 1000, versionPriority: 100 }
const BY_VERSION = 'group-version'

export default defineController<APIService>({
  ...SERVER,
  name: 'crd-autoregistration',
  user: 'system:apiserver',
  for: APISERVICE,
  setup({ informers }) {
    informers.for<CustomResourceDefinition>(DEFINITION).addIndex(BY_VERSION, servedVersions)
  },
  wakes: ({ metadata }) => metadata.labels?.[AUTOMANAGED] === 'true',
  watches: {
    [DEFINITION]: (crd, _, old) => {
      const now = servedVersions(crd as CustomResourceDefinition)
      if (!old) return now
      const then = servedVersions(old as CustomResourceDefinition)
      return equalJSON(now, then) ? [] : [...now, ...then]
    },
  },
  async reconcile(service, ctx) {
    const name = service.metadata.name ?? ''
    if (service.metadata.labels?.[AUTOMANAGED] === 'true' && !isServed(name, ctx)) await ctx.client.delete(APISERVICE, { name })
  },
  async deleted(name, ctx) {
    if (!isServed(name, ctx)) return
    const dot = name.indexOf('.')
    try {
      await ctx.client.create<APIService>({
        apiVersion: 'apiregistration.k8s.io/v1',
        kind: 'APIService',
        metadata: { name, labels: { [AUTOMANAGED]: 'true' } },
        spec: { group: name.slice(dot + 1), version: name.slice(0, dot), ...PRIORITIES },
      })
    } catch (error) {
      if (!isStatusError(error, 'AlreadyExists')) throw error
    }
  },
})

/** `v1.example.com` */
function servedVersions({ spec }: CustomResourceDefinition): string[] {
  return (spec.versions ?? []).filter(({ served }) => served).map(({ name }) => `${name}.${spec.group}`)
}

function isServed(name: string, { informers }: ControllerContext): boolean {
  return informers.lister<CustomResourceDefinition>(DEFINITION).byIndex(BY_VERSION, name).length > 0
}
