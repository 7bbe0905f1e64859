/** The page that says what was set by flags. Models k8s.io/apiserver/pkg/server/flagz. */
import type { ApiRequest, ApiResponse } from './request.ts'
import { respondZpage } from './zpages.ts'

/** @param flags what each is set to @throws StatusError 406 */
export function flagz(request: Pick<ApiRequest, 'headers' | 'query'>, flags: Readonly<Record<string, string>>): ApiResponse {
  const sorted = Object.entries(flags).sort(([a], [b]) => (a < b ? -1 : 1))
  return respondZpage(request, {
    kind: 'Flagz',
    component: 'apiserver',
    text: () => sorted.map(([name, value]) => `${name}: ${value}\n`).join(''),
    fields: () => (sorted.length > 0 ? { flags: Object.fromEntries(sorted) } : {}),
  })
}
