/** Asks the cluster that a kubeconfig's current context names. Models how kubectl finds its way: flag, KUBECONFIG, ~/.kube/config. */
import fs from 'node:fs'
import https from 'node:https'
import os from 'node:os'
import path from 'node:path'
import { parse } from 'yaml'
import { readBounded } from '../apimachinery/read-bounded.ts'
import { isRecord } from '../apimachinery/json.ts'
import { UserError, type Io } from './command.ts'

const MAX_BODY_BYTES = 64 * 1024 * 1024

interface Access {
  server: string
  options: https.RequestOptions
  namespace: string
}

export interface Answer {
  status: number
  body: unknown
}

/** Where kubectl would look. */
export function kubeconfigPath(flag: string | undefined, { env, cwd }: Pick<Io, 'env' | 'cwd'>): string {
  const [first] = (env.KUBECONFIG ?? '').split(path.delimiter).filter((file) => file !== '')
  return path.resolve(cwd, flag ?? first ?? path.join(os.homedir(), '.kube', 'config'))
}

/** What a kubeconfig says of its current context; a UserError when that is not enough to connect. */
export function readAccess(file: string): Access {
  const config = readConfig(file)
  const current = config['current-context']
  const { cluster: clusterName, user: userName, namespace } = entry(config, 'context', current, file)
  const cluster = entry(config, 'cluster', clusterName, file)
  const user = entry(config, 'user', userName, file)
  const pem = (from: Record<string, unknown>, key: string): Buffer | undefined => {
    const data = from[`${key}-data`]
    const place = from[key]
    if (typeof data === 'string') return Buffer.from(data, 'base64')
    return typeof place === 'string' ? fs.readFileSync(path.resolve(path.dirname(file), place)) : undefined
  }
  const headers = { accept: 'application/json', ...(typeof user.token === 'string' ? { authorization: `Bearer ${user.token}` } : {}) }
  const options = { headers, ca: pem(cluster, 'certificate-authority'), cert: pem(user, 'client-certificate'), key: pem(user, 'client-key'), rejectUnauthorized: cluster['insecure-skip-tls-verify'] !== true }
  return { server: String(cluster.server ?? ''), options, namespace: typeof namespace === 'string' ? namespace : 'default' }
}

function readConfig(file: string): Record<string, unknown> {
  let config: unknown
  try {
    config = parse(fs.readFileSync(file, 'utf8'))
  } catch (error) {
    throw new UserError(`cannot read the kubeconfig ${file}: ${error instanceof Error ? error.message : error}`, { cause: error })
  }
  if (!isRecord(config)) throw new UserError(`${file} is not a kubeconfig`)
  return config
}

function entry(config: Record<string, unknown>, kind: string, name: unknown, file: string): Record<string, unknown> {
  const list = config[`${kind}s`]
  const found: unknown = Array.isArray(list) ? list.find((e) => isRecord(e) && e.name === name) : undefined
  const value = isRecord(found) ? found[kind] : undefined
  if (!isRecord(value)) throw new UserError(`the kubeconfig ${file} has no ${kind} "${String(name)}"`)
  return value
}

export function getJSON({ server, options }: Access, url: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => reject(new UserError(`cannot reach ${server}: ${error.message}`, { cause: error }))
    const request = https.get(new URL(url, server), options, (response) => {
      readBounded(response, MAX_BODY_BYTES).then((body) => resolve({ status: response.statusCode ?? 0, body: jsonOrText(body.toString()) }), fail)
    })
    request.on('error', fail)
  })
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text.trim()
  }
}
