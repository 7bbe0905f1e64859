/** `orrery why pod/NAME`: what the scheduler thinks of each node for a pod. */
import { isRecord } from '../../apimachinery/json.ts'
import type { Explanation, NodeVerdict } from '../../scheduler/explain.ts'
import { defineCommand, UserError, type Call, type Io } from '../command.ts'
import { getJSON, kubeconfigPath, readAccess } from '../kubeconfig-client.ts'

export default defineCommand({
  name: 'why',
  summary: 'Tell for each node why a pod can or cannot be there',
  description: 'Prints which plugin of the scheduler refuses a node, in its words, and for nodes that would do what each\nplugin gives them. The cluster is the one of the kubeconfig that kubectl would use.',
  args: ['pod/NAME'],
  flags: [
    { name: 'namespace', short: 'n', value: 'NAMESPACE', summary: 'where the pod is; the one of the context unless told' },
    { name: 'kubeconfig', value: 'FILE', summary: 'unless told: $KUBECONFIG, else ~/.kube/config' },
    { name: 'output', short: 'o', value: 'FORMAT', summary: 'json for programs' },
  ],
  run: why,
})

async function why({ flags, args: [target = ''] }: Call, io: Io): Promise<number> {
  const name = /^(?:pods?|po)\/([^/]+)$/.exec(target)?.[1]
  if (!name) throw new UserError(`"${target}" is not of the form pod/NAME`)
  const { namespace: givenNamespace, kubeconfig, output } = flags
  if (output !== undefined && output !== 'json') throw new UserError(`unknown output "${output}"; known is json`)
  const access = readAccess(kubeconfigPath(typeof kubeconfig === 'string' ? kubeconfig : undefined, io))
  const namespace = typeof givenNamespace === 'string' ? givenNamespace : access.namespace
  const { status, body } = await getJSON(access, `/orrery/v1/why?${new URLSearchParams({ namespace, pod: name }).toString()}`)
  if (status !== 200) throw new UserError(isRecord(body) && typeof body.message === 'string' ? body.message : `${access.server} answered ${status}: is it Orrery?`)
  io.out(output === 'json' ? JSON.stringify(body, null, 2) : describe(`pod/${name}`, body as Explanation))
  return 0
}

export function describe(pod: string, { schedulerName, nodeName, nominatedNodeName, held, message, nodes }: Explanation): string {
  const lines = [`${pod} (scheduler ${schedulerName})`]
  if (nodeName) lines.push(`is on ${nodeName}`)
  else if (nominatedNodeName) lines.push(`is promised room on ${nominatedNodeName}, when the pods that have to go are gone`)
  if (held) lines.push(`is held by ${held.plugin}: ${held.message}`)
  if (message) lines.push(message)
  const fitting = nodes.filter((n) => n.scores)
  const refused = nodes.filter((n) => !n.scores)
  if (fitting.length > 0) lines.push('', ...table(scoreRows(fitting)))
  if (refused.length > 0) lines.push('', ...table([['NODE', 'REFUSED BY', 'REASON'], ...refused.map((n) => [n.node, n.plugin ?? '', `${(n.reasons ?? []).join(', ')}${n.detail ? `: ${n.detail}` : ''}`])]))
  const movable = refused.filter((n) => !n.unresolvable).map((n) => n.node)
  if (!nodeName && fitting.length === 0 && movable.length > 0) lines.push('', `If other pods went, it might fit on: ${movable.join(', ')}`)
  return lines.join('\n')
}

function scoreRows(nodes: readonly NodeVerdict[]): string[][] {
  const plugins = [...new Set(nodes.flatMap((n) => Object.keys(n.scores ?? {})))]
  return [['NODE', 'SCORE', ...plugins], ...nodes.map((n) => [n.node, String(n.total ?? 0), ...plugins.map((p) => String(n.scores?.[p] ?? 0))])]
}

function table(rows: readonly string[][]): string[] {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)))
  return rows.map((row) => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('   ').trimEnd())
}
