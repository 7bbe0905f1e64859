/** The page that says what runs and since when. Models k8s.io/apiserver/pkg/server/statusz; only its text form is served. */
import type { ApiRequest, ApiResponse } from './request.ts'
import { firstAccepted, noRepresentation } from './negotiate.ts'
import { KUBERNETES_VERSION, MAJOR, MINOR } from './version.ts'

const TEXT = 'text/plain'
/** Folders of paths that are no help in finding out what is wrong. */
const OTHERS = new Set(['/api', '/apis', '/openid', '/openapi', '/.well-known'])
const headOf = (component: string): string => `
${component} statusz
Warning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is for debugging purposes only.
`

export interface StatuszFacts {
  startedMs: number
  nowMs: number
  paths: readonly string[]
  component?: string
}

/** @throws StatusError 406 */
export function statusz({ headers }: Pick<ApiRequest, 'headers'>, { startedMs, nowMs, paths, component = 'apiserver' }: StatuszFacts): ApiResponse {
  if (!firstAccepted(headers.accept, [TEXT])) throw noRepresentation([TEXT])
  const folders = new Set(paths.map((path) => `/${path.split('/')[1] ?? ''}`).filter((folder) => folder !== '/' && !OTHERS.has(folder)))
  const lines = [
    `Started: ${unixDate(startedMs)}`,
    `Up: ${uptime(nowMs - startedMs)}`,
    'Go version: none',
    `Binary version: ${KUBERNETES_VERSION}`,
    `Emulation version: ${MAJOR}.${MINOR}`,
    `Paths: ${[...folders].sort().join(' ')}`,
  ]
  return { status: 200, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: [Buffer.from(`${headOf(component)}\n${lines.join('\n')}\n`)] }
}

/** `Mon Jan  2 15:04:05 UTC 2006` */
function unixDate(ms: number): string {
  const [day, date = '', month, year, time] = new Date(ms).toUTCString().replace(',', '').split(' ')
  return `${day} ${month} ${String(Number(date)).padStart(2)} ${time} UTC ${year}`
}

function uptime(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  const two = (n: number) => String(n % 60).padStart(2, '0')
  return `${Math.floor(seconds / 3600)} hr ${two(Math.floor(seconds / 60))} min ${two(seconds)} sec`
}
