/** `agnhost guestbook`: a store of texts with a primary that tells its replicas. Models test/images/agnhost/guestbook. */
import { isRecord } from '../../../apimachinery/json.ts'
import { Exited, type Process } from '../process.ts'
import { parseFlags } from './flags.ts'
import { fetchText, forever, reply, say, serve, type Exchange, type Handler } from './web.ts'

const REGISTER_MS = 15_000
const RETRY_MS = 1000
const MAX_KEYS = 10_000

interface Book {
  store: Map<string, unknown>
  replicas: string[]
  backendPort: number
}

export async function guestbook(process: Process): Promise<number> {
  const flags = parseFlags(process.args)
  const book: Book = { store: new Map(), replicas: [], backendPort: flags.number('backend-port', 6379) }
  serve(process, flags.number('http-port', 80), {
    '/register': ({ response, query }) => {
      const host = query.get('host') ?? ''
      say(process, `GET /register?host=${host}`)
      reply(response, 200, JSON.stringify({ data: Object.fromEntries(book.store) }))
      book.replicas.push(host)
      say(process, `Node '${host}' registered.`)
    },
    '/get': ({ response, query }) => {
      const key = query.get('key') ?? ''
      say(process, `GET /get?key=${key}`)
      reply(response, 200, JSON.stringify({ data: key === '' ? Object.fromEntries(book.store) : (book.store.get(key) ?? '') }))
    },
    '/set': (exchange) => set(process, book, exchange),
    '/guestbook': forward(process, book),
  })
  const primary = flags.get('replicaof')
  if (primary) await register(process, book, primary)
  return forever(process)
}

async function register(process: Process, book: Book, primary: string): Promise<void> {
  const endMs = process.clock.now() + REGISTER_MS
  while (process.clock.now() < endMs) {
    say(process, `Registering to primary: ${primary}:${book.backendPort}/register?host=${process.sandbox.party.ip}`)
    try {
      const { text } = await process.block(fetchText(process, { host: primary, port: book.backendPort }, `register?host=${process.sandbox.party.ip}`))
      const answer: unknown = JSON.parse(text)
      if (isRecord(answer) && isRecord(answer.data)) for (const [key, value] of Object.entries(answer.data)) book.store.set(key, value)
      return say(process, `Registered to node: ${primary}`)
    } catch (error) {
      if (error instanceof Exited) throw error
      say(process, `encountered error while registering to primary: ${(error as Error).message}. Retrying in 1s.`)
    }
    await process.sleep(RETRY_MS)
  }
  say(process, 'Timed out while registering to primary.')
  throw new Exited(1)
}

async function set(process: Process, { store, replicas, backendPort }: Book, { response, query }: Exchange): Promise<void> {
  const [key, value] = [query.get('key') ?? '', query.get('value') ?? '']
  say(process, `GET /set?key=${key}&value=${value}`)
  if (key === '') return reply(response, 400, 'cannot set with empty key.\n')
  if (store.size >= MAX_KEYS && !store.has(key)) return reply(response, 507, 'the store is full.\n')
  store.set(key, value)
  for (const host of replicas) {
    try {
      await fetchText(process, { host, port: backendPort }, `set?key=${encodeURIComponent(key)}&value=${encodeURIComponent(value)}`)
    } catch (error) {
      return reply(response, 417, `encountered error while propagating to replica '${host}': ${(error as Error).message}\n`)
    }
  }
  reply(response, 200, JSON.stringify({ message: 'Updated' }))
}

function forward(process: Process, { backendPort }: Book): Handler {
  return async ({ response, query }) => {
    const command = (query.get('cmd') ?? '').toLowerCase()
    const [key, value] = [query.get('key') ?? '', query.get('value') ?? '']
    say(process, `GET /guestbook?cmd=${command}&key=${key}&value=${value}`)
    if (command !== 'get' && command !== 'set') return reply(response, 400, `unsupported cmd: '${command}'\n`)
    if (command === 'set' && key === '') return reply(response, 400, 'cannot set with empty key.\n')
    try {
      const { text } = await fetchText(process, { host: command === 'get' ? 'agnhost-replica' : 'agnhost-primary', port: backendPort }, `${command}?key=${encodeURIComponent(key)}&value=${encodeURIComponent(value)}`)
      reply(response, 200, text)
    } catch (error) {
      reply(response, 417, `encountered error: ${(error as Error).message}\n`)
    }
  }
}
