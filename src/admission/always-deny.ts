/** Refuses everything; for tests. Models k8s.io/kubernetes/plugin/pkg/admission/deny. */
import type { AdmissionAttributes, AdmissionPlugin } from './chain.ts'
import { refuse } from './refuse.ts'

function deny(attributes: AdmissionAttributes): never {
  throw refuse(attributes, 'admission control is denying all modifications')
}

export const alwaysDeny: AdmissionPlugin = { name: 'AlwaysDeny', mutate: deny, validate: deny }
