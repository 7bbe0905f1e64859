/** The health of devices that container statuses report. Models validateContainerStatusAllocatedResourcesStatus of k8s.io/kubernetes/pkg/apis/core/validation/validation.go. */
import type { Container, ContainerStatus, PodSpec, PodStatus, ResourceStatus } from '../../../schemas/types.ts'
import { byteLength } from '../../../src/apimachinery/validation.ts'
import { field, type FieldError } from '../../../src/errors.ts'

const HEALTH = ['Healthy', 'Unhealthy', 'Unknown']
const MAX_MESSAGE_LENGTH = 1024

export function validateAllocatedResources(status: PodStatus, spec: PodSpec): FieldError[] {
  const errors = [
    ...validateStatuses(status.containerStatuses, 'status.containerStatuses', spec.containers),
    ...validateStatuses(status.initContainerStatuses, 'status.initContainerStatuses', spec.initContainers),
  ]
  for (const [i, { allocatedResourcesStatus }] of (status.ephemeralContainerStatuses ?? []).entries()) {
    if (allocatedResourcesStatus?.length) errors.push(field.forbidden(`status.ephemeralContainerStatuses[${i}].allocatedResourcesStatus`, 'must not be specified in container status'))
  }
  return errors
}

function validateStatuses(statuses: ContainerStatus[] = [], path: string, containers: Container[] = []): FieldError[] {
  const errors: FieldError[] = []
  for (const [i, { name, allocatedResourcesStatus = [] }] of statuses.entries()) {
    const container = containers.find((c) => c.name === name)
    for (const [j, resource] of allocatedResourcesStatus.entries()) {
      const at = `${path}[${i}].allocatedResourcesStatus[${j}]`
      const wrong = container && isUnrelated(resource.name ?? '', container)
      if (wrong) errors.push(field.invalid(`${at}.name`, resource.name ?? '', wrong))
      errors.push(...validateHealth(resource, `${at}.resources`))
    }
  }
  return errors
}

function isUnrelated(name: string, { resources }: Container): string | undefined {
  if (!name.startsWith('claim:')) return resources?.requests?.[name] === undefined ? "must match one of the container's resource requests" : undefined
  const claims = (resources?.claims ?? []).map((c) => `claim:${c.name ?? ''}${c.request ? `/${c.request}` : ''}`)
  return claims.includes(name) ? undefined : "must match one of the container's resource claims in a format 'claim:<claimName>/<request>' or 'claim:<claimName>' if request is empty"
}

function validateHealth({ resources = [] }: ResourceStatus, path: string): FieldError[] {
  const errors: FieldError[] = []
  const seen = new Set<string>()
  for (const [i, { resourceID = '', health = '', message }] of resources.entries()) {
    if (!HEALTH.includes(health)) errors.push(field.notSupported(`${path}[${i}].health`, health, HEALTH))
    if (message === '') errors.push(field.required(`${path}[${i}].message`, 'must be non-empty if specified'))
    else if (message !== undefined && byteLength(message) > MAX_MESSAGE_LENGTH) errors.push(field.tooLong(`${path}[${i}].message`, MAX_MESSAGE_LENGTH))
    if (seen.has(resourceID)) errors.push(field.duplicate(`${path}[${i}].resourceID`, resourceID))
    seen.add(resourceID)
  }
  return errors
}
