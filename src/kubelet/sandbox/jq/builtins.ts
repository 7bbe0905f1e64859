/** The functions of jq. Those that are short in jq itself are written in it. */
import { RE2JS } from 're2js'
import { isRecord } from '../../../apimachinery/json.ts'
import { strftime } from '../strftime.ts'
import { deletePaths, described, getPath, isTrue, JqThrow, setPath, type Key, type Machine, type Out, type Scope } from './evaluate.ts'
import type { Filter } from './parser.ts'

interface Call {
  machine: Machine
  input: Out
  args: readonly Filter[]
  scope: Scope
}

export const PRELUDE = `
def map(f): [.[] | f]; def select(f): if f then . else empty end; def recurse(f): def r: ., (f | r); r; def recurse: recurse(.[]?);
def values: select(. != null); def nulls: select(. == null); def booleans: select(type == "boolean"); def numbers: select(type == "number"); def strings: select(type == "string");
def arrays: select(type == "array"); def objects: select(type == "object"); def iterables: select(type == "array" or type == "object"); def scalars: select(type != "array" and type != "object");
def to_entries: [keys_unsorted[] as $k | {key: $k, value: .[$k]}]; def from_entries: reduce .[] as $e ({}; . + {($e | (if .key == null then (.k // .name // .Name // .K // .Key) else .key end) | if type == "string" then . else tojson end): ($e | if has("value") then .value elif has("v") then .v else .Value end)});
def with_entries(f): to_entries | map(f) | from_entries; def map_values(f): .[] |= f; def add(f): reduce f as $x (null; . + $x); def add: add(.[]);
def any: reduce .[] as $x (false; . or $x); def all: reduce .[] as $x (true; . and $x); def any(f): reduce (.[] | f) as $x (false; . or $x); def all(f): reduce (.[] | f) as $x (true; . and $x);
def any(g; f): reduce (g | f) as $x (false; . or $x); def all(g; f): reduce (g | f) as $x (true; . and $x);
def first: .[0]; def last: .[-1]; def nth($n): .[$n]; def last(f): reduce f as $x (null; $x); def isempty(g): [limit(1; g)] | length == 0; def until(c; u): def r: if c then . else (u | r) end; r; def while(c; u): def r: if c then ., (u | r) else empty end; r; def repeat(f): def r: ., (f | r); r;
def in($o): . as $k | $o | has($k); def inside($o): . as $x | $o | contains($x); def paths: path(..) | select(length > 0); def paths(f): paths as $p | select(getpath($p) | f) | $p; def leaf_paths: paths(scalars);
def del(f): delpaths([path(f)]); def walk(f): def w: if type == "object" then map_values(w) elif type == "array" then map(w) else . end | f; w;
def IN(s): any(s == .; .); def IN(src; s): any(src == s; .); def INDEX(f): reduce .[] as $x ({}; .[$x | f | tostring] |= $x);
def sub($r; s): sub($r; s; ""); def gsub($r; s): sub($r; s; "g"); def gsub($r; s; $f): sub($r; s; $f + "g"); def test($r): test($r; null); def match($r): match($r; null); def capture($r): capture($r; null); def scan($r): scan($r; null); def splits($r): split($r; null) | .[]; def splits($r; $f): split($r; $f) | .[];
def capture($r; $f): match($r; $f) | [.captures | .[] | select(.name != null) | {key: .name, value: .string}] | from_entries; def scan($r; $f): match($r; $f + "g") | if (.captures | length) > 0 then [.captures | .[] | .string] else .string end;
def unique: unique_by(.); def group_by(f): _group(map([f])); def sort_by(f): _sort(map([f])); def unique_by(f): [group_by(f)[] | .[0]]; def min_by(f): sort_by(f) | .[0]; def max_by(f): sort_by(f) | .[-1]; def min: min_by(.); def max: max_by(.); def sort: sort_by(.);
def ascii: [.] | implode; def todate: strftime("%Y-%m-%dT%H:%M:%SZ"); def fromdate: fromdateiso8601; def todateiso8601: todate; def date: todate; def dateadd(u; n): . + n; def finites: select(isinfinite or isnan | not); def normals: select(isnormal); def combinations: if length == 0 then [] else .[0][] as $x | (.[1:] | combinations) as $w | [$x] + $w end;
 def error(m): m | error; def halt_error: error; def input_line_number: 0; def join($s): reduce .[] as $x (null; (if . == null then "" else . + $s end) + ($x | if . == null then "" elif type == "string" then . else tojson end)) // ""; def flatten: flatten(1e9); def range($n): range(0; $n); def inputs: def r: (try input catch null) as $x | if $x == null then empty else $x, r end; r; def pick(f): . as $top | reduce path(f) as $p (null; setpath($p; $top | getpath($p))); def abs: if . < 0 then -. else . end; def limit($n; f): _limit($n; f);
`

export function kindOf(value: unknown): string {
  return value === null || value === undefined ? 'null' : Array.isArray(value) ? 'array' : typeof value
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

const ORDER = ['null', 'boolean', 'number', 'string', 'array', 'object']

/** jq's order of all values. */
export function compare(a: unknown, b: unknown): number {
  const [left, right] = [ORDER.indexOf(kindOf(a)), ORDER.indexOf(kindOf(b))]
  if (left !== right) return left - right
  if (typeof a === 'number' && typeof b === 'number') return a - b
  if (typeof a === 'boolean') return Number(a) - Number(b)
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : a > b ? 1 : 0
  if (Array.isArray(a) && Array.isArray(b)) return compareLists(a, b)
  if (!isRecord(a) || !isRecord(b)) return 0
  const [keys, others] = [Object.keys(a).sort(), Object.keys(b).sort()]
  return compareLists(keys, others) || compareLists(keys.map((k) => a[k]), keys.map((k) => b[k]))
}

function compareLists(a: readonly unknown[], b: readonly unknown[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const order = compare(a[i], b[i])
    if (order !== 0) return order
  }
  return a.length - b.length
}

/** `@base64` and its like. @throws JqThrow */
export function formatted(name: string, value: unknown): string {
  const text = textOf(value)
  const row = (separator: string, cell: (v: unknown) => string) => {
    if (!Array.isArray(value)) throw new JqThrow(`${described(value)} cannot be ${name.slice(1)}-formatted, only an array can be`)
    return value.map(cell).join(separator)
  }
  switch (name) {
    case '@text':
      return text
    case '@json':
      return JSON.stringify(value)
    case '@base64':
      return Buffer.from(text).toString('base64')
    case '@base64d':
      return Buffer.from(text, 'base64').toString()
    case '@uri':
      return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
    case '@html':
      return text.replace(/[&<>'"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', "'": '&#39;', '"': '&quot;' })[c] ?? c)
    case '@sh':
      return [value].flat().map((v) => (typeof v === 'string' ? `'${v.replace(/'/g, `'\\''`)}'` : JSON.stringify(v))).join(' ')
    case '@csv':
      return row(',', (v) => (typeof v === 'string' ? `"${v.replace(/"/g, '""')}"` : v === null ? '' : JSON.stringify(v)))
    case '@tsv':
      return row('\t', (v) => (v === null ? '' : textOf(v).replace(/\\/g, '\\\\').replace(/\t/g, '\\t').replace(/\n/g, '\\n').replace(/\r/g, '\\r')))
    default:
      throw new JqThrow(`${name.slice(1)} is not a valid format`)
  }
}

type Builtin = (call: Call) => Generator<Out>

const out = (value: unknown): Out => ({ value, path: undefined })

/** One value from one. */
const pure = (compute: (value: unknown, call: Call) => unknown): Builtin =>
  function* (call) {
    yield out(compute(call.input.value, call))
  }

/** One value for each value of the arguments. */
const withArgs = (compute: (value: unknown, args: readonly unknown[], call: Call) => unknown): Builtin =>
  function* (call) {
    for (const args of products(call)) yield out(compute(call.input.value, args, call))
  }

function* products({ machine, input, args, scope }: Call, from = 0): Generator<unknown[]> {
  const arg = args[from]
  if (!arg) return void (yield [])
  for (const rest of products({ machine, input, args, scope }, from + 1)) for (const value of machine.values(arg, input.value, scope)) yield [value, ...rest]
}

const text = (value: unknown, what: string): string => {
  if (typeof value !== 'string') throw new JqThrow(`${described(value)} cannot be ${what}, as it is not a string`)
  return value
}
const number = (value: unknown): number => {
  if (typeof value !== 'number') throw new JqThrow(`${described(value)} number required`)
  return value
}
const list = (value: unknown): unknown[] => {
  if (!Array.isArray(value)) throw new JqThrow(`${described(value)} cannot be sorted, as it is not an array`)
  return value
}

function keysOf(value: unknown): (string | number)[] {
  if (Array.isArray(value)) return [...value.keys()]
  if (isRecord(value)) return Object.keys(value)
  throw new JqThrow(`${described(value)} has no keys`)
}

function lengthOf(value: unknown): number {
  if (value === null) return 0
  if (typeof value === 'number') return Math.abs(value)
  if (typeof value === 'string') return [...value].length
  if (typeof value === 'object') return Object.keys(value).length
  throw new JqThrow(`${described(value)} has no length`)
}

function contains(a: unknown, b: unknown): boolean {
  if (typeof a === 'string' && typeof b === 'string') return a.includes(b)
  if (Array.isArray(a) && Array.isArray(b)) return b.every((y) => a.some((x) => contains(x, y)))
  if (isRecord(a) && isRecord(b)) return Object.entries(b).every(([key, y]) => Object.hasOwn(a, key) && contains(a[key], y))
  if (kindOf(a) !== kindOf(b)) throw new JqThrow(`${described(a)} and ${described(b)} cannot have their containment checked`)
  return compare(a, b) === 0
}

function regexp(source: unknown, flags: unknown): RE2JS {
  const given = typeof flags === 'string' ? flags : ''
  try {
    return RE2JS.compile(text(source, 'matched'), (given.includes('i') ? RE2JS.CASE_INSENSITIVE : 0) | (given.includes('s') ? RE2JS.DOTALL : 0))
  } catch (error) {
    if (error instanceof JqThrow) throw error
    throw new JqThrow(`${JSON.stringify(source)} (at offset 0) is not a valid regex`)
  }
}

interface Match {
  offset: number
  length: number
  string: string
  captures: { offset: number; length: number; string: string | null; name: string | null }[]
}

function matchesOf(value: unknown, source: unknown, flags: unknown): Match[] {
  const input = text(value, 'matched')
  const pattern = regexp(source, flags)
  const names = new Map(Object.entries(pattern.namedGroups()).map(([name, group]) => [group, name]))
  const matcher = pattern.matcher(input)
  const found: Match[] = []
  while (matcher.find()) {
    const captures = Array.from({ length: matcher.groupCount() }, (_, i) => ({ offset: matcher.start(i + 1), length: Math.max(0, matcher.end(i + 1) - matcher.start(i + 1)), string: matcher.group(i + 1) ?? null, name: names.get(i + 1) ?? null }))
    found.push({ offset: matcher.start(), length: matcher.end() - matcher.start(), string: matcher.group() ?? '', captures })
    if (typeof flags !== 'string' || !flags.includes('g')) break
  }
  return found
}

function keyed(value: unknown, keys: unknown): { key: unknown; item: unknown }[] {
  const by = list(keys)
  return list(value).map((item, i) => ({ item, key: by[i] })).sort((a, b) => compare(a.key, b.key))
}

function grouped(value: unknown, keys: unknown): unknown[][] {
  const groups: { key: unknown; items: unknown[] }[] = []
  for (const { key, item } of keyed(value, keys)) {
    const last = groups.at(-1)
    if (last && compare(last.key, key) === 0) last.items.push(item)
    else groups.push({ key, items: [item] })
  }
  return groups.map(({ items }) => items)
}

function flattened(value: readonly unknown[], depth: number): unknown[] {
  return value.flatMap((item) => (Array.isArray(item) && depth > 0 ? flattened(item, depth - 1) : [item]))
}

function indices(value: unknown, wanted: unknown): number[] {
  if (typeof value === 'string' && typeof wanted === 'string') {
    const found: number[] = []
    for (let at = wanted === '' ? -1 : value.indexOf(wanted); at >= 0; at = value.indexOf(wanted, at + 1)) found.push(at)
    return found
  }
  return list(value).flatMap((item, i) => (compare(item, wanted) === 0 ? [i] : []))
}

function parsed(value: unknown): unknown {
  try {
    return JSON.parse(text(value, 'parsed')) as unknown
  } catch (error) {
    if (error instanceof JqThrow) throw error
    throw new JqThrow(`${String(value)} (while parsing '${String(value)}')`)
  }
}

const math = (compute: (x: number) => number) => pure((v) => compute(number(v)))

export const BUILTINS: Readonly<Record<string, Builtin>> = {
  'empty/0': function* () {},
  'error/0': pure((v) => { throw new JqThrow(v) }),
  'not/0': pure((v) => !isTrue(v)),
  'length/0': pure(lengthOf),
  'utf8bytelength/0': pure((v) => Buffer.byteLength(text(v, 'measured'))),
  'keys/0': pure((v) => keysOf(v).sort((a, b) => compare(a, b))),
  'keys_unsorted/0': pure(keysOf),
  'env/0': pure((_, { machine }) => machine.root.variable('ENV')),
  'type/0': pure(kindOf),
  'tostring/0': pure(textOf),
  'tonumber/0': pure((v) => { const n = typeof v === 'number' ? v : Number(typeof v === 'string' && v.trim() !== '' ? v : NaN); if (Number.isNaN(n)) throw new JqThrow(`${described(v)} cannot be parsed as a number`); return n }),
  'tojson/0': pure((v) => JSON.stringify(v)),
  'fromjson/0': pure(parsed),
  'reverse/0': pure((v) => (typeof v === 'string' ? [...v].reverse().join('') : v === null ? [] : [...list(v)].reverse())),
  'floor/0': math(Math.floor),
  'ceil/0': math(Math.ceil),
  'round/0': math(Math.round),
  'sqrt/0': math(Math.sqrt),
  'fabs/0': math(Math.abs),
  'log/0': math(Math.log),
  'log2/0': math(Math.log2),
  'log10/0': math(Math.log10),
  'exp/0': math(Math.exp),
  'pow/2': withArgs((_, [a, b]) => number(a) ** number(b)),
  'infinite/0': pure(() => Number.MAX_VALUE),
  'nan/0': pure(() => null),
  'isinfinite/0': pure((v) => !Number.isFinite(v)),
  'isnan/0': pure((v) => Number.isNaN(v)),
  'isnormal/0': pure((v) => typeof v === 'number' && v !== 0),
  'ascii_downcase/0': pure((v) => text(v, 'downcased').replace(/[A-Z]/g, (c) => c.toLowerCase())),
  'ascii_upcase/0': pure((v) => text(v, 'upcased').replace(/[a-z]/g, (c) => c.toUpperCase())),
  'trim/0': pure((v) => text(v, 'trimmed').trim()),
  'ltrim/0': pure((v) => text(v, 'trimmed').trimStart()),
  'rtrim/0': pure((v) => text(v, 'trimmed').trimEnd()),
  'explode/0': pure((v) => [...text(v, 'exploded')].map((c) => c.codePointAt(0))),
  'implode/0': pure((v) => String.fromCodePoint(...list(v).map(number))),
  'now/0': pure((_, { machine }) => machine.nowMs / 1000),
  'fromdateiso8601/0': pure((v) => { const ms = Date.parse(text(v, 'parsed')); if (Number.isNaN(ms)) throw new JqThrow(`date "${String(v)}" does not match format "%Y-%m-%dT%H:%M:%SZ"`); return Math.floor(ms / 1000) }),
  'strftime/1': withArgs((v, [format]) => strftime(text(format, 'used as a format'), number(v) * 1000)),
  'input/0': pure((_, { machine }) => machine.inputs()),
  'debug/0': function* ({ input }) { yield input },
  'has/1': withArgs((v, [key]) => (Array.isArray(v) ? number(key) < v.length && number(key) >= 0 : isRecord(v) && Object.hasOwn(v, String(key)))),
  'contains/1': withArgs((v, [b]) => contains(v, b)),
  'startswith/1': withArgs((v, [s]) => text(v, 'used').startsWith(text(s, 'used'))),
  'endswith/1': withArgs((v, [s]) => text(v, 'used').endsWith(text(s, 'used'))),
  'ltrimstr/1': withArgs((v, [s]) => (typeof v === 'string' && typeof s === 'string' && v.startsWith(s) ? v.slice(s.length) : v)),
  'rtrimstr/1': withArgs((v, [s]) => (typeof v === 'string' && typeof s === 'string' && s !== '' && v.endsWith(s) ? v.slice(0, -s.length) : v)),
  'split/1': withArgs((v, [s]) => (v === '' ? [] : text(v, 'split').split(text(s, 'used')))),
  'split/2': withArgs((v, [r, f]) => { const input = text(v, 'split'); const parts: string[] = []; let last = 0; for (const m of matchesOf(v, r, `g${String(f ?? '')}`)) { parts.push(input.slice(last, m.offset)); last = m.offset + m.length } return [...parts, input.slice(last)] }),
  'test/2': withArgs((v, [r, f]) => regexp(r, f).matcher(text(v, 'matched')).find()),
  'match/2': function* (call) { for (const [r, f] of products(call)) for (const m of matchesOf(call.input.value, r, f)) yield out(m) },
  'sub/3': function* (call) {
    const { machine, input, args: [r, s, f], scope } = call
    if (!r || !s || !f) return
    const whole = text(input.value, 'matched')
    const [source] = machine.values(r, input.value, scope)
    const [flags] = machine.values(f, input.value, scope)
    let [done, last] = ['', 0]
    for (const m of matchesOf(whole, source, flags)) {
      const names = Object.fromEntries(m.captures.flatMap((c) => (c.name === null ? [] : [[c.name, c.string]])))
      const [replacement] = machine.values(s, names, scope)
      done += whole.slice(last, m.offset) + text(replacement, 'added')
      last = m.offset + m.length
    }
    yield out(done + whole.slice(last))
  },
  'indices/1': withArgs((v, [w]) => indices(v, w)),
  'index/1': withArgs((v, [w]) => indices(v, w)[0] ?? null),
  'rindex/1': withArgs((v, [w]) => indices(v, w).at(-1) ?? null),
  'flatten/1': withArgs((v, [depth]) => flattened(list(v), number(depth))),
  'range/2': function* (call) { for (const [from, to] of products(call)) for (let i = number(from); i < number(to); i++) yield* call.machine.run({ type: 'literal', value: i }, call.input, call.scope) },
  'range/3': function* (call) { for (const [from, to, by] of products(call)) for (let i = number(from); number(by) > 0 ? i < number(to) : i > number(to); i += number(by) || Infinity) yield* call.machine.run({ type: 'literal', value: i }, call.input, call.scope) },
  '_sort/1': withArgs((v, [keys]) => keyed(v, keys).map(({ item }) => item)),
  '_group/1': withArgs((v, [keys]) => grouped(v, keys)),
  'transpose/0': pure((v) => { const rows = list(v).map(list); return Array.from({ length: Math.max(0, ...rows.map((r) => r.length)) }, (_, i) => rows.map((r) => r[i] ?? null)) }),
  'getpath/1': function* (call) { for (const [path] of products(call)) yield { value: getPath(call.input.value, list(path) as Key[]), path: call.input.path && [...call.input.path, ...(list(path) as Key[])] } },
  'setpath/2': withArgs((v, [path, to]) => setPath(v, list(path) as Key[], to)),
  'delpaths/1': withArgs((v, [paths]) => deletePaths(v, list(paths).map((p) => list(p) as Key[]))),
  'path/1': function* ({ machine, input, args: [f], scope }) { if (f) for (const path of machine.paths(f, input.value, scope)) yield out(path) },
  'first/1': function* ({ machine, input, args: [f], scope }) { if (f) yield* machine.limit(1, machine.run(f, input, scope)) },
  '_limit/2': function* ({ machine, input, args: [n, f], scope }) { if (n && f) for (const count of machine.values(n, input.value, scope)) yield* machine.limit(number(count), machine.run(f, input, scope)) },
  'nth/2': function* ({ machine, input, args: [n, f], scope }) { if (n && f) for (const count of machine.values(n, input.value, scope)) yield* [...machine.limit(number(count) + 1, machine.run(f, input, scope))].slice(number(count)) },
}
