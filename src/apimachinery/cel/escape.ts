/** Names of properties as expressions write them: `foo-bar` is `foo__dash__bar`. Models k8s.io/apiserver/pkg/cel/escaping.go. */

const RESERVED: ReadonlySet<string> = new Set('true false null in as break const continue else for function if import let loop package namespace return var void while'.split(' '))
const WORDS: Readonly<Record<string, string>> = { '__': '__underscores__', '.': '__dot__', '-': '__dash__', '/': '__slash__' }
const MEANINGS: Readonly<Record<string, string>> = { underscores: '__', dot: '.', dash: '-', slash: '/' }

/** undefined: expressions cannot name it. */
export function escapeName(name: string): string | undefined {
  if (name === '' || /^[0-9]/.test(name) || /[^a-zA-Z0-9_./-]/.test(name)) return undefined
  if (RESERVED.has(name)) return `__${name}__`
  return name.replace(/__|[-./]/g, (found) => WORDS[found] ?? found)
}

export function unescapeName(escaped: string): string | undefined {
  let isValid = true
  const name = escaped.replace(/_{2}[^_]+_{2}/g, (found) => {
    const word = found.slice(2, -2)
    const meaning = Object.hasOwn(MEANINGS, word) ? MEANINGS[word] : undefined
    if (meaning !== undefined) return meaning
    isValid &&= RESERVED.has(word) && found.length === escaped.length
    return word
  })
  return isValid ? name : undefined
}
