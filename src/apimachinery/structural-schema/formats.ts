/** The formats that values of custom resources are checked against; others mean nothing. Models k8s.io/apiextensions-apiserver/pkg/apiserver/validation/formats.go. */
import { someSchema, type Schema } from './schema.ts'

const STRING_FORMATS = new Set(
  (
    'bsonobjectid uri email hostname ipv4 ipv6 cidr mac uuid uuid3 uuid4 uuid5 isbn isbn10 isbn13 creditcard ssn hexcolor rgbcolor byte password date duration datetime ' +
    'k8sshortname k8slongname'
  ).split(' '),
)
const NUMBER_FORMATS: Readonly<Record<string, readonly string[]>> = { integer: ['int32', 'int64'], number: ['float', 'double'] }

/** The format as it is known, or undefined where it means nothing. */
export function knownFormat({ type = '', format = '' }: Schema): string | undefined {
  if (type === '' || type === 'string') {
    const plain = format.replaceAll('-', '')
    return STRING_FORMATS.has(plain) ? plain : undefined
  }
  return NUMBER_FORMATS[type]?.includes(format) ? format : undefined
}

/** The formats of a schema that mean nothing, each as often as it stands there. */
export function unknownFormats(schema: Schema | undefined): string[] {
  const found: string[] = []
  someSchema(schema, (s) => {
    if (s.format && knownFormat(s) === undefined) found.push(s.format)
    return false
  })
  return found
}
