/** What kubeconfigs say of servers that are asked and of who asks them. Models k8s.io/apiserver/pkg/util/webhook (LoadKubeconfig, authentication.go). */
import fs from 'node:fs'
import path from 'node:path'
import { isRecord } from '../apimachinery/json.ts'
import { parseYAML } from '../apimachinery/parse.ts'
import type { RemoteOptions } from './remote.ts'

/** How one shows who one is. */
export interface RemoteUser {
  /** PEM */
  cert?: string | undefined
  /** PEM */
  key?: string | undefined
  token?: string | undefined
  username?: string | undefined
  password?: string | undefined
}

interface Entry {
  name: string
  value: Record<string, unknown>
}

class Kubeconfig {
  readonly #config: Record<string, unknown>
  readonly #dir: string

  /** @throws Error for a file that cannot be read */
  constructor(file: string) {
    const { value } = parseYAML(fs.readFileSync(file))
    this.#config = isRecord(value) ? value : {}
    this.#dir = path.dirname(file)
  }

  entries(kind: 'context' | 'cluster' | 'user'): Entry[] {
    const listed = this.#config[`${kind}s`]
    return (Array.isArray(listed) ? listed.filter(isRecord) : []).map((entry) => ({ name: String(entry.name ?? ''), value: isRecord(entry[kind]) ? entry[kind] : {} }))
  }

  get context(): Record<string, unknown> | undefined {
    return this.entries('context').find(({ name }) => name === this.#config['current-context'])?.value
  }

  /** A text, or what is in the file that stands for it. */
  pem(of: Record<string, unknown>, name: string): string | undefined {
    const [data, place] = [of[`${name}-data`], of[name]]
    if (typeof data === 'string') return Buffer.from(data, 'base64').toString()
    return typeof place === 'string' ? this.#file(place) : undefined
  }

  user(of: Record<string, unknown>): RemoteUser {
    const { token, tokenFile, username, password } = of
    const said = typeof token === 'string' && token ? token : typeof tokenFile === 'string' ? this.#file(tokenFile).trim() : undefined
    return { cert: this.pem(of, 'client-certificate'), key: this.pem(of, 'client-key'), token: said, username: typeof username === 'string' ? username : undefined, password: typeof password === 'string' ? password : undefined }
  }

  #file(place: string): string {
    return fs.readFileSync(path.resolve(this.#dir, place), 'utf8')
  }
}

/** The server of the current context. @throws Error for a file that cannot be read or names no server */
export function remoteOfKubeconfig(file: string): RemoteOptions {
  const config = new Kubeconfig(file)
  const { context = config.entries('context')[0]?.value } = config
  const entry = (kind: 'cluster' | 'user', wanted: unknown) => (config.entries(kind).find(({ name }) => name === wanted) ?? config.entries(kind)[0])?.value ?? {}
  const cluster = entry('cluster', context?.cluster)
  if (typeof cluster.server !== 'string') throw new Error('the kubeconfig names no server')
  const { cert, key, token } = config.user(entry('user', context?.user))
  return { url: cluster.server, ca: config.pem(cluster, 'certificate-authority'), cert, key, token, insecure: cluster['insecure-skip-tls-verify'] === true }
}

/** Who asks a server of this name and port; nothing for nobody. */
export type UsersByServer = (host: string, port: number) => RemoteUser | undefined

/** The users of a kubeconfig whose names are those of servers, `*.` before the end of one, or `*` for all. @throws Error for a file that cannot be read */
export function usersOfKubeconfig(file: string): UsersByServer {
  const config = new Kubeconfig(file)
  const users = new Map(config.entries('user').map(({ name, value }) => [name, config.user(value)]))
  const named = (target: string) => {
    const steps = target.split('.')
    return [target, ...steps.slice(1).map((_, i) => `*.${steps.slice(i + 1).join('.')}`)].find((name) => users.has(name))
  }
  return (host, port) => {
    const place = host.includes(':') ? `[${host}]` : host
    const found = named(`${place}:${port}`) ?? (port === 443 ? named(host) : undefined) ?? (users.has('*') ? '*' : config.context?.user)
    return typeof found === 'string' ? users.get(found) : undefined
  }
}
