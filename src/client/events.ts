/**
 * Records core/v1 Events with the aggregation and series counting of client-go's tools/record (events_cache.go): equal
 * events raise `count` and `lastTimestamp`, many similar ones are combined, a source that floods is cut off.
 */
import type { KubeObject } from '../registry/kind.ts'

export interface EventRecorder {
  /**
   * @param about the object the event is about (its apiVersion, kind, namespace, name, uid and resourceVersion are used)
   * @param fieldPath e.g. `spec.containers{app}` for events about a container
   * @param action given by components that write events.k8s.io/v1 (the scheduler): eventTime and reportingController instead of source
   * @param host becomes source.host
   * @param annotations of the event itself
   * @param component who reports, where it is not who the recorder is for (a scheduler of another name)
   */
  event(about: KubeObject, type: 'Normal' | 'Warning', reason: string, message: string, options?: { fieldPath?: string; related?: KubeObject; action?: string; host?: string; component?: string; annotations?: Readonly<Record<string, string>> }): void
}
