/** Redis' protocol and the commands that programs and probes use first, over a store in memory. Models RESP2 and redis-server. */
import type { Duplex } from 'node:stream'
import { getopt } from '../getopt.ts'
import { FsError } from '../nodes.ts'
import { NetworkError } from '../../../network/network.ts'
import type { Process, Program } from '../process.ts'
import { commands, type RedisValue, type Store } from '../redis/commands.ts'
import { encode, failure, Reader, showReply } from '../redis/protocol.ts'

const PORT = 6379
const SENTINEL_PORT = 26379
const MAX_REQUEST = 8 * 1024 * 1024

async function redisServer(process: Process): Promise<number> {
  const { port, password } = await settings(process)
  const now = () => process.clock.now()
  const store: Store = { values: new Map(), expires: new Map(), channels: new Map(), now, startedMs: now(), port, random: process.sandbox.random, holds: (bytes) => process.sandbox.holds(bytes) }
  const stamp = `${process.pid}:M ${new Date(now()).toUTCString().slice(5, 25)}.000`
  await process.out(`${process.pid}:C ${new Date(now()).toUTCString().slice(5, 25)}.000 * oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo\n${stamp} * Running mode=standalone, port=${port}.\n${stamp} * Server initialized\n`)
  process.sandbox.listen(port, 'TCP', ({ stream }) => converse(process, store, { stream, password }))
  await process.out(`${stamp} * Ready to accept connections tcp\n`)
  return process.block(
    new Promise<number>((resolve) => {
      store.shutdown = () => resolve(0)
      for (const signal of [2, 15]) process.handlers.set(signal, () => resolve(0))
    }),
  )
}

/** `redis-server [FILE] [--requirepass X] [--port N]` */
async function settings(process: Process): Promise<{ port: number; password: string | undefined }> {
  const words: string[] = []
  const [first] = process.args
  if (first !== undefined && !first.startsWith('--')) {
    const text = await process.sandbox.fs.readFile(process.path(first), process.cred).catch((error: unknown) => {
      if (!(error instanceof FsError)) throw error
      return Buffer.alloc(0)
    })
    words.push(...text.toString().split('\n').filter((line) => !line.startsWith('#')).flatMap((line) => { const [name = '', ...rest] = line.trim().split(/\s+/); return [`--${name}`, rest.join(' ')] }))
  }
  words.push(...process.args)
  const value = (name: string) => words[words.lastIndexOf(`--${name}`) + 1]
  const has = (name: string) => words.includes(`--${name}`)
  const standard = process.name === 'redis-sentinel' || has('sentinel') ? SENTINEL_PORT : PORT
  return { port: has('port') ? Number(value('port')) || standard : standard, password: has('requirepass') ? value('requirepass')?.replace(/^"(.*)"$/, '$1') : undefined }
}

function converse(process: Process, store: Store, { stream, password }: { stream: Duplex; password: string | undefined }): void {
  const reader = new Reader(MAX_REQUEST)
  const client = { isIn: password === undefined || password === '', queued: undefined as string[][] | undefined, subscriptions: new Set<string>() }
  const say = (value: RedisValue) => void (stream.writable && stream.write(encode(value)))
  const deliver = (channel: string, message: string) => say(['message', channel, message])
  stream.on('error', () => stream.destroy())
  stream.on('close', () => client.subscriptions.forEach((channel) => store.channels.get(channel)?.delete(deliver)))
  stream.on('end', () => stream.end())
  const run = (request: string[]): RedisValue => {
    const [name = '', ...args] = request
    const verb = name.toUpperCase()
    if (verb === 'AUTH') {
      if (password === undefined) return failure('ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?')
      client.isIn = args.at(-1) === password
      return client.isIn ? { status: 'OK' } : failure('WRONGPASS invalid username-password pair or user is disabled.')
    }
    if (verb === 'QUIT') {
      stream.end(encode({ status: 'OK' }))
      return undefined
    }
    if (!client.isIn && verb !== 'HELLO') return failure('NOAUTH Authentication required.')
    if (verb === 'MULTI') {
      client.queued = []
      return { status: 'OK' }
    }
    if (verb === 'DISCARD' || verb === 'EXEC') {
      const queued = client.queued
      client.queued = undefined
      if (!queued) return failure(`ERR ${verb} without MULTI`)
      return verb === 'DISCARD' ? { status: 'OK' } : queued.map((each) => run(each) ?? null)
    }
    if (client.queued) {
      client.queued.push(request)
      return { status: 'QUEUED' }
    }
    if (verb === 'SUBSCRIBE') {
      for (const channel of args) {
        client.subscriptions.add(channel)
        const known = store.channels.get(channel) ?? new Set()
        store.channels.set(channel, known.add(deliver))
        say(['subscribe', channel, client.subscriptions.size])
      }
      return undefined
    }
    const command = commands.get(verb)
    if (!command) return failure(`ERR unknown command '${name}', with args beginning with: ${args.slice(0, 3).map((a) => `'${a}' `).join('')}`)
    if (args.length < command.least) return failure(`ERR wrong number of arguments for '${name.toLowerCase()}' command`)
    return command.run(store, args)
  }
  stream.on('data', (chunk: Buffer) => {
    try {
      for (const request of reader.take(chunk)) {
        void process.sandbox.tick(20)
        const answer = run(request)
        if (answer !== undefined) say(answer)
      }
    } catch (error) {
      stream.end(encode(failure(`ERR Protocol error: ${error instanceof Error ? error.message : String(error)}`)))
    }
  })
}

async function redisCli(process: Process): Promise<number> {
  const { value, has, rest } = await getopt(process, 'h:p:a:n:u:r:i:ct: no-auth-warning raw pass= user= tls csv version', { stops: true })
  if (has('version')) {
    await process.out('redis-cli 7.4.6\n')
    return 0
  }
  const url = value('u') === undefined ? undefined : new URL(value('u') ?? '')
  const target = { host: url?.hostname ?? value('h') ?? '127.0.0.1', port: Number(url?.port || value('p') || PORT) }
  const password = value('a', 'pass') ?? process.env.get('REDISCLI_AUTH') ?? (url?.password || undefined)
  let stream: Duplex
  try {
    stream = await process.block(process.sandbox.network.connect(process.sandbox.party, target, { timeoutMs: 10_000 }))
  } catch (error) {
    if (!(error instanceof NetworkError)) throw error
    await process.err(`Could not connect to Redis at ${target.host}:${target.port}: ${error.code === 'ENOTFOUND' ? 'Name or service not known' : error.code === 'ECONNREFUSED' ? 'Connection refused' : 'Connection timed out'}\n`)
    return 1
  }
  const reader = new Reader(MAX_REQUEST)
  const ask = (request: readonly string[]) =>
    process.block(
      new Promise<RedisValue>((resolve) => {
        const take = (chunk: Buffer) => {
          const [reply] = reader.replies(chunk)
          if (reply === undefined) return
          stream.off('data', take)
          resolve(reply)
        }
        stream.on('data', take)
        stream.once('close', () => resolve(failure('Server closed the connection')))
        stream.write(encode([...request]))
      }),
    )
  if (password !== undefined) await ask(['AUTH', password])
  const show = async (reply: RedisValue) => process.out(`${showReply(reply, !process.isTTY(1) || has('raw'))}\n`)
  if (rest.length > 0) {
    const reply = await ask(rest)
    await show(reply)
    stream.destroy()
    return typeof reply === 'object' && reply !== null && 'error' in reply ? 1 : 0
  }
  for (let got = await process.readLine(0); got; got = await process.readLine(0)) {
    const words = got.line.toString().match(/"[^"]*"|\S+/g)?.map((w) => w.replace(/^"(.*)"$/, '$1')) ?? []
    if (words.length > 0) await show(await ask(words))
  }
  stream.destroy()
  return 0
}

export default { 'redis-server': redisServer, 'redis-cli': redisCli } satisfies Record<string, Program>
