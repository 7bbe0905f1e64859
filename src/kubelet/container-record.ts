/**
 * What a kubelet knows of each container of a pod, between the runtime that runs it and the status that reports it.
 * It is rebuilt from the status in the API when a pod is taken up again. Models pkg/kubelet/container.Status.
 */
import { createHash } from 'node:crypto'
import { formatTime, type Random } from '../clock.ts'
import type { Container, ContainerState, ContainerStatus, Pod, ResourceRequirements } from '../../schemas/types.ts'
import type { ContainerRole, Exit, RunningContainer } from './runtimes/runtime.ts'

export interface ContainerRecord {
  /** With the resources that were granted. */
  container: Container
  /** The resources of the run that is. */
  actual?: ResourceRequirements
  /** It ended to begin again at once, whatever its policy says. */
  mustRestart?: boolean
  readonly name: string
  readonly role: ContainerRole
  state: 'waiting' | 'starting' | 'running' | 'exited'
  /** Why it waits, when it is not for its turn. */
  waiting?: { reason: string; message?: string }
  startedAt?: string
  exit?: Exit & { reason: string; finishedAt: string; finishedAtMs: number }
  /** The previous run, as reported. */
  lastState?: ContainerState
  ready: boolean
  started: boolean
  restartCount: number
  containerID?: string
  /** Who its processes run as. */
  user?: { uid: number; gid: number; groups: readonly number[] }
  handle?: RunningContainer
}

export function isSidecar(container: Container): boolean {
  return container.restartPolicy === 'Always'
}

export function newRecords(pod: Pod): ContainerRecord[] {
  const { initContainers = [], containers = [] } = pod.spec
  const records: ContainerRecord[] = []
  for (const container of initContainers) records.push(newRecord(container, isSidecar(container) ? 'sidecar' : 'init', pod.status?.initContainerStatuses))
  for (const container of containers) records.push(newRecord(container, 'app', pod.status?.containerStatuses))
  addEphemeral(records, pod)
  return records
}

/** Records of which the pod now says another thing, and what. */
export function changedContainers({ spec }: Pod, records: readonly ContainerRecord[]): [ContainerRecord, Container][] {
  const all: readonly Container[] = [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...(spec.ephemeralContainers ?? [])]
  return records.flatMap((record): [ContainerRecord, Container][] => {
    const container = all.find((c) => c.name === record.name)
    return container && container !== record.container ? [[record, container]] : []
  })
}

/** Ephemeral containers come while a pod runs; none is ever taken away. */
export function addEphemeral(records: ContainerRecord[], { spec, status }: Pod): void {
  const known = records.filter((r) => r.role === 'ephemeral').length
  for (const container of spec.ephemeralContainers?.slice(known) ?? []) records.push(newRecord(container, 'ephemeral', status?.ephemeralContainerStatuses))
}

function newRecord(container: Container, role: ContainerRole, statuses: readonly ContainerStatus[] | undefined): ContainerRecord {
  const { name = '' } = container
  const status = statuses?.find((s) => s.name === name)
  const record: ContainerRecord = { container, name, role, state: 'waiting', ready: false, started: false, restartCount: 0 }
  return status ? restore(record, status) : record
}

function restore(record: ContainerRecord, status: ContainerStatus): ContainerRecord {
  const { state, lastState, restartCount = 0, ready = false, started = false, containerID } = status
  record.restartCount = restartCount
  if (lastState && (lastState.terminated || lastState.running || lastState.waiting)) record.lastState = lastState
  if (containerID) record.containerID = containerID
  const ended = state?.terminated ?? (state?.waiting ? lastState?.terminated : undefined)
  if (state?.running) {
    record.state = 'running'
    record.startedAt = state.running.startedAt
    record.ready = ready
    record.started = started
    record.actual = status.resources ?? record.container.resources ?? {}
  } else if (ended) {
    const { exitCode: code = 0, reason = '', message, signal, startedAt, finishedAt = '' } = ended
    record.state = 'exited'
    record.startedAt = startedAt
    record.exit = { code, reason, finishedAt, finishedAtMs: Date.parse(finishedAt) || 0, ...(message ? { message } : {}), ...(signal ? { signal } : {}) }
    record.ready = record.role === 'init' && code === 0
    if (state?.waiting?.reason) record.waiting = { reason: state.waiting.reason, ...(state.waiting.message ? { message: state.waiting.message } : {}) }
  }
  return record
}

/** Called when the runtime is asked to start it, also for the next time. */
export function markStarting(record: ContainerRecord, random: Random): void {
  if (record.state === 'exited') {
    record.lastState = { terminated: terminatedState(record) }
    record.restartCount++
  }
  record.state = 'starting'
  record.containerID = `containerd://${Buffer.from(random.bytes(32)).toString('hex')}`
  record.ready = false
  record.started = false
  record.actual = record.container.resources ?? {}
  delete record.mustRestart
  delete record.exit
  delete record.waiting
}

export function markRunning(record: ContainerRecord, nowMs: number): void {
  record.state = 'running'
  record.startedAt = formatTime(nowMs)
  record.started = !record.container.startupProbe
}

export function markReady(record: ContainerRecord, isReady: boolean): void {
  if (record.state !== 'running') return
  if (isReady) record.started = true
  record.ready = isReady
}

export function markExited(record: ContainerRecord, exit: Exit, nowMs: number): void {
  record.state = 'exited'
  record.startedAt ??= formatTime(nowMs)
  record.exit = { ...exit, reason: exit.reason ?? (exit.code === 0 ? 'Completed' : 'Error'), finishedAt: formatTime(nowMs), finishedAtMs: nowMs }
  record.ready = record.role === 'init' && exit.code === 0
  record.started = false
  delete record.handle
}

export function terminatedState(record: ContainerRecord): ContainerState['terminated'] {
  const { exit, startedAt, containerID } = record
  return {
    exitCode: exit?.code ?? 0,
    ...(exit?.signal ? { signal: exit.signal } : {}),
    reason: exit?.reason ?? '',
    ...(exit?.message ? { message: exit.message } : {}),
    startedAt,
    finishedAt: exit?.finishedAt,
    ...(containerID ? { containerID } : {}),
  }
}

/** `nginx` as containerd reports it: `docker.io/library/nginx:latest`. */
export function fullImageName(image: string): string {
  const slash = image.indexOf('/')
  const host = slash < 0 ? '' : image.slice(0, slash)
  const named = /[.:]|^localhost$/.test(host) ? image : `docker.io/${slash < 0 ? 'library/' : ''}${image}`
  return /:[^/]*$|@/.test(named) ? named : `${named}:latest`
}

const imageIDs = new Map<string, string>()

/** A digest that is the same wherever the same image is used. */
export function imageID(image: string): string {
  const known = imageIDs.get(image)
  if (known) return known
  const full = fullImageName(image)
  const repository = full.replace(/@.*$/, '').replace(/:[^/]*$/, '')
  const digest = /@(sha256:[0-9a-f]+)$/.exec(full)?.[1] ?? `sha256:${createHash('sha256').update(full).digest('hex')}`
  if (imageIDs.size >= 10_000) imageIDs.clear()
  imageIDs.set(image, `${repository}@${digest}`)
  return `${repository}@${digest}`
}
