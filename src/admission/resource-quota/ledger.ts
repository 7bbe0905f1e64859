/**
 * Charges quotas for what is about to be written. What waits in one namespace is charged together, in one write of each
 * quota's status, which succeeds only if nobody changed it meanwhile. Models quotaEvaluator of
 * k8s.io/apiserver/pkg/admission/plugin/resourcequota/controller.go.
 */
import type { ResourceQuota } from '../../../schemas/types.ts'
import type { ResourceList } from '../../apimachinery/resource-list.ts'
import { conflict, MODIFIED } from '../../errors.ts'
import type { SystemReader } from '../../registry/kind.ts'
import type { AdmissionAttributes, Undo } from '../chain.ts'
import { charged, chargesOf, refunded } from './check.ts'
import type { LimitedResource } from './limited.ts'

export const KIND = 'v1/ResourceQuota'
const RETRIES = 3

type Charges = Map<string, ResourceList>

interface Waiter {
  attributes: AdmissionAttributes
  /** What quotas have counted for it so far. */
  paid: Charges
  /** The charge is on its way no more. */
  end(): void
  resolve(undo: Undo | undefined): void
  reject(error: unknown): void
}

export class QuotaLedger {
  /** By namespace; a namespace is here while its charges are written. */
  readonly #waiting = new Map<string, Waiter[]>()
  readonly #limited: readonly LimitedResource[]

  /** @param limited what must be covered by some quota */
  constructor(limited: readonly LimitedResource[]) {
    this.#limited = limited
  }

  /** Resolves when the quotas count the request. Rejects with a StatusError when it does not fit. */
  charge(attributes: AdmissionAttributes): Promise<Undo | undefined> {
    return new Promise((resolve, reject) => {
      const { namespace, ctx } = attributes
      const waiter: Waiter = { attributes, paid: new Map(), end: ctx.system.chargesInFlight.begin(namespace), resolve, reject }
      const queue = this.#waiting.get(namespace)
      if (queue) queue.push(waiter)
      else void this.#run(namespace, waiter)
    })
  }

  async #run(namespace: string, first: Waiter): Promise<void> {
    this.#waiting.set(namespace, [first])
    for (let batch = this.#take(namespace); batch.length > 0; batch = this.#take(namespace)) {
      try {
        const { system } = first.attributes.ctx
        await settle(system, batch, { quotas: system.list<ResourceQuota>(KIND, namespace), limited: this.#limited, retries: RETRIES })
      } catch (error) {
        for (const waiter of batch) refuse(first.attributes.ctx.system, waiter, error)
      }
    }
    this.#waiting.delete(namespace)
  }

  #take(namespace: string): Waiter[] {
    return this.#waiting.get(namespace)?.splice(0) ?? []
  }
}

/** Answers every waiter; those who only wait for quotas that were changed by others meanwhile are tried again. */
async function settle(system: SystemReader, waiters: readonly Waiter[], { quotas, limited, retries }: { quotas: readonly ResourceQuota[]; limited: readonly LimitedResource[]; retries: number }): Promise<void> {
  const { running, pending } = count(quotas, waiters, limited)
  const changed = running.filter((quota, i) => quota !== quotas[i])
  const outcomes = await Promise.all(changed.map((quota) => write(system, quota)))
  const failed = new Set<string>()
  let problem: unknown
  for (const { name, error } of outcomes) {
    if (error === undefined) continue
    failed.add(name)
    problem = error
  }
  for (const { waiter, charges } of pending) for (const [name, charge] of charges) if (!failed.has(name)) waiter.paid.set(name, charge)
  const unpaid = pending.filter(({ charges }) => [...charges.keys()].some((name) => failed.has(name))).map(({ waiter }) => waiter)
  for (const { waiter } of pending) if (!unpaid.includes(waiter)) accept(system, waiter)
  if (unpaid.length === 0) return
  if (retries === 0) return unpaid.forEach((waiter) => refuse(system, waiter, problem))
  const namespace = unpaid[0]?.attributes.namespace ?? ''
  const again = system.list<ResourceQuota>(KIND, namespace).filter(({ metadata }) => failed.has(metadata.name ?? ''))
  // What is covered was seen the first time, when all quotas were there.
  await settle(system, unpaid, { quotas: again, limited: [], retries: retries - 1 })
}

/** The quotas with all that fits counted, one waiter after the other. */
function count(quotas: readonly ResourceQuota[], waiters: readonly Waiter[], limited: readonly LimitedResource[]): { running: ResourceQuota[]; pending: { waiter: Waiter; charges: Charges }[] } {
  let running = [...quotas]
  const pending: { waiter: Waiter; charges: Charges }[] = []
  for (const waiter of waiters) {
    const { system } = waiter.attributes.ctx
    try {
      const charges = chargesOf(running, waiter.attributes, limited)
      if (charges.size === 0) accept(system, waiter)
      else pending.push({ waiter, charges })
      running = running.map((quota) => {
        const charge = charges.get(quota.metadata.name ?? '')
        return charge ? charged(quota, charge) : quota
      })
    } catch (error) {
      refuse(system, waiter, error)
    }
  }
  return { running, pending }
}

async function write(system: SystemReader, quota: ResourceQuota): Promise<{ name: string; error?: unknown }> {
  const { name = '', namespace = '', resourceVersion } = quota.metadata
  try {
    const replace = (current: ResourceQuota): ResourceQuota => {
      if (current.metadata.resourceVersion !== resourceVersion) throw conflict({ group: '', resource: 'resourcequotas' }, name, MODIFIED)
      return quota
    }
    await system.update<ResourceQuota>(KIND, { namespace, name }, replace, { subresource: 'status' })
    return { name }
  } catch (error) {
    return { name, error }
  }
}

function accept(system: SystemReader, waiter: Waiter): void {
  const { paid, end, resolve } = waiter
  if (paid.size === 0) end()
  resolve(paid.size > 0 ? Object.assign(() => void refund(system, waiter), { kept: end }) : undefined)
}

function refuse(system: SystemReader, waiter: Waiter, error: unknown): void {
  void refund(system, waiter)
  waiter.reject(error)
}

async function refund(system: SystemReader, { attributes: { namespace }, paid, end }: Waiter): Promise<void> {
  for (const [name, charge] of paid) {
    try {
      await system.update<ResourceQuota>(KIND, { namespace, name }, (current) => refunded(current, charge), { subresource: 'status' })
    } catch {
      // The quota is gone, or its controller counts anew anyway.
    }
  }
  end()
}
