/**
 * Processes of this machine that stand in for ports of a pod, where its annotation names them: `orrery.io/redirect-ports: "80=3000"`.
 * Whoever connects to the pod's port, by whatever Service, reaches what listens on the loopback address here.
 */
import type { Pod } from '../../schemas/types.ts'

export const REDIRECT_ANNOTATION = 'orrery.io/redirect-ports'

const LOOPBACK = '127.0.0.1'

/** The host's address for a port of a pod. Only loopback addresses can be named, since whoever may create pods names them. */
export function redirectOf(pod: Pod | undefined, port: number): { host: string; port: number } | undefined {
  for (const entry of pod?.metadata.annotations?.[REDIRECT_ANNOTATION]?.split(',') ?? []) {
    const [, from, host = LOOPBACK, to] = /^\s*(\d+)=(?:(127(?:\.\d+){3}|localhost):)?(\d+)\s*$/.exec(entry) ?? []
    if (Number(from) === port) return { host, port: Number(to) }
  }
  return undefined
}
