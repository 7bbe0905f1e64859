/** The page that says what runs and since when. Models k8s.io/apiserver/pkg/server/statusz. */
import { formatTime } from '../clock.ts'
import type { ApiRequest, ApiResponse } from './request.ts'
import { KUBERNETES_VERSION, MAJOR, MINOR } from './version.ts'
import { respondZpage } from './zpages.ts'

/** Folders of paths that are no help in finding out what is wrong. */
const OTHERS = new Set(['/api', '/apis', '/openid', '/openapi', '/.well-known'])

export interface StatuszFacts {
  startedMs: number
  nowMs: number
  paths: readonly string[]
  component?: string
}

/** @throws StatusError 406 */
export function statusz(request: Pick<ApiRequest, 'headers' | 'query'>, { startedMs, nowMs, paths, component = 'apiserver' }: StatuszFacts): ApiResponse {
  const folders = [...new Set(paths.map((path) => `/${path.split('/')[1] ?? ''}`).filter((folder) => folder !== '/' && !OTHERS.has(folder)))].sort()
  const uptimeSeconds = Math.max(0, Math.floor((nowMs - startedMs) / 1000))
  const versions = { goVersion: 'none', binaryVersion: KUBERNETES_VERSION, emulationVersion: `${MAJOR}.${MINOR}` }
  const lines = [
    `Started: ${unixDate(startedMs)}`,
    `Up: ${uptime(uptimeSeconds)}`,
    `Go version: ${versions.goVersion}`,
    `Binary version: ${versions.binaryVersion}`,
    `Emulation version: ${versions.emulationVersion}`,
    `Paths: ${folders.join(' ')}`,
  ]
  return respondZpage(request, {
    kind: 'Statusz',
    component,
    text: () => `\n${lines.join('\n')}\n`,
    fields: () => ({ startTime: formatTime(startedMs), uptimeSeconds, ...versions, paths: folders }),
  })
}

/** `Mon Jan  2 15:04:05 UTC 2006` */
function unixDate(ms: number): string {
  const [day, date = '', month, year, time] = new Date(ms).toUTCString().replace(',', '').split(' ')
  return `${day} ${month} ${String(Number(date)).padStart(2)} ${time} UTC ${year}`
}

function uptime(seconds: number): string {
  const two = (n: number) => String(n % 60).padStart(2, '0')
  return `${Math.floor(seconds / 3600)} hr ${two(Math.floor(seconds / 60))} min ${two(seconds)} sec`
}
