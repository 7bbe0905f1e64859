/** postStart and preStop. Models pkg/kubelet/lifecycle/handlers.go. */
import type { LifecycleHandler } from '../../schemas/types.ts'
import { performProbe, probeHttp, type ProbeSurroundings, type ProbeTarget } from './probes.ts'

const HOOK_TIMEOUT_MS = 3_600_000

/** What a server says that does not speak TLS. */
const NO_TLS = /wrong version number|packet length too long|EPROTO|HTTP response to HTTPS/

export interface HookHow {
  surroundings: ProbeSurroundings
  timeoutMs?: number
  /** A server that was asked by HTTPS answered by HTTP alone. */
  fellBack?(host: string): void
}

/** Undefined when it went well, else why not. */
export async function runHook({ exec, httpGet, sleep }: LifecycleHandler, target: ProbeTarget, { surroundings, timeoutMs = HOOK_TIMEOUT_MS, fellBack }: HookHow): Promise<string | undefined> {
  if (sleep) {
    await surroundings.clock.sleep(Math.min(timeoutMs, (sleep.seconds ?? 0) * 1000))
    return undefined
  }
  if (httpGet) {
    const how = { ...surroundings, timeoutMs, purpose: 'lifecycle' } as const
    const { isGood, output } = await probeHttp(httpGet, target, how)
    if (isGood || httpGet.scheme !== 'HTTPS' || !NO_TLS.test(output)) return isGood ? undefined : output
    const again = await probeHttp({ ...httpGet, scheme: 'HTTP' }, target, how)
    if (!again.isGood) return output
    fellBack?.(`${httpGet.host || target.podIP}:${String(httpGet.port)}`)
    return undefined
  }
  if (!exec) return 'invalid handler'
  const { isGood, output } = await performProbe({ exec }, target, { surroundings, timeoutMs })
  return isGood ? undefined : output
}
