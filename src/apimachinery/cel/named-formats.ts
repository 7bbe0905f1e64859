/** The formats that `format.named` knows. Models ConstantFormats of k8s.io/apiserver/pkg/cel/library/format.go. */
import { hasFormat } from '../structural-schema/string-formats.ts'
import { isDNS1035Label, isDNS1123Label, isDNS1123Subdomain, isQualifiedName, isValidLabelValue } from '../validation.ts'
import { requestURIError } from './functions-network.ts'

export interface NamedFormat {
  name: string
  validate: (text: string) => string[]
  /** The longest regular expression behind it, for costs. */
  regexpSize: number
}

/** A prefix may end with a dash, as for generateName. */
const masked = (text: string): string => (text.length > 1 && text.endsWith('-') ? `${text.slice(0, -2)}a` : text)
const ofFormat = (format: string, message: string) => (text: string): string[] => (hasFormat(text, format) ? [] : [message])

function uri(text: string): string[] {
  const error = requestURIError(text)
  return error === undefined ? [] : [error]
}

const DATE_TIME_PATTERN_LENGTH = 71

export const FORMATS: Readonly<Record<string, NamedFormat>> = {
  dns1123Label: { name: 'DNS1123Label', validate: isDNS1123Label, regexpSize: 30 },
  dns1123Subdomain: { name: 'DNS1123Subdomain', validate: isDNS1123Subdomain, regexpSize: 60 },
  dns1035Label: { name: 'DNS1035Label', validate: isDNS1035Label, regexpSize: 30 },
  qualifiedName: { name: 'QualifiedName', validate: isQualifiedName, regexpSize: 60 },
  dns1123LabelPrefix: { name: 'DNS1123LabelPrefix', validate: (text) => isDNS1123Label(masked(text)), regexpSize: 30 },
  dns1123SubdomainPrefix: { name: 'DNS1123SubdomainPrefix', validate: (text) => isDNS1123Subdomain(masked(text)), regexpSize: 60 },
  dns1035LabelPrefix: { name: 'DNS1035LabelPrefix', validate: (text) => isDNS1035Label(masked(text)), regexpSize: 30 },
  labelValue: { name: 'LabelValue', validate: isValidLabelValue, regexpSize: 40 },
  uri: { name: 'URI', validate: uri, regexpSize: 1103 },
  uuid: { name: 'uuid', validate: ofFormat('uuid', 'does not match the UUID format'), regexpSize: 70 },
  byte: { name: 'byte', validate: ofFormat('byte', 'invalid base64'), regexpSize: 84 },
  date: { name: 'date', validate: ofFormat('date', 'invalid date'), regexpSize: DATE_TIME_PATTERN_LENGTH },
  datetime: { name: 'datetime', validate: ofFormat('datetime', 'invalid datetime'), regexpSize: DATE_TIME_PATTERN_LENGTH },
}
