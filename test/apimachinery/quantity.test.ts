import t from 'tap'
import { ParseError } from '../../src/apimachinery/parse-error.ts'
import {
  addQuantities, canonicalQuantity, compareQuantities, isQuantity, isZeroQuantity, makeMilliQuantity, makeQuantity, multiplyQuantity, negateQuantity, parseQuantity,
  quantityMilliValue, quantitySign, quantityText, quantityToNumber, quantityValue, roundUpToMilli, scaledValue, subtractQuantities,
} from '../../src/apimachinery/quantity.ts'

t.test('canonical text', (t) => {
  const table: [string, string][] = [
    ['0', '0'],
    ['-0', '0'],
    ['00.00Ki', '0'],
    ['1000m', '1'],
    ['0.1', '100m'],
    ['.5', '500m'],
    ['1.5', '1500m'],
    ['1.500', '1.500'],
    ['0100m', '0100m'],
    ['+1', '+1'],
    ['1000', '1k'],
    ['1001', '1001'],
    ['1024Ki', '1Mi'],
    ['1025Ki', '1025Ki'],
    ['1.5Gi', '1536Mi'],
    ['0.5Ki', '512'],
    ['0.1Mi', '104857600m'],
    ['100Ki', '100Ki'],
    ['1e3', '1e3'],
    ['1000e3', '1e6'],
    ['12E', '12E'],
    ['1000E', '1'],
    ['0.0000000001', '1n'],
    ['-0.0000000001', '-1n'],
    ['9223372036854775808Ki', '9223372036854775807'],
    ['0.0000001Ki', '102400n'],
  ]
  for (const [text, canonical] of table) t.equal(canonicalQuantity(text), canonical, text)
  t.end()
})

t.test('what is refused, in upstream’s words', (t) => {
  const format = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
  const table: [string, string][] = [
    ['', format],
    ['abc', format],
    ['1.2.3', format],
    ['1 Gi', format],
    ['1e', "unable to parse quantity's suffix"],
    ['1mi', "unable to parse quantity's suffix"],
    ['1e99999999999999999999', "unable to parse quantity's suffix"],
    ['.e-20', 'unable to parse numeric part of quantity'],
  ]
  for (const [text, message] of table) {
    t.throws(() => parseQuantity(text), new ParseError(message), text)
    t.equal(isQuantity(text), false)
  }
  t.equal(isQuantity('1Gi'), true)
  t.end()
})

t.test('values are rounded away from zero', (t) => {
  const table: [string, number, number][] = [
    ['0', 0, 0],
    ['100m', 1, 100],
    ['1', 1, 1000],
    ['1500m', 2, 1500],
    ['-1500m', -2, -1500],
    ['1u', 1, 1],
    ['1Gi', 1073741824, 1073741824000],
    ['2.5Gi', 2684354560, 2684354560000],
    ['1e3', 1000, 1000000],
  ]
  for (const [text, value, milli] of table) t.same([quantityValue(text), quantityMilliValue(text)], [value, milli], text)
  t.equal(quantityValue(parseQuantity('1500m')), 2)
  t.equal(quantityMilliValue(makeQuantity(3)), 3000)
  t.equal(scaledValue('1Gi', 6), 1074n)
  t.equal(scaledValue('1e30', 0), 0n, 'past an int64, upstream says none')
  t.equal(roundUpToMilli('1.0001'), '1001m')
  t.equal(roundUpToMilli('-1u'), '-1m')
  t.equal(roundUpToMilli('1.500'), '1.500')
  t.end()
})

t.test('comparing', (t) => {
  const table: [string, string, number][] = [
    ['1', '1000m', 0],
    ['1Ki', '1k', 1],
    ['-1', '1', -1],
    ['-2', '-1', -1],
    ['0', '-1m', 1],
    ['0', '0Ki', 0],
    ['1e1000000', '1e999999', 1],
    ['999m', '1', -1],
  ]
  for (const [a, b, expected] of table) {
    t.equal(compareQuantities(a, b), expected, `${a} and ${b}`)
    t.equal(compareQuantities(b, a), expected === 0 ? 0 : -expected, `${b} and ${a}`)
  }
  t.same(['-1n', '0', '1n'].map((s) => quantitySign(s)), [-1, 0, 1])
  t.equal(isZeroQuantity('0m'), true)
  t.end()
})

t.test('arithmetic keeps the format of its first operand, unless that is zero', (t) => {
  const table: [string, string, string, string][] = [
    ['1', '500m', '1500m', '500m'],
    ['1Gi', '1Mi', '1025Mi', '1023Mi'],
    ['0', '1Ki', '1Ki', '-1Ki'],
    ['1k', '24', '1024', '976'],
    ['1Ki', '1', '1025', '1023'],
    ['1Mi', '1m', '1048576001m', '1048575999m'],
  ]
  for (const [a, b, sum, difference] of table) {
    t.equal(quantityText(addQuantities(a, b)), sum, `${a} + ${b}`)
    t.equal(quantityText(subtractQuantities(a, b)), difference, `${a} - ${b}`)
  }
  t.equal(quantityText(multiplyQuantity('300m', 4)), '1200m')
  t.equal(quantityText(negateQuantity('1Ki')), '-1Ki')
  t.equal(quantityText(makeMilliQuantity(1500)), '1500m')
  t.equal(quantityText(makeQuantity(2n ** 20n, 'BinarySI')), '1Mi')
  t.equal(quantityToNumber('1500m'), 1.5)
  t.end()
})
