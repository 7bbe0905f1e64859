/** Quotas count what is written before it is written. Models k8s.io/apiserver/pkg/admission/plugin/resourcequota. */
import type { ResourceQuota } from '../../schemas/types.ts'
import type { AdmissionPlugin } from './chain.ts'
import { chargesOf, isCounted } from './resource-quota/check.ts'
import { KIND, QuotaLedger } from './resource-quota/ledger.ts'

export function resourceQuota(): AdmissionPlugin {
  const ledger = new QuotaLedger()
  return {
    name: 'ResourceQuota',
    validate(attributes) {
      const { namespace, ctx } = attributes
      if (!namespace || !isCounted(attributes)) return undefined
      const quotas = ctx.system.list<ResourceQuota>(KIND, namespace)
      if (quotas.length === 0) return undefined
      const charges = chargesOf(quotas, attributes)
      return charges.size === 0 || ctx.dryRun ? undefined : ledger.charge(attributes)
    },
  }
}
