/** Tells the volumes of pods when what they are made from has changed. Models pkg/kubelet/util/manager (watch based). */
import type { Pod } from '../../schemas/types.ts'
import type { Informers } from '../client/lister.ts'
import type { PodVolumes } from './pod-volumes.ts'

export class VolumeRefresher {
  readonly #unsubscribe: (() => void)[]

  constructor(informers: Informers, volumes: PodVolumes) {
    this.#unsubscribe = (['ConfigMap', 'Secret'] as const).map((kind) => {
      const look = ({ metadata: { namespace, name = '' } }: { metadata: { namespace?: string; name?: string } }) => {
        for (const pod of volumes.pods()) if (pod.metadata.namespace === namespace && refersTo(pod, kind, name)) volumes.refresh(pod)
      }
      return informers.for(`v1/${kind}`).subscribe({ add: look, update: look, delete: look })
    })
  }

  close(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe()
  }
}

function refersTo({ spec }: Pod, kind: 'ConfigMap' | 'Secret', name: string): boolean {
  return (spec.volumes ?? []).some(({ configMap, secret, projected }) => {
    const all = [{ configMap, secret: secret && { name: secret.secretName } }, ...(projected?.sources ?? [])]
    return all.some((source) => (kind === 'ConfigMap' ? source.configMap?.name : source.secret?.name) === name)
  })
}
