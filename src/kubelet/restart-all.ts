/**
 * Containers whose end makes all of their pod begin anew (`restartPolicyRules` with RestartAllContainers). Pure.
 * Models ShouldAllContainersRestart of pkg/kubelet/container and GenerateAllContainersRestartingCondition of pkg/kubelet/status.
 */
import type { Container, Pod } from '../../schemas/types.ts'
import { terminatedState, type ContainerRecord } from './container-record.ts'

type Rule = NonNullable<Container['restartPolicyRules']>[number]

/** The first rule that an exit code matches. */
export function matchingRule({ restartPolicyRules = [] }: Container, exitCode: number): Rule | undefined {
  return restartPolicyRules.find(({ exitCodes }) => {
    const listed = exitCodes?.values?.includes(exitCode) ?? false
    return exitCodes?.operator === 'NotIn' ? !listed : listed
  })
}

export function mustRestartAll(records: readonly ContainerRecord[]): boolean {
  return records.some(({ container, state, exit }) => state === 'exited' && exit !== undefined && matchingRule(container, exit.code)?.action === 'RestartAllContainers')
}

/** As if it had never run, but that it has. */
export function resetForRestart(record: ContainerRecord): void {
  if (record.state === 'exited') {
    record.lastState = { terminated: terminatedState(record) }
    record.restartCount++
  }
  record.state = 'waiting'
  record.ready = false
  record.started = false
  delete record.exit
  delete record.waiting
  delete record.mustRestart
}

/** Told of pods that have such a rule. */
export function restartingCondition({ spec }: Pod, records: readonly ContainerRecord[], phase: string): { status: 'True' | 'False'; reason?: string; message?: string } | undefined {
  const has = [...(spec.initContainers ?? []), ...(spec.containers ?? [])].some((c) => c.restartPolicyRules?.some((r) => r.action === 'RestartAllContainers'))
  if (!has) return undefined
  if (phase === 'Succeeded') return { status: 'False', reason: 'PodCompleted' }
  if (phase === 'Failed') return { status: 'False', reason: 'PodFailed' }
  return mustRestartAll(records) ? { status: 'True', reason: 'RestartAllContainersStarted', message: 'container exited with restart policy rule' } : { status: 'False' }
}
