/** Quotas count what is written before it is written. Models k8s.io/apiserver/pkg/admission/plugin/resourcequota. */
import type { ResourceQuota } from '../../schemas/types.ts'
import type { AdmissionPlugin } from './chain.ts'
import { chargesOf, isCounted } from './resource-quota/check.ts'
import { KIND, QuotaLedger } from './resource-quota/ledger.ts'
import type { LimitedResource } from './resource-quota/limited.ts'

export function resourceQuota({ limitedResources: limited = [] }: { limitedResources?: readonly LimitedResource[] } = {}): AdmissionPlugin {
  const ledger = new QuotaLedger(limited)
  return {
    name: 'ResourceQuota',
    validate(attributes) {
      const { namespace, ctx } = attributes
      if (!namespace || !isCounted(attributes)) return undefined
      const quotas = ctx.system.list<ResourceQuota>(KIND, namespace)
      if (quotas.length === 0 && limited.length === 0) return undefined
      const charges = chargesOf(quotas, attributes, limited)
      return charges.size === 0 || ctx.dryRun ? undefined : ledger.charge(attributes)
    },
  }
}
