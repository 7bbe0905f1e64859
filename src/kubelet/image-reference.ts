/** Whether something can be the name of an image at all. Models github.com/distribution/reference and pkg/util/parsers. */
const DOMAIN = /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?$/
const COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/
const TAG = /^\w[\w.-]{0,127}$/
const DIGEST = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/
const MAX_NAME = 255

/** What is wrong with it, in upstream's words. */
export function imageNameProblem(image: string): string | undefined {
  const why = problemOf(image)
  return why && `Failed to apply default image tag ${JSON.stringify(image)}: couldn't parse image name ${JSON.stringify(image)}: ${why}`
}

function problemOf(image: string): string | undefined {
  const at = image.indexOf('@')
  const named = at < 0 ? image : image.slice(0, at)
  const colon = named.lastIndexOf(':')
  const hasTag = colon > named.lastIndexOf('/')
  const name = hasTag ? named.slice(0, colon) : named
  const slash = name.indexOf('/')
  const first = slash < 0 ? '' : name.slice(0, slash)
  const hasDomain = slash >= 0 && (/[.:]/.test(first) || first === 'localhost' || first.toLowerCase() !== first)
  const remote = hasDomain ? name.slice(slash + 1) : name
  if (remote.toLowerCase() !== remote) return `invalid reference format: repository name (${slash < 0 ? `library/${remote}` : remote}) must be lowercase`
  const isGood = remote.split('/').every((c) => COMPONENT.test(c)) && (!hasDomain || DOMAIN.test(first)) && (!hasTag || TAG.test(named.slice(colon + 1))) && (at < 0 || DIGEST.test(image.slice(at + 1)))
  if (!isGood) return 'invalid reference format'
  return name.length > MAX_NAME ? `repository name must not be more than ${MAX_NAME} characters` : undefined
}
