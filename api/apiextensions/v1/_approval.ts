/** Groups of the community need an approval. Models GetAPIApprovalState of k8s.io/apiextensions-apiserver/pkg/apihelpers. */
import { parseGoURL } from '../../../src/apimachinery/go-url.ts'
import { quote } from '../../../src/errors.ts'
import type { CustomResourceDefinition } from '../../../schemas/types.ts'

export const APPROVAL_ANNOTATION = 'api-approved.kubernetes.io'
const SEE = 'see https://github.com/kubernetes/enhancements/pull/1111'
const RULE = `protected groups must have approval annotation ${quote(APPROVAL_ANNOTATION)}`

export const isProtectedGroup = (group: string): boolean => /(^|\.)(k8s|kubernetes)\.io$/.test(group)

export interface Approval {
  state: 'missing' | 'bypassed' | 'approved' | 'invalid'
  message: string
}

export function approvalOf({ metadata }: CustomResourceDefinition): Approval {
  const text = metadata.annotations?.[APPROVAL_ANNOTATION] ?? ''
  if (!text) return { state: 'missing', message: `${RULE}, ${SEE}` }
  if (text.startsWith('unapproved')) return { state: 'bypassed', message: `not approved: ${quote(text)}` }
  const url = parseGoURL(text)
  if (!('error' in url) && url.host && url.scheme) return { state: 'approved', message: `approved in ${text}` }
  return { state: 'invalid', message: `${RULE} with either a URL or a reason starting with "unapproved", ${SEE}` }
}
