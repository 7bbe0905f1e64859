import { duplexPair, type Duplex } from 'node:stream'
import t from 'tap'
import { controlFrame, dataHead, FIN, FRAME, HEAD_BYTES, parseHead, RST_STATUS } from '../../src/streaming/spdy/frames.ts'
import { HeaderReader, HeaderWriter } from '../../src/streaming/spdy/header-block.ts'
import { SpdySession, type SpdyStream } from '../../src/streaming/spdy/session.ts'
import { ByteReader } from '../../src/streaming/byte-reader.ts'

const NOTHING = Buffer.alloc(0)

interface Frame {
  type: number | undefined
  streamId: number
  flags: number
  body: Buffer
}

/** The client's end of a connection, frame by frame. */
class Client {
  readonly #reader: ByteReader
  readonly #headers = new HeaderWriter()

  constructor(readonly socket: Duplex) {
    this.#reader = new ByteReader(socket, NOTHING)
  }

  async open(id: number, headers: Record<string, string>, flags = 0): Promise<void> {
    const frame = controlFrame(FRAME.SYN_STREAM, [id, 0], Buffer.concat([Buffer.of(0, 0), await this.#headers.encode(headers)]))
    frame.writeUInt8(flags, 4)
    this.socket.write(frame)
  }

  data(id: number, text: string, flags = 0): void {
    this.socket.write(Buffer.concat([dataHead(id, Buffer.byteLength(text), flags), Buffer.from(text)]))
  }

  async next(): Promise<Frame | undefined> {
    const head = await this.#reader.read(HEAD_BYTES)
    if (!head) return undefined
    const { length, ...rest } = parseHead(head)
    return { ...rest, body: (await this.#reader.read(length)) ?? NOTHING }
  }

  close(): void {
    this.#headers.close()
    this.socket.end()
  }
}

function connect(onStream: (stream: SpdyStream) => string | undefined): { client: Client; session: SpdySession } {
  const [near, far] = duplexPair()
  return { client: new Client(near), session: new SpdySession(far, { onStream }) }
}

t.test('header blocks share one compressed stream', async (t) => {
  const writer = new HeaderWriter()
  const reader = new HeaderReader()
  const blocks: Record<string, string>[] = [{ streamtype: 'stdin' }, {}, { streamtype: 'data', port: '80', requestid: '0' }]
  for (const block of blocks) t.same(await reader.decode(await writer.encode(block)), block)
  t.rejects(reader.decode(Buffer.from('this is no block')))
  writer.close()
})

t.test('a stream carries bytes both ways and is closed each way by itself', async (t) => {
  const { client, session } = connect((stream) => {
    t.same(stream.headers, { streamtype: 'stdin' })
    stream.pipe(stream)
    return undefined
  })
  await client.open(1, { StreamType: 'stdin' })
  t.match(await client.next(), { type: FRAME.SYN_REPLY, flags: 0 })
  client.data(1, 'hello')
  t.match(await client.next(), { type: undefined, streamId: 1, body: Buffer.from('hello') })
  client.data(1, '', FIN)
  t.match(await client.next(), { type: undefined, streamId: 1, flags: FIN })
  session.close()
  t.match(await client.next(), { type: FRAME.GOAWAY })
  client.close()
  await session.closed
})

t.test('pings are answered, refused streams are reset', async (t) => {
  const { client, session } = connect(() => 'no')
  client.socket.write(controlFrame(FRAME.PING, [7]))
  const ping = await client.next()
  t.equal(ping?.type, FRAME.PING)
  t.equal(ping?.body.readUInt32BE(0), 7)
  await client.open(1, {})
  const reset = await client.next()
  t.equal(reset?.type, FRAME.RST_STREAM)
  t.same([reset?.body.readUInt32BE(0), reset?.body.readUInt32BE(4)], [1, RST_STATUS.REFUSED_STREAM])
  await client.open(2, {})
  t.equal((await client.next())?.body.readUInt32BE(4), RST_STATUS.PROTOCOL_ERROR, 'clients have odd numbers')
  client.close()
  await session.closed
})

t.test('what is no SPDY ends the connection and its streams', async (t) => {
  let opened: SpdyStream | undefined
  const { client, session } = connect((stream) => {
    opened = stream
    return undefined
  })
  await client.open(1, {})
  await client.next()
  client.socket.write(Buffer.from([0x80, 2, 0, 1, 0, 0, 0, 0]))
  await session.closed
  t.equal(opened?.destroyed, true)
  client.close()
})

t.test('a stream that is not read makes the connection wait, and goes on when it is', async (t) => {
  let stream: SpdyStream | undefined
  const { client, session } = connect((opened) => {
    stream = opened
    return undefined
  })
  await client.open(1, {})
  await client.next()
  const chunk = 'x'.repeat(100_000)
  for (let i = 0; i < 20; i++) client.data(1, chunk)
  client.data(1, '', FIN)
  let bytes = 0
  for await (const piece of stream ?? []) bytes += (piece as Buffer).length
  t.equal(bytes, 2_000_000)
  client.close()
  await session.closed
})
