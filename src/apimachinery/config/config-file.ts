/** Configuration files of the API server: one kind in one group, read strictly. Models runtime.Decode with a strict codec over k8s.io/apiserver/pkg/apis/{apiserver,audit}. */
import { quote } from '../../errors.ts'
import { decodeContext } from '../decode-context.ts'
import { isRecord } from '../json.ts'
import { ParseError } from '../parse-error.ts'
import { parseJSON, type Parsed } from '../parse.ts'
import { readYAML } from '../yaml-reader.ts'
import { decodeStruct, refuseMismatch } from './decode-shape.ts'
import type { StructShape } from './shape.ts'

const SCHEME = 'pkg/runtime/scheme.go:111'

export interface ConfigKind {
  group: string
  versions: readonly string[]
  kind: string
  shape: StructShape
  /** What is not known is passed over. */
  isLenient?: boolean
}

/** Kinds that the components know, too, but not in this place. */
const OTHERS: Readonly<Record<string, readonly string[]>> = {
  'apiserver.config.k8s.io': ['AdmissionConfiguration', 'AuthenticationConfiguration', 'AuthorizationConfiguration', 'EncryptionConfiguration', 'TracingConfiguration'],
}

/** Throws ParseError in upstream's words. */
export function decodeConfigFile(text: string, expected: ConfigKind): Record<string, unknown> {
  const { value, duplicates } = parse(text)
  refuseOtherKinds(value, text, expected)
  const ctx = decodeContext(!expected.isLenient)
  const config = decodeStruct(expected.shape, value, ctx)
  refuseMismatch(ctx)
  const strict = expected.isLenient ? [] : [...duplicates, ...ctx.strictErrors]
  if (strict.length > 0) throw new ParseError(`strict decoding error: ${strict.join(', ')}`)
  return config
}

function parse(text: string): Parsed {
  if (!/^\s*\{/.test(text)) return readYAML(text)
  try {
    return parseJSON(text, { strict: true })
  } catch (error) {
    throw new ParseError(`couldn't get version/kind; json parse error: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}

function refuseOtherKinds(value: unknown, text: string, { group, versions, kind: wanted }: ConfigKind): void {
  const { apiVersion, kind } = isRecord(value) ? value : {}
  if (typeof kind !== 'string' || !kind) throw new ParseError(`Object 'Kind' is missing in '${text}'`)
  if (typeof apiVersion !== 'string' || !apiVersion) throw new ParseError(`Object 'apiVersion' is missing in '${text}'`)
  const isKnown = versions.some((version) => apiVersion === `${group}/${version}`)
  if (isKnown && kind === wanted) return
  if (isKnown && OTHERS[group]?.includes(kind)) throw new ParseError(`expected ${wanted}, got *${group.replace(/\..*/, '')}.${kind}`)
  throw new ParseError(`no kind ${quote(kind)} is registered for version ${quote(apiVersion)} in scheme ${quote(SCHEME)}`)
}
