/**
 * The pull policy an image reference implies. Models ParseImageName of k8s.io/kubernetes/pkg/util/parsers and the
 * grammar of github.com/distribution/reference behind it.
 */

const DOMAIN_PART = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])'
const DOMAIN = `(?:${DOMAIN_PART}(?:\\.${DOMAIN_PART})*|\\[(?:[a-fA-F0-9:]+)\\])(?::[0-9]+)?`
const PATH_PART = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*'
const REFERENCE = new RegExp(`^(${DOMAIN}/)?(${PATH_PART}(?:/${PATH_PART})*)(?::(\\w[\\w.-]{0,127}))?(?:@([A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?$`)
const DIGEST_LENGTHS: Readonly<Record<string, number>> = { sha256: 64, sha384: 96, sha512: 128 }
const MAX_NAME_LENGTH = 255
/** Longer text cannot be a reference, and is not worth a regular expression. */
const MAX_REFERENCE_LENGTH = 1024

/** The tag, `latest` where neither tag nor digest is given, and nothing for a digest alone or a malformed reference. */
export function imageTag(image: string): string {
  if (image.length > MAX_REFERENCE_LENGTH || /^[a-f0-9]{64}$/.test(image)) return ''
  const match = REFERENCE.exec(withDomain(image))
  if (!match) return ''
  const [, domain = '', path = '', tag, digest] = match
  if (domain.length + path.length > MAX_NAME_LENGTH || (digest !== undefined && !isDigest(digest))) return ''
  return tag ?? (digest === undefined ? 'latest' : '')
}

export function defaultPullPolicy(image: string): 'Always' | 'IfNotPresent' {
  return imageTag(image) === 'latest' ? 'Always' : 'IfNotPresent'
}

/** The first part of a path is a domain only if it looks like one. */
function withDomain(image: string): string {
  const slash = image.indexOf('/')
  const first = image.slice(0, slash)
  if (slash >= 0 && (/[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase())) return image
  return `docker.io/${slash < 0 ? `library/${image}` : image}`
}

function isDigest(digest: string): boolean {
  const [algorithm = '', hex = ''] = digest.split(':')
  return DIGEST_LENGTHS[algorithm] === hex.length && hex === hex.toLowerCase()
}
