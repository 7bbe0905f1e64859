/** A variable out of a file of a volume: `NAME='value'` on lines of its own, as a shell would read it. Models pkg/kubelet/util/env. */

/** What is wrong with a file of variables. */
export class EnvFileError extends Error {}

/** Undefined where the key is not there, or empty. @throws EnvFileError */
export function envFileValue(text: string, key: string): string | undefined {
  const lines = text.split('\n')
  for (let i = 0; i < lines.length; i++) {
    const line = (lines[i] ?? '').replace(/\r$/, '').replace(/^[ \t]+/, '')
    if (line === '' || line.startsWith('#')) continue
    const [, name = '', blank = '', value = ''] = /^([^=]*?)=([ \t]*)(.*)$/s.exec(line) ?? []
    if (!line.includes('=') || name === '' || /[ \t]$/.test(name)) throw new EnvFileError(`line ${i + 1} is no assignment`)
    if (blank !== '') {
      if (name === key) return undefined
      continue
    }
    if (!value.startsWith("'")) throw new EnvFileError(`the value on line ${i + 1} is not in single quotes`)
    let rest = value.slice(1)
    // What is quoted may go over several lines.
    while (!rest.includes("'")) {
      if (++i >= lines.length || (i === lines.length - 1 && lines[i] === '')) throw new EnvFileError('a quote is not closed')
      rest += `\n${lines[i] ?? ''}`
    }
    const [quoted = '', after = ''] = rest.split(/'(.*)/s)
    if (!/^[ \t]*(?:#.*)?$/s.test(after)) throw new EnvFileError(`something follows the value on line ${i + 1}`)
    if (name === key) return quoted || undefined
  }
  return undefined
}
