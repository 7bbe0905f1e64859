/** Probes and lifecycle hooks. Models validateProbe, validateHandler and validateLifecycle of k8s.io/kubernetes/pkg/apis/core/validation/validation.go. */
import type { ExecAction, GRPCAction, HTTPGetAction, Lifecycle, Probe, SleepAction, TCPSocketAction } from '../../../schemas/types.ts'
import { validateNonnegativeField } from '../../../src/apimachinery/validate-meta.ts'
import { isHTTPHeaderName, isValidPortName, isValidPortNum } from '../../../src/apimachinery/validation.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import { need } from './_path-validation.ts'

interface Handler {
  exec?: ExecAction
  httpGet?: HTTPGetAction
  tcpSocket?: TCPSocketAction
  grpc?: GRPCAction
  sleep?: SleepAction
}

const HTTP_SCHEMES = ['HTTP', 'HTTPS']

/** @param graceSeconds of the pod, which a sleep must not exceed */
function validateHandler(handler: Handler, graceSeconds: number | undefined, path: string): FieldError[] {
  const errors: FieldError[] = []
  let isTaken = false
  const take = (name: string, check: () => FieldError[]) => {
    errors.push(...(isTaken ? [field.forbidden(`${path}.${name}`, 'may not specify more than 1 handler type')] : check()))
    isTaken = true
  }
  const { exec, httpGet, tcpSocket, grpc, sleep } = handler
  if (exec) take('exec', () => need(exec.command, `${path}.exec.command`))
  if (httpGet) take('httpGet', () => validateHTTPGet(httpGet, `${path}.httpGet`))
  if (tcpSocket) take('tcpSocket', () => validatePortNumOrName(tcpSocket.port, `${path}.tcpSocket.port`))
  if (grpc) take('grpc', () => validatePortNumOrName(grpc.port, `${path}.grpc.port`))
  if (sleep) take('sleep', () => validateSleep(sleep.seconds ?? 0, graceSeconds, `${path}.sleep`))
  if (!isTaken) errors.push(field.required(path, 'must specify a handler type'))
  return errors
}

export function validatePortNumOrName(port: number | string | undefined, path: string): FieldError[] {
  if (typeof port === 'string') return isValidPortName(port).map((m) => field.invalid(path, port, m))
  return isValidPortNum(port ?? 0).map((m) => field.invalid(path, port ?? 0, m))
}

function validateHTTPGet(action: HTTPGetAction, path: string): FieldError[] {
  const { scheme = '' } = action
  const errors = [...need(action.path, `${path}.path`), ...validatePortNumOrName(action.port, `${path}.port`)]
  if (!HTTP_SCHEMES.includes(scheme)) errors.push(field.notSupported(`${path}.scheme`, scheme, HTTP_SCHEMES))
  for (const { name = '' } of action.httpHeaders ?? []) for (const m of isHTTPHeaderName(name)) errors.push(field.invalid(`${path}.httpHeaders`, name, m))
  return errors
}

function validateSleep(seconds: number, graceSeconds: number | undefined, path: string): FieldError[] {
  if (graceSeconds === undefined || (seconds >= 0 && seconds <= graceSeconds)) return []
  return [field.invalid(path, seconds, `must be non-negative and less than terminationGracePeriodSeconds (${graceSeconds})`)]
}

export function validateLifecycle(lifecycle: Lifecycle, path: string, graceSeconds: number | undefined): FieldError[] {
  const errors: FieldError[] = []
  if (lifecycle.postStart) errors.push(...validateHandler(lifecycle.postStart, graceSeconds, `${path}.postStart`))
  if (lifecycle.preStop) errors.push(...validateHandler(lifecycle.preStop, graceSeconds, `${path}.preStop`))
  return errors
}

interface Probed {
  livenessProbe?: Probe
  readinessProbe?: Probe
  startupProbe?: Probe
}

export function validateProbes(container: Probed, path: string, graceSeconds: number | undefined): FieldError[] {
  const { livenessProbe: liveness, readinessProbe: readiness, startupProbe: startup } = container
  const errors: FieldError[] = []
  if (liveness) errors.push(...validateProbe(liveness, graceSeconds, `${path}.livenessProbe`), ...validateOneSuccess(liveness, `${path}.livenessProbe`))
  if (readiness) {
    errors.push(...validateProbe(readiness, graceSeconds, `${path}.readinessProbe`))
    const seconds = readiness.terminationGracePeriodSeconds
    if (seconds !== undefined) errors.push(field.invalid(`${path}.readinessProbe.terminationGracePeriodSeconds`, seconds, 'must not be set for readinessProbes'))
  }
  if (startup) errors.push(...validateProbe(startup, graceSeconds, `${path}.startupProbe`), ...validateOneSuccess(startup, `${path}.startupProbe`))
  return errors
}

function validateProbe(probe: Probe, graceSeconds: number | undefined, path: string): FieldError[] {
  const errors = validateHandler(probe, graceSeconds, path)
  for (const key of ['initialDelaySeconds', 'timeoutSeconds', 'periodSeconds', 'successThreshold', 'failureThreshold'] as const) {
    errors.push(...validateNonnegativeField(probe[key] ?? 0, `${path}.${key}`))
  }
  const seconds = probe.terminationGracePeriodSeconds
  if (seconds !== undefined && seconds <= 0) errors.push(field.invalid(`${path}.terminationGracePeriodSeconds`, seconds, 'must be greater than 0'))
  return errors
}

function validateOneSuccess({ successThreshold = 0 }: Probe, path: string): FieldError[] {
  return successThreshold === 1 ? [] : [field.invalid(`${path}.successThreshold`, successThreshold, 'must be 1')]
}
