import t from 'tap'
import { isUsed } from '../../controllers/volumeattributesclass-protection.ts'
import type { PersistentVolume, PersistentVolumeClaim } from '../../schemas/types.ts'

const claim = (spec: PersistentVolumeClaim['spec'], status: PersistentVolumeClaim['status'] = {}): PersistentVolumeClaim => ({ metadata: {}, spec, status })

t.test('who uses a class of volume attributes', (t) => {
  const volume: PersistentVolume = { metadata: {}, spec: { volumeAttributesClassName: 'fast' } }
  t.equal(isUsed('fast', [], [volume]), true)
  t.equal(isUsed('slow', [], [volume]), false)
  t.equal(isUsed('fast', [claim({ volumeAttributesClassName: 'fast' })], []), true)
  t.equal(isUsed('fast', [claim({}, { currentVolumeAttributesClassName: 'fast' })], []), true, 'as long as the volume still has it')
  t.equal(isUsed('fast', [claim({}, { modifyVolumeStatus: { status: 'Pending', targetVolumeAttributesClassName: 'fast' } })], []), true)
  t.equal(isUsed('fast', [claim({ volumeAttributesClassName: 'slow' })], []), false)
  t.end()
})
