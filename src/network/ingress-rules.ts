/** Which backend an Ingress names for a request. Models the API's documentation of networking.k8s.io/v1 Ingress. */
import type { Ingress, IngressBackend } from '../../schemas/types.ts'
import { compileGoRegexp } from '../apimachinery/go-regexp.ts'
import { aliases, usesExpressions } from './ingress-annotations.ts'

export interface Routed {
  ingress: Ingress
  backend: IngressBackend
  /** Where the path is an expression, what it found and its groups. */
  groups: readonly string[]
}

interface Candidate extends Routed {
  hostRank: number
  pathRank: number
  pathLength: number
}

/** @param host without a port; the most exact host wins, then the exact path, then the longest prefix, then the oldest Ingress */
export function route(ingresses: readonly Ingress[], host: string, path: string): Routed | undefined {
  const oldestFirst = [...ingresses].sort((a, b) => (a.metadata.creationTimestamp ?? '').localeCompare(b.metadata.creationTimestamp ?? ''))
  let best: Candidate | undefined
  for (const candidate of oldestFirst.flatMap((ingress) => candidates(ingress, host.toLowerCase(), path))) if (!best || isBetter(candidate, best)) best = candidate
  return best
}

function isBetter(a: Candidate, b: Candidate): boolean {
  if (a.hostRank !== b.hostRank) return a.hostRank > b.hostRank
  if (a.pathRank !== b.pathRank) return a.pathRank > b.pathRank
  return a.pathLength > b.pathLength
}

function candidates(ingress: Ingress, host: string, path: string): Candidate[] {
  const found = (ingress.spec?.rules ?? []).flatMap((rule): Candidate[] => {
    const hostRank = Math.max(...[rule.host ?? '', ...aliases(ingress)].map((known) => rankOfHost(known, host)))
    if (hostRank < 0) return []
    return (rule.http?.paths ?? []).flatMap(({ path: wanted = '/', pathType, backend }) => {
      const type = pathType ?? 'ImplementationSpecific'
      const groups = usesExpressions(ingress) ? expressionGroups(wanted, path) : []
      const pathRank = groups === undefined ? -1 : groups.length > 0 ? 0 : rankOfPath(type, wanted, path)
      return pathRank < 0 || !backend ? [] : [{ ingress, backend, hostRank, pathRank, pathLength: wanted.length, groups: groups ?? [] }]
    })
  })
  const { defaultBackend } = ingress.spec ?? {}
  return defaultBackend ? [...found, { ingress, backend: defaultBackend, hostRank: -1, pathRank: -1, pathLength: 0, groups: [] }] : found
}

/** 2 for the very host, 1 for a wildcard (of one label), 0 for rules of any host, -1 for no match. */
export function rankOfHost(rule: string, host: string): number {
  if (rule === '') return 0
  if (!rule.startsWith('*.')) return rule.toLowerCase() === host ? 2 : -1
  const dot = host.indexOf('.')
  return dot > 0 && host.slice(dot) === rule.slice(1).toLowerCase() ? 1 : -1
}

/** From the beginning of the path, of any case, as nginx's `location ~*` does. Undefined where it does not match. */
function expressionGroups(wanted: string, path: string): readonly string[] | undefined {
  const compiled = compileGoRegexp(`(?i)^${wanted}`)
  return 'error' in compiled ? undefined : compiled.find(path)
}

/** Prefixes match whole elements of a path. */
function rankOfPath(type: string, wanted: string, path: string): number {
  if (type === 'Exact') return wanted === path ? 1 : -1
  const prefix = wanted.replace(/\/+$/, '')
  return path === prefix || path.startsWith(`${prefix}/`) ? 0 : -1
}
