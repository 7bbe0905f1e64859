/** How a part of this process reads what an aggregated API server tells: as its own user, who must be allowed to. */
import { failureText } from '../admission/webhooks/server-response.ts'
import { parseJSON } from '../apimachinery/parse.ts'
import { attributesOf, demand } from '../apiserver/authorization.ts'
import { parseRequestInfo } from '../apiserver/request-info.ts'
import { StatusError } from '../errors.ts'
import type { UserInfo } from '../registry/kind.ts'
import type { ControlPlane } from './control-plane.ts'

const NOT_FOUND = { status: 404, contentType: 'text/plain', body: Buffer.from('404 page not found\n') }

/** @throws StatusError in the words of a Go client */
export function remoteReader({ aggregation: { aggregator }, authorizer }: Pick<ControlPlane, 'aggregation' | 'authorizer'>): (url: string, user: UserInfo) => Promise<unknown> {
  return async (url, user) => {
    const { pathname, searchParams } = new URL(url, 'https://kubernetes')
    const info = parseRequestInfo('GET', decodeURIComponent(pathname), searchParams)
    await demand(authorizer, attributesOf(user, info, searchParams))
    const service = aggregator.serviceFor(info.path)
    const answer = service ? await aggregator.read(service, url, user) : NOT_FOUND
    const { status, contentType, body } = answer
    if (status >= 200 && status < 300) return parseJSON(body).value
    const asked = `${info.resource}.${info.group}${info.name ? ` ${info.name}` : ''}`
    // A Status says itself what was asked for.
    throw new StatusError({ code: status, message: `${failureText(answer)}${contentType.startsWith('application/json') ? '' : ` (get ${asked})`}` })
  }
}
