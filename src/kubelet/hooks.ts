/** postStart and preStop. Models pkg/kubelet/lifecycle/handlers.go. */
import type { LifecycleHandler } from '../../schemas/types.ts'
import { performProbe, type ProbeSurroundings, type ProbeTarget } from './probes.ts'

const HOOK_TIMEOUT_MS = 3_600_000

/** Undefined when it went well, else why not. */
export async function runHook({ exec, httpGet, tcpSocket, sleep }: LifecycleHandler, target: ProbeTarget, { surroundings, timeoutMs = HOOK_TIMEOUT_MS }: { surroundings: ProbeSurroundings; timeoutMs?: number }): Promise<string | undefined> {
  if (sleep) {
    await surroundings.clock.sleep(Math.min(timeoutMs, (sleep.seconds ?? 0) * 1000))
    return undefined
  }
  const { isGood, output } = await performProbe({ exec, httpGet, tcpSocket }, target, { surroundings, timeoutMs })
  return isGood ? undefined : output
}
