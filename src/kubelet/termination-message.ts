/** What a container left to say at its end. Models getTerminationMessage of pkg/kubelet/kuberuntime/kuberuntime_container.go. */
import type { Container } from '../../schemas/types.ts'
import type { ContainerLog } from './container-logs.ts'
import type { FileNode } from './sandbox/nodes.ts'

const MAX_FILE = 4096
const MAX_LOG = 2048
const MAX_LOG_LINES = 80

export function terminationMessage({ terminationMessagePolicy }: Container, { file, log, code }: { file: FileNode; log: ContainerLog; code: number }): string {
  const text = file.read().subarray(0, MAX_FILE).toString()
  if (text !== '' || code === 0 || terminationMessagePolicy !== 'FallbackToLogsOnError') return text
  return log.tail(MAX_LOG_LINES, MAX_LOG)
}
