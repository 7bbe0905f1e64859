/** `agnhost webhook`: admission webhooks with a fixed verdict by path. Models test/images/agnhost/webhook. */
import type { AdmissionRequest, AdmissionResponse, AdmissionReview, Container } from '../../../../schemas/types.ts'
import type { Process } from '../process.ts'
import { parseFlags } from './flags.ts'
import { bodyOf, forever, readTls, reply, serve, type Exchange } from './web.ts'

/** What is looked at of the objects that are admitted. */
interface Looked {
  metadata?: { labels?: Record<string, string> }
  data?: Record<string, string>
  spec?: { containers?: Container[]; initContainers?: Container[] }
  stdin?: boolean
  container?: string
}

type Verdict = Partial<AdmissionResponse>
type Judge = (looked: Looked, request: AdmissionRequest) => Verdict | Promise<Verdict>

const ALLOWED: Verdict = { allowed: true }
const MARK = 'webhook-e2e-test'
const DELAY_MS = 5000

const denied = (message: string): Verdict => ({ allowed: false, status: { metadata: {}, message } })
const deniedFor = (reason: string): Verdict => ({ allowed: false, status: { metadata: {}, reason } })
const patched = (...operations: object[]): Verdict => (operations.length === 0 ? ALLOWED : { allowed: true, patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(operations)).toString('base64') })

const addLabel: Judge = ({ metadata: { labels = {} } = {} }) => {
  if (labels['added-label'] === 'yes') return ALLOWED
  if (Object.keys(labels).length === 0) return patched({ op: 'add', path: '/metadata/labels', value: { 'added-label': 'yes' } })
  return patched({ op: 'added-label' in labels ? 'replace' : 'add', path: '/metadata/labels/added-label', value: 'yes' })
}

const judgePod: Judge = async ({ metadata, spec }) => {
  const mark = metadata?.labels?.[MARK]
  if (mark === 'wait-forever') await new Promise(() => {})
  const why = [
    ...(mark === 'webhook-disallow' ? ['the pod contains unwanted label;'] : []),
    ...(spec?.containers ?? []).filter(({ name = '' }) => name.includes('webhook-disallow')).map(() => 'the pod contains unwanted container name;'),
  ]
  return why.length > 0 ? denied(why.join(' ')) : ALLOWED
}

const mutatePod: Judge = ({ spec }) => (spec?.initContainers?.length ? ALLOWED : patched({ op: 'add', path: '/spec/initContainers', value: [{ image: 'webhook-added-image', name: 'webhook-added-init-container', resources: {} }] }))

const judgeAttach: Judge = ({ stdin, container }) => (stdin && container === 'container1' ? denied("attaching to pod 'to-be-attached-pod' is not allowed") : ALLOWED)

/** Data that must not be written, or must not be deleted. */
const judgeData =
  (unwanted: string, kept: string): Judge =>
  ({ data }, { operation }) => {
    if (data?.[MARK] === 'webhook-disallow' && (operation === 'CREATE' || operation === 'UPDATE')) return deniedFor(unwanted)
    return data?.[MARK] === 'webhook-nondeletable' && operation === 'DELETE' ? deniedFor(kept) : ALLOWED
  }

/** A second stage follows the first, be it of another webhook. */
const mutateData: Judge = ({ data = {} }) => {
  const stage = data['mutation-stage-1'] === 'yes' ? 2 : data['mutation-start'] === 'yes' ? 1 : undefined
  return stage === undefined ? ALLOWED : patched({ op: 'add', path: `/data/mutation-stage-${stage}`, value: 'yes' })
}

/** Who judges at which path. */
export function judges({ sidecarImage, sleep }: { sidecarImage: string; sleep(ms: number): Promise<void> }): Readonly<Record<string, Judge>> {
  return {
    '/always-allow-delay-5s': async () => {
      await sleep(DELAY_MS)
      return { allowed: true, status: { metadata: {}, message: 'this webhook allows all requests' } }
    },
    '/always-deny': () => denied('this webhook denies all requests'),
    '/add-label': addLabel,
    '/pods': judgePod,
    '/pods/attach': judgeAttach,
    '/mutating-pods': mutatePod,
    '/mutating-pods-sidecar': () => patched({ op: 'add', path: '/spec/containers/-', value: { image: sidecarImage, name: 'webhook-added-sidecar', resources: {} } }),
    '/configmaps': judgeData('the configmap contains unwanted key and value', 'the configmap cannot be deleted because it contains unwanted key and value'),
    '/mutating-configmaps': mutateData,
    '/custom-resource': judgeData('the custom resource contains unwanted data', 'the custom resource cannot be deleted because it contains unwanted key and value'),
    '/mutating-custom-resource': mutateData,
    '/crd': ({ metadata }) => (metadata?.labels?.[MARK] === 'webhook-disallow' ? denied('the crd contains unwanted label') : ALLOWED),
  }
}

async function answer(judge: Judge, { request, response }: Exchange): Promise<void> {
  const review = JSON.parse((await bodyOf(request)).toString()) as AdmissionReview
  const asked = review.request
  if (!asked || review.kind !== 'AdmissionReview') return reply(response, 400, `Unsupported group version kind: ${review.apiVersion}, Kind=${review.kind}`)
  const looked = (asked.operation === 'DELETE' ? asked.oldObject : asked.object) as Looked | undefined
  const verdict = await judge(looked ?? {}, asked)
  reply(response, 200, JSON.stringify({ apiVersion: review.apiVersion, kind: review.kind, response: { uid: asked.uid, ...verdict } }), { 'Content-Type': 'application/json' })
}

export async function webhook(process: Process): Promise<number> {
  const flags = parseFlags(process.args)
  const tls = await readTls(process, { cert: flags.get('tls-cert-file'), key: flags.get('tls-private-key-file') })
  const routes = Object.entries(judges({ sidecarImage: flags.get('sidecar-image') ?? '', sleep: (ms) => process.clock.sleep(ms) })).map(([path, judge]) => [path, (exchange: Exchange) => answer(judge, exchange)] as const)
  serve(process, flags.number('port', 443), { ...Object.fromEntries(routes), '/readyz': ({ response }) => reply(response, 200, 'ok') }, { tls })
  return forever(process)
}
