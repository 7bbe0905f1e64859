/** The warning for names that make poor host names of the pods made from them. Models WarningsOnCreate of upstream's workload strategies. */
import { isDNS1123Label } from '../../../src/apimachinery/validation.ts'

/** @param use what the name ends up in, as the warning says it */
export function hostnameWarnings(name: string | undefined, use = 'Pod names and hostnames'): string[] {
  const messages = isDNS1123Label(name ?? '')
  if (messages.length === 0) return []
  return [`metadata.name: this is used in ${use}, which can result in surprising behavior; a DNS label is recommended: [${messages.join(' ')}]`]
}
