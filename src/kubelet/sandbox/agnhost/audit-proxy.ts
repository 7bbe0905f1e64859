/** `agnhost audit-proxy`: writes the audit events it is sent to standard output, one a line. Models test/images/agnhost/audit-proxy. */
import { isRecord } from '../../../apimachinery/json.ts'
import type { Process } from '../process.ts'
import { bodyOf, forever, reply, say, serve } from './web.ts'

const VERSION = 'audit.k8s.io/v1'

export async function auditProxy(process: Process): Promise<number> {
  serve(process, 8080, {
    '/': async ({ request, response }) => {
      const events = parseEvents((await bodyOf(request)).toString())
      if (!events) {
        say(process, `failed decoding buf, apiVersion: ${VERSION}`)
        return reply(response, 500, '')
      }
      for (const event of events) process.fds.get(1)?.end.put?.(Buffer.from(`${JSON.stringify(event)}\n`))
      reply(response, 200, '')
    },
  })
  return forever(process)
}

/** Events with their type, as a decoded list's items are encoded on their own. */
export function parseEvents(text: string): object[] | undefined {
  let list: unknown
  try {
    list = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!isRecord(list) || list.kind !== 'EventList' || list.apiVersion !== VERSION || !Array.isArray(list.items)) return undefined
  return list.items.filter(isRecord).map((event) => ({ kind: 'Event', apiVersion: VERSION, ...event }))
}
