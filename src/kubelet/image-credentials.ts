/** Whether a pod shows credentials for a registry. Models pkg/credentialprovider, with its rules for what a key of `auths` matches. */
import type { Pod } from '../../schemas/types.ts'
import { isRecord } from '../apimachinery/json.ts'
import type { References } from './pod-needs.ts'
import { Pattern } from './sandbox/shell/pattern.ts'

/** By the secrets that the pod names; those of its service account have become its own at its admission. */
export function hasCredentials({ metadata, spec }: Pod, repository: string, refs: References): boolean {
  return (spec.imagePullSecrets ?? []).some(({ name = '' }) => {
    const data = refs.secret(metadata.namespace ?? '', name)?.data ?? {}
    return registriesOf(data).some((registry) => isOf(registry, repository))
  })
}

function registriesOf(data: Readonly<Record<string, string>>): string[] {
  const [text, isNew] = data['.dockerconfigjson'] !== undefined ? [data['.dockerconfigjson'], true] : [data['.dockercfg'], false]
  if (text === undefined) return []
  try {
    const config: unknown = JSON.parse(Buffer.from(text, 'base64').toString())
    const auths = isNew && isRecord(config) ? config.auths : config
    return isRecord(auths) ? Object.keys(auths) : []
  } catch {
    return []
  }
}

/** `https://index.docker.io/v1/`, `ghcr.io`, `*.example.com/team`: of a host, and of a path when it has one. */
function isOf(registry: string, repository: string): boolean {
  const [host = '', ...path] = registry.replace(/^\w+:\/\//, '').replace(/\/(?:v[12]\/?)?$/, '').split('/')
  const [ownHost = '', ...own] = repository.split('/')
  const known = host === 'index.docker.io' ? 'docker.io' : host
  return new Pattern(known).matches(ownHost) && `${own.join('/')}/`.startsWith(path.length > 0 ? `${path.join('/')}/` : '')
}
