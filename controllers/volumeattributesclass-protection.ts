/**
 * Lets a deleted class of volume attributes go once no claim and no volume names it. Models
 * k8s.io/kubernetes/pkg/controller/volume/vacprotection.
 */
import type { PersistentVolume, PersistentVolumeClaim, VolumeAttributesClass } from '../schemas/types.ts'
import { defineController, keyOf, type ControllerContext, type Key } from '../src/controller/controller.ts'
import { CLAIM, VOLUME } from './_volumes.ts'

const KIND = 'storage.k8s.io/v1/VolumeAttributesClass'
const FINALIZER = 'kubernetes.io/vac-protection'

export default defineController<VolumeAttributesClass>({
  name: 'volumeattributesclass-protection',
  for: KIND,
  watches: { [CLAIM]: classesInDeletion, [VOLUME]: classesInDeletion },
  async reconcile(attributes, { client, informers }) {
    const { name = '', finalizers = [], deletionTimestamp } = attributes.metadata
    const has = finalizers.includes(FINALIZER)
    const write = (wanted: string[]) => client.update<VolumeAttributesClass>({ ...attributes, metadata: { ...attributes.metadata, finalizers: wanted } })
    if (!deletionTimestamp && !has) await write([...finalizers, FINALIZER])
    if (!deletionTimestamp || !has) return
    const claims = informers.lister<PersistentVolumeClaim>(CLAIM).list()
    const volumes = informers.lister<PersistentVolume>(VOLUME).list()
    if (!isUsed(name, claims, volumes)) await write(finalizers.filter((f) => f !== FINALIZER))
  },
})

/** Few classes are ever in deletion; who no longer names one is not told from who never did. */
function classesInDeletion(_: unknown, { informers }: ControllerContext): readonly Key[] {
  return informers.lister<VolumeAttributesClass>(KIND).list().filter(({ metadata }) => metadata.deletionTimestamp).map(keyOf)
}

export function isUsed(name: string, claims: readonly PersistentVolumeClaim[], volumes: readonly PersistentVolume[]): boolean {
  if (volumes.some(({ spec }) => spec.volumeAttributesClassName === name)) return true
  return claims.some(({ spec, status }) => [spec.volumeAttributesClassName, status?.currentVolumeAttributesClassName, status?.modifyVolumeStatus?.targetVolumeAttributesClassName].includes(name))
}
