/** What pod security checks are made of. Models checks.go, helpers.go and visitor.go of k8s.io/pod-security-admission/policy. */
import type { Container, ObjectMeta, PodSpec } from '../../../schemas/types.ts'
import { allContainers } from '../pod-references.ts'

export interface Finding {
  /** "host namespaces": enough where many pods are reported. */
  reason: string
  /** "hostNetwork=true" */
  detail: string
}

export interface Subject {
  metadata: ObjectMeta
  spec: PodSpec
}

/** Nothing where the pod is fine. */
export type CheckPod = (subject: Subject) => Finding | undefined

export interface Check {
  id: string
  level: 'baseline' | 'restricted'
  /** By the minor version from which they count, rising. */
  versions: readonly { since: number; check: CheckPod }[]
  /** The baseline check that this one is a stricter form of. */
  replaces?: string
}

export function quoted(items: readonly string[]): string {
  return items.length === 0 ? '' : `"${items.join('", "')}"`
}

export function plural(singular: string, several: string, count: number): string {
  return count === 1 ? singular : several
}

/** `container "a"`, `containers "a", "b"` */
export function containersText(names: readonly string[]): string {
  return `${plural('container', 'containers', names.length)} ${quoted(names)}`
}

/** The names of the containers for which the test holds, in the order upstream visits them. */
export function namesWhere({ spec }: Subject, test: (container: Container) => boolean): string[] {
  return allContainers(spec).filter((c) => test(c as Container)).map(({ name = '' }) => name)
}

/** Each once, sorted. */
export function sorted(items: Iterable<string>): string[] {
  return [...new Set(items)].sort()
}

/** "pod and containers ..." */
export function settersText(isPod: boolean, containers: readonly string[]): string {
  return [...(isPod ? ['pod'] : []), ...(containers.length > 0 ? [containersText(containers)] : [])].join(' and ')
}

export const isWindows = ({ spec }: Subject): boolean => spec.os?.name === 'windows'

/** Pods in a user namespace of their own may be root in it. */
export const hasUserNamespace = ({ spec }: Subject): boolean => spec.hostUsers === false
