/** Flags as Go's pflag reads them: `--name=value`, `--name value`, `--switch`. */
export interface Flags {
  get(name: string): string | undefined
  number(name: string, fallback: number): number
  is(name: string, fallback?: boolean): boolean
  rest: string[]
}

/** @param switches those that take no value of their own */
export function parseFlags(args: readonly string[], switches: readonly string[] = []): Flags {
  const values = new Map<string, string>()
  const rest: string[] = []
  const left = [...args]
  for (let arg = left.shift(); arg !== undefined; arg = left.shift()) {
    const [, name = '', , value] = /^--?([a-zA-Z][\w-]*)(=([\s\S]*))?$/.exec(arg) ?? []
    if (!name) rest.push(arg)
    else if (value !== undefined) values.set(name, value)
    else values.set(name, switches.includes(name) ? 'true' : (left.shift() ?? ''))
  }
  return {
    get: (name) => values.get(name),
    number: (name, fallback) => (values.has(name) ? Number(values.get(name)) : fallback),
    is: (name, fallback = false) => (values.has(name) ? values.get(name) !== 'false' : fallback),
    rest,
  }
}
