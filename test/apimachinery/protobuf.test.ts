import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import t from 'tap'
import { allTypeNames, mustTypeFacts } from '../../schemas/facts.ts'
import { SeededRandom } from '../../src/clock.ts'
import { decodeObject } from '../../src/apimachinery/decode.ts'
import { normalize } from '../../src/apimachinery/normalize.ts'
import { ParseError } from '../../src/apimachinery/parse-error.ts'
import { decodeMessage, encodeMessage, unwrapUnknown, wrapUnknown } from '../../src/apimachinery/protobuf.ts'
import { randomObject } from './random-object.ts'

/** Kinds whose messages carry anything. */
function kinds(): string[] {
  return allTypeNames().filter((name) => {
    const facts = mustTypeFacts(name)
    return facts.gvks.length > 0 && facts.fields.some((f) => f.protobuf !== undefined)
  })
}

t.test('random objects of every kind come back as they went', (t) => {
  const random = new SeededRandom(20260101)
  for (const name of kinds()) {
    for (let i = 0; i < 8; i++) {
      const object = normalize(name, decodeObject(name, randomObject(name, random, { density: 0.3, maxDepth: 5 })).object)
      const { kind, apiVersion } = object
      const back = normalize(name, { kind, apiVersion, ...decodeMessage(name, encodeMessage(name, object)) })
      if (JSON.stringify(back) !== JSON.stringify(object)) t.same(back, object, name)
    }
    t.pass(name)
  }
  t.end()
})

t.test('the envelope', (t) => {
  const unknown = { apiVersion: 'apps/v1', kind: 'Deployment', raw: new Uint8Array([1, 2, 3]) }
  const bytes = wrapUnknown(unknown)
  t.equal(bytes.subarray(0, 4).toString('latin1'), 'k8s\0')
  const { apiVersion, kind, raw } = unwrapUnknown(bytes)
  t.same({ apiVersion, kind, raw: [...raw] }, { ...unknown, raw: [1, 2, 3] })
  t.throws(() => unwrapUnknown(Buffer.from('{}')), ParseError)
  t.end()
})

t.test('values in another form than their types', (t) => {
  const POD_SPEC = 'io.k8s.api.core.v1.PodSpec'
  const [varint, bytes] = [(number: number) => new BinaryWriter().tag(number, WireType.Varint).int64(1).finish(), (number: number) => new BinaryWriter().tag(number, WireType.LengthDelimited).string('x').finish()]
  t.throws(() => decodeMessage(POD_SPEC, varint(2)), { message: 'proto: wrong wireType = 0 for field Containers' })
  t.throws(() => decodeMessage(POD_SPEC, varint(3)), { message: 'proto: wrong wireType = 0 for field RestartPolicy' })
  t.throws(() => decodeMessage(POD_SPEC, bytes(4)), { message: 'proto: wrong wireType = 2 for field TerminationGracePeriodSeconds' })
  t.same(decodeMessage(POD_SPEC, varint(9999)), {}, 'what is not known is passed over')
  t.end()
})
