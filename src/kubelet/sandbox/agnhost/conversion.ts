/** `agnhost crd-conversion-webhook`: converts the two versions of an example kind into each other. Models test/images/agnhost/crd-conversion-webhook. */
import { isRecord } from '../../../apimachinery/json.ts'
import type { Process } from '../process.ts'
import { parseFlags } from './flags.ts'
import { bodyOf, forever, readTls, reply, serve, type Exchange } from './web.ts'

type Custom = Record<string, unknown>

const V1 = 'stable.example.com/v1'
const V2 = 'stable.example.com/v2'

class ConversionError extends Error {}

/** v1 has `hostPort`, v2 `host` and `port`. @throws ConversionError */
export function convert(object: Custom, toVersion: string): Custom {
  const fromVersion = String(object.apiVersion)
  if (fromVersion === toVersion) throw new ConversionError(`conversion from a version to itself should not call the webhook: ${toVersion}`)
  if (fromVersion !== V1 && fromVersion !== V2) throw new ConversionError(`unexpected conversion version ${JSON.stringify(fromVersion)}`)
  if (toVersion !== (fromVersion === V1 ? V2 : V1)) throw new ConversionError(`unexpected conversion version ${JSON.stringify(toVersion)}`)
  const { hostPort, host, port, ...rest } = object
  if (fromVersion === V2) return { ...rest, apiVersion: toVersion, ...(host === undefined && port === undefined ? {} : { hostPort: `${String(host ?? '')}:${String(port ?? '')}` }) }
  if (hostPort === undefined) return { ...object, apiVersion: toVersion }
  const parts = String(hostPort).split(':')
  if (parts.length !== 2) throw new ConversionError(`invalid hostPort value \`${String(hostPort)}\``)
  return { ...rest, apiVersion: toVersion, host: parts[0], port: parts[1] }
}

async function answer({ request, response }: Exchange): Promise<void> {
  const review: unknown = JSON.parse((await bodyOf(request)).toString())
  if (!isRecord(review) || review.kind !== 'ConversionReview' || !isRecord(review.request)) return reply(response, 400, 'Unsupported group version kind')
  const { uid, objects, desiredAPIVersion } = review.request
  const verdict = verdictOn(Array.isArray(objects) ? objects.filter(isRecord) : [], String(desiredAPIVersion))
  reply(response, 200, JSON.stringify({ apiVersion: review.apiVersion, kind: review.kind, response: { uid, ...verdict } }), { 'Content-Type': 'application/json' })
}

function verdictOn(objects: readonly Custom[], version: string): object {
  try {
    return { convertedObjects: objects.map((object) => convert(object, version)), result: { metadata: {}, status: 'Success' } }
  } catch (error) {
    if (!(error instanceof ConversionError)) throw error
    return { convertedObjects: [], result: { metadata: {}, status: 'Failure', message: error.message } }
  }
}

export async function conversionWebhook(process: Process): Promise<number> {
  const flags = parseFlags(process.args)
  const tls = await readTls(process, { cert: flags.get('tls-cert-file'), key: flags.get('tls-private-key-file') })
  serve(process, flags.number('port', 443), { '/crdconvert': answer, '/readyz': ({ response }) => reply(response, 200, 'ok') }, { tls })
  return forever(process)
}
