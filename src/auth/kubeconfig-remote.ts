/** The server that a kubeconfig's current context names: how files of settings say whom to ask. Models k8s.io/apiserver/pkg/util/webhook.LoadKubeconfig. */
import fs from 'node:fs'
import path from 'node:path'
import { isRecord } from '../apimachinery/json.ts'
import { parseYAML } from '../apimachinery/parse.ts'
import type { RemoteOptions } from './remote.ts'

/** @throws Error for a file that cannot be read or names no server */
export function remoteOfKubeconfig(file: string): RemoteOptions {
  const { value } = parseYAML(fs.readFileSync(file))
  const config = isRecord(value) ? value : {}
  const entry = (kind: string, name: unknown): Record<string, unknown> => {
    const listed = config[`${kind}s`]
    const entries = Array.isArray(listed) ? listed.filter(isRecord) : []
    const found = (entries.find((e) => e.name === name) ?? entries[0])?.[kind]
    return isRecord(found) ? found : {}
  }
  const context = entry('context', config['current-context'])
  const cluster = entry('cluster', context.cluster)
  const user = entry('user', context.user)
  if (typeof cluster.server !== 'string') throw new Error('the kubeconfig names no server')
  const pem = (of: Record<string, unknown>, name: string): string | undefined => {
    const [data, place] = [of[`${name}-data`], of[name]]
    if (typeof data === 'string') return Buffer.from(data, 'base64').toString()
    return typeof place === 'string' ? fs.readFileSync(path.resolve(path.dirname(file), place), 'utf8') : undefined
  }
  return {
    url: cluster.server,
    ca: pem(cluster, 'certificate-authority'),
    cert: pem(user, 'client-certificate'),
    key: pem(user, 'client-key'),
    token: typeof user.token === 'string' ? user.token : undefined,
    insecure: cluster['insecure-skip-tls-verify'] === true,
  }
}
