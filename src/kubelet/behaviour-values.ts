/** What `{{…}}` stands for in the texts of an image: of the pod, its node, the request. */
import type { IncomingMessage } from 'node:http'
import type { Container, Node, Pod } from '../../schemas/types.ts'
import type { Process } from './sandbox/process.ts'
import { strftime } from './sandbox/strftime.ts'

export interface ValuesOf {
  pod: Pod
  node: Node
  container: Container
}

export type Lookup = (name: string) => string | undefined

export function valuesOf({ pod, node, container }: ValuesOf, process: Process): Lookup {
  const { metadata, spec, status } = pod
  const fixed: Readonly<Record<string, string | undefined>> = {
    'pod.name': metadata.name,
    'pod.namespace': metadata.namespace,
    'pod.uid': metadata.uid,
    'pod.ip': process.sandbox.party.ip,
    'pod.serviceAccount': spec.serviceAccountName,
    'node.name': node.metadata.name,
    'node.ip': status?.hostIP,
    'container.name': container.name,
    'container.image': container.image,
    hostname: process.sandbox.hostname,
  }
  return (name) => {
    if (name === 'now') return strftime('%Y/%m/%d %H:%M:%S', process.clock.now())
    if (name.startsWith('env.')) return process.env.get(name.slice('env.'.length))
    if (name.startsWith('pod.labels.')) return metadata.labels?.[name.slice('pod.labels.'.length)]
    if (name.startsWith('pod.annotations.')) return metadata.annotations?.[name.slice('pod.annotations.'.length)]
    return fixed[name]
  }
}

export function valuesOfRequest({ method, url = '/', headers, socket }: IncomingMessage, body: string): Lookup {
  const [path = '/', query = ''] = url.split('?')
  const parameters = new URLSearchParams(query)
  const fixed: Readonly<Record<string, string | undefined>> = {
    'request.path': path,
    'request.method': method,
    'request.host': headers.host,
    'request.remoteAddress': (socket as { remoteAddress?: string }).remoteAddress,
    'request.body': body,
    'request.headers': Object.entries(headers).map(([k, v]) => `${k}: ${String(v)}`).join('\n'),
  }
  return (name) => {
    if (name.startsWith('request.query.')) return parameters.get(name.slice('request.query.'.length)) ?? undefined
    if (name.startsWith('request.header.')) return headers[name.slice('request.header.'.length).toLowerCase()]?.toString()
    return fixed[name]
  }
}

export function fill(text: string, ...lookups: readonly Lookup[]): string {
  return text.replace(/\{\{\s*([^}\s]+)\s*\}\}/g, (_, name: string) => {
    for (const lookup of lookups) {
      const value = lookup(name)
      if (value !== undefined) return value
    }
    return ''
  })
}
