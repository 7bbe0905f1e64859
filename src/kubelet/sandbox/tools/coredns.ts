/**
 * CoreDNS with the plugins by which people make a server of their own: hosts, kubernetes, forward, template's simpler relatives
 * left out. What has no say in an answer (cache, health, loop …) is taken and does nothing.
 */
import { decodeMessage, encodeReply, framed, isRecordType, NXDOMAIN, toAnswer, unframed, type DnsRecord, type RecordType } from '../../../apimachinery/dns-message.ts'
import { familyOf, parseIP } from '../../../apimachinery/ip-address.ts'
import { NetworkError, type Accepted } from '../../../network/network.ts'
import { parseFlags } from '../agnhost/flags.ts'
import { forever } from '../agnhost/web.ts'
import { CorefileError, isInZone, parseCorefile, type Directive, type ServerBlock } from '../corefile.ts'
import { FsError } from '../nodes.ts'
import type { Process, Program } from '../process.ts'

const SERVFAIL = 2
const REFUSED = 5
const TTL_SECONDS = 3600
const WITHOUT_EFFECT: ReadonlySet<string> = new Set(['errors', 'log', 'health', 'ready', 'cache', 'loop', 'reload', 'loadbalance', 'prometheus', 'bind', 'debug', 'minimal', 'nsid', 'bufsize', 'any', 'acl', 'cancel', 'pprof', 'trace', 'autopath'])

interface Question {
  name: string
  type: RecordType
}

/** Records; a code; or nothing, where the next plugin is to answer. */
type Said = readonly DnsRecord[] | number | undefined

type Plugin = (question: Question) => Promise<Said> | Said

async function coredns(process: Process): Promise<number> {
  const flags = parseFlags(process.args, ['version', 'quiet'])
  if (flags.is('version')) {
    await process.out('CoreDNS-1.13.1\nlinux/amd64, go1.25.2, 1db4568\n')
    return 0
  }
  const file = flags.get('conf') ?? 'Corefile'
  let blocks: readonly { block: ServerBlock; plugins: readonly Plugin[] }[]
  try {
    const text = (await process.sandbox.fs.readFile(process.path(file))).toString()
    blocks = await Promise.all(parseCorefile(text, flags.number('dns.port', 53)).map(async (block) => ({ block, plugins: await pluginsOf(process, block) })))
  } catch (error) {
    if (!(error instanceof CorefileError) && !(error instanceof FsError)) throw error
    await process.err(error instanceof CorefileError ? `${error.message}\n` : `loading Caddyfile via flag: open ${file}: no such file or directory\n`)
    return 1
  }
  for (const port of new Set(blocks.flatMap(({ block }) => block.zones.map((zone) => zone.port)))) {
    const answer = (bytes: Buffer, isUdp: boolean) => respond(process, bytes, { blocks, port, isUdp })
    process.sandbox.listen(port, 'UDP', (accepted) => serveDatagrams(accepted, answer))
    process.sandbox.listen(port, 'TCP', (accepted) => serveStream(accepted, answer))
  }
  for (const { block } of blocks) for (const { zone, port } of block.zones) await process.out(`${zone || '.'}:${port}\n`)
  await process.out('CoreDNS-1.13.1\nlinux/amd64, go1.25.2, 1db4568\n')
  return forever(process)
}

type Answering = (bytes: Buffer, isUdp: boolean) => Promise<Buffer | undefined>

function serveDatagrams({ stream }: Accepted, answer: Answering): void {
  stream.on('error', () => stream.destroy())
  stream.on('data', (query: Buffer) => void answer(query, true).then((reply) => reply && stream.write(reply), () => stream.destroy()))
}

function serveStream({ stream }: Accepted, answer: Answering): void {
  let pending: Buffer = Buffer.alloc(0)
  stream.on('error', () => stream.destroy())
  stream.on('data', (chunk: Buffer) => {
    const { messages, rest } = unframed(Buffer.concat([pending, chunk]))
    pending = rest
    for (const message of messages) void answer(message, false).then((reply) => (reply ? stream.write(framed(reply)) : stream.destroy()), () => stream.destroy())
  })
}

async function respond(process: Process, bytes: Buffer, { blocks, port, isUdp }: { blocks: readonly { block: ServerBlock; plugins: readonly Plugin[] }[]; port: number; isUdp: boolean }): Promise<Buffer | undefined> {
  const query = decodeMessage(bytes)
  const [question] = query?.questions ?? []
  if (query?.type !== 'query' || !question) return undefined
  const name = question.name.toLowerCase()
  // Of the zones that have the name the longest one answers.
  const found = blocks
    .flatMap(({ block, plugins }) => block.zones.filter((zone) => zone.port === port && isInZone(name, zone.zone)).map(({ zone }) => ({ zone, block, plugins })))
    .sort((a, b) => b.zone.length - a.zone.length)[0]
  const said = found && isRecordType(question.type) ? await firstOf(found.plugins, { name: question.name, type: question.type }) : undefined
  const rcode = typeof said === 'number' ? said : said === undefined ? REFUSED : 0
  const answers = Array.isArray(said) ? (said as readonly DnsRecord[]).map(toAnswer) : []
  if (found?.block.directives.some((directive) => directive.name === 'log')) await process.out(`[INFO] - ${query.id} "${question.type} IN ${question.name}. ${isUdp ? 'udp' : 'tcp'} ${bytes.length} false 512" ${['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'][rcode]}\n`)
  return encodeReply(query, { rcode, answers }, { isUdp })
}

async function firstOf(plugins: readonly Plugin[], question: Question): Promise<Said> {
  for (const plugin of plugins) {
    const said = await plugin(question)
    if (said !== undefined) return said
  }
  return undefined
}

/** In the order in which CoreDNS has them, whatever that of the file is. */
const ORDER = ['rewrite', 'hosts', 'kubernetes', 'forward'] as const

async function pluginsOf(process: Process, { directives, zones }: ServerBlock): Promise<Plugin[]> {
  const unknown = directives.find(({ name }) => !WITHOUT_EFFECT.has(name) && !ORDER.some((known) => known === name))
  if (unknown) throw new CorefileError(`Corefile:${unknown.line} - Error during parsing: Unknown directive '${unknown.name}'`)
  const make: Readonly<Record<(typeof ORDER)[number], (directive: Directive) => Promise<Plugin>>> = {
    rewrite: async (directive) => {
      throw new CorefileError(`Corefile:${directive.line} - Error during parsing: the plugin rewrite is not supported by Orrery`)
    },
    hosts: (directive) => hosts(process, directive),
    kubernetes: async ({ args }) => kubernetes(process, args.length > 0 ? args : zones.map(({ zone }) => zone)),
    forward: async ({ args }) => forward(process, args),
  }
  return Promise.all(ORDER.flatMap((name) => directives.filter((directive) => directive.name === name).map((directive) => make[name](directive))))
}

/** `hosts [FILE] { ADDRESS NAME …; fallthrough }` */
async function hosts(process: Process, { args: [file], lines }: Directive): Promise<Plugin> {
  const fromFile = file ? (await process.sandbox.fs.readFile(process.path(file))).toString().split('\n').map((line) => line.replace(/#.*/, '').split(/\s+/).filter(Boolean)) : []
  const ttl = Number(lines.find(([word]) => word === 'ttl')?.[1] ?? TTL_SECONDS)
  const entries = [...fromFile, ...lines].filter(([ip = '']) => parseIP(ip)).flatMap(([ip = '', ...names]) => names.map((name) => ({ ip, name: name.replace(/\.$/, '').toLowerCase() })))
  const fallsThrough = lines.some(([word]) => word === 'fallthrough')
  return ({ name, type }) => {
    const known = entries.filter((entry) => entry.name === name.toLowerCase())
    if (known.length > 0 && (type === 'A' || type === 'AAAA')) return known.filter(({ ip }) => (familyOf(ip) === 'IPv6') === (type === 'AAAA')).map(({ ip }) => ({ name, type, ttl, data: ip }))
    return fallsThrough ? undefined : known.length > 0 ? [] : NXDOMAIN
  }
}

/** The cluster's own names, as the container itself would find them. */
function kubernetes(process: Process, zones: readonly string[]): Plugin {
  const own = zones.map((zone) => zone.replace(/\.$/, ''))
  return (question) => (own.some((zone) => isInZone(question.name.toLowerCase(), zone)) ? ask(process, question) : undefined)
}

/** `forward ZONE SERVER…`, of which the first one that answers is enough; a file stands for what the container asks itself. */
function forward(process: Process, [zone = '.', ...servers]: readonly string[]): Plugin {
  const chosen = servers.map((server) => (server.startsWith('/') ? undefined : server.replace(/^dns:\/\//, '').replace(/:53$/, '')))
  return async (question) => {
    if (!isInZone(question.name.toLowerCase(), zone.replace(/\.$/, ''))) return undefined
    for (const server of chosen) {
      const said = await ask(process, question, server)
      if (said !== SERVFAIL) return said
    }
    return SERVFAIL
  }
}

async function ask({ sandbox: { network, party } }: Process, { name, type }: Question, server?: string): Promise<readonly DnsRecord[] | number> {
  try {
    return await network.resolve(party, `${name}.`, type, { isQuery: true, ...(server === undefined ? {} : { server }) })
  } catch (error) {
    if (!(error instanceof NetworkError)) throw error
    return error.code === 'ENOTFOUND' ? NXDOMAIN : SERVFAIL
  }
}

export default { coredns } satisfies Record<string, Program>
