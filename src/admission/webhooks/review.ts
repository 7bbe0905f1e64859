/** What a webhook is asked and what it answers. Models k8s.io/apiserver/pkg/admission/plugin/webhook/request. */
import { typeNameFor } from '../../../schemas/facts.ts'
import type { AdmissionResponse, AdmissionReview } from '../../../schemas/types.ts'
import { decodeObject } from '../../apimachinery/decode.ts'
import { jsonKind } from '../../apimachinery/decode-context.ts'
import { isRecord } from '../../apimachinery/json.ts'
import { quote } from '../../errors.ts'
import { apiVersionOf, type ServedKind } from '../../registry/scheme.ts'
import type { AdmissionAttributes } from '../chain.ts'
import { namespaceOf } from '../match-resources.ts'
import { versioned } from '../versioned.ts'
import type { Invocation } from './match.ts'

const GROUP = 'admission.k8s.io'
const VERSIONS = ['v1', 'v1beta1']
/** As Go prints the type that it looks for version and kind with. */
export const TYPE_META = 'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }'
const OPTIONS: Readonly<Record<string, string>> = { CREATE: 'CreateOptions', UPDATE: 'UpdateOptions', DELETE: 'DeleteOptions' }

/** The version of AdmissionReview that is sent; undefined when the webhook takes none that is known. */
export function reviewVersion({ hook }: Invocation): string | undefined {
  return hook.webhook.admissionReviewVersions?.find((version) => VERSIONS.includes(version))
}

export function makeReview({ kind }: Invocation, attributes: AdmissionAttributes, { uid, version }: { uid: string; version: string }): AdmissionReview {
  const { object, oldObject } = attributes
  const { options, dryRun, ...request } = admissionRequest(kind, attributes)
  return {
    kind: 'AdmissionReview',
    apiVersion: `${GROUP}/${version}`,
    request: {
      uid,
      ...request,
      object: object ? versioned(object, attributes, kind) : null,
      oldObject: oldObject ? versioned(oldObject, attributes, kind) : null,
      dryRun,
      options,
    },
  }
}

/** What is asked, without the objects. */
export function admissionRequest(kind: ServedKind, attributes: AdmissionAttributes, resource = kind) {
  const { operation, subresource, objectKind, name, ctx } = attributes
  const own = attributes.kind
  const namespace = namespaceOf(attributes)
  const gvk = (k: ServedKind) => ({ group: (objectKind ?? k).group, version: (objectKind ?? k).version, kind: (objectKind ?? k).kind })
  const gvr = (k: ServedKind) => ({ group: k.group, version: k.version, resource: k.plural })
  const sub = subresource ? { subResource: subresource, requestSubResource: subresource } : {}
  return {
    kind: gvk(kind),
    resource: gvr(resource),
    ...sub,
    requestKind: gvk(own),
    requestResource: gvr(own),
    ...(name ? { name } : {}),
    ...(namespace ? { namespace } : {}),
    operation,
    userInfo: userOf(attributes),
    dryRun: ctx.dryRun,
    options: optionsOf(attributes),
  }
}

function userOf({ ctx: { user } }: AdmissionAttributes) {
  const { name, uid, groups, extra } = user
  const hasExtra = extra && Object.keys(extra).length > 0
  return {
    username: name,
    ...(uid ? { uid } : {}),
    ...(groups.length > 0 ? { groups: [...groups] } : {}),
    ...(hasExtra ? { extra: Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, [...values]])) } : {}),
  }
}

function optionsOf({ operation, deleteOptions, ctx }: AdmissionAttributes): unknown {
  const kind = OPTIONS[operation]
  if (!kind) return null
  const type = { kind, apiVersion: 'meta.k8s.io/v1' }
  if (operation === 'DELETE') {
    const { metadata: _none, ...given } = (deleteOptions ?? {}) as Record<string, unknown>
    return { ...given, ...type }
  }
  return { ...type, ...(ctx.dryRun ? { dryRun: ['All'] } : {}), ...ctx.givenOptions }
}

/** Reads an answer. @throws Error with upstream's words for what is wrong with it */
export function readAnswer(json: unknown, version: string): AdmissionReview {
  const wanted = `${GROUP}/${version}`
  if (!isRecord(json)) throw new Error(`couldn't get version/kind; json parse error: json: cannot unmarshal ${jsonKind(json)} into Go value of type ${TYPE_META}`)
  const { apiVersion = wanted, kind = 'AdmissionReview' } = json
  if (kind !== 'AdmissionReview' || !VERSIONS.some((v) => apiVersion === `${GROUP}/${v}`)) {
    throw new Error(`no kind ${quote(String(kind))} is registered for version ${quote(String(apiVersion))} in scheme "pkg/runtime/scheme.go:110"`)
  }
  if (apiVersion !== wanted) throw new Error(`converting (${String(apiVersion).slice(GROUP.length + 1)}.AdmissionReview) to (${version}.AdmissionReview): unknown conversion`)
  const typeName = typeNameFor(GROUP, 'v1', 'AdmissionReview') ?? ''
  const { object } = decodeObject(typeName, json)
  const review = object as AdmissionReview
  const { apiVersion: given, kind: givenKind } = json
  return { ...review, ...(given === undefined ? { apiVersion: undefined } : {}), ...(givenKind === undefined ? { kind: undefined } : {}) }
}

/** Checks that an answer is one to the question. @throws Error in upstream's words */
export function verifyAnswer({ apiVersion = '', kind = '', response }: AdmissionReview, { uid, version, isMutating }: { uid: string; version: string; isMutating: boolean }): AdmissionResponse {
  if (!response) throw new Error('webhook response was absent')
  // The first version promised less.
  if (version === 'v1beta1') return { ...response, ...(isMutating && response.patch ? { patchType: 'JSONPatch' } : { patch: undefined }) }
  if (response.uid !== uid) throw new Error(`expected response.uid=${quote(uid)}, got ${quote(response.uid ?? '')}`)
  if (apiVersion !== apiVersionOf({ group: GROUP, version }) || kind !== 'AdmissionReview') {
    throw new Error(`expected webhook response of ${GROUP}/v1, Kind=AdmissionReview, got ${apiVersion || '/'}, Kind=${kind}`)
  }
  const { patch = '', patchType } = response
  if (isMutating) {
    if (patch && patchType === undefined) throw new Error('webhook returned response.patch but not response.patchType')
    if (!patch && patchType !== undefined) throw new Error('webhook returned response.patchType but not response.patch')
    if (patchType === '') throw new Error('webhook returned invalid response.patchType of ""')
  } else {
    if (patch) throw new Error('validating webhook may not return response.patch')
    if (patchType !== undefined) throw new Error('validating webhook may not return response.patchType')
  }
  return response
}
