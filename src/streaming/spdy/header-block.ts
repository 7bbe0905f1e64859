/**
 * Name/value blocks of SPDY/3.1: pairs with their lengths before them, in one compressed stream for each direction of a
 * connection. The dictionary is that of the protocol (SPDY/3.1, section 2.6.10.1).
 */
import { constants, createDeflate, createInflate, type Deflate, type Inflate } from 'node:zlib'

export type HeaderPairs = Record<string, string>

const NAMES =
  'options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow authorization cache-control ' +
  'connection content-base content-encoding content-language content-length content-location content-md5 content-range content-type date etag ' +
  'expect expires from host if-match if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma ' +
  'proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade user-agent vary via warning ' +
  'www-authenticate method get status'
const REST = ['200 OK', 'version', 'HTTP/1.1', 'url', 'public', 'set-cookie', 'keep-alive', 'origin']
const TAIL =
  '100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505203 Non-Authoritative Information204 No Content' +
  '301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service ' +
  'UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,' +
  'image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8' +
  'charset=iso-8859-1,utf-,*,enq=0.'
const DICTIONARY = Buffer.concat([...[...NAMES.split(' '), ...REST].map(prefixed), Buffer.from(TAIL)])

/** What one block may come to: those of Kubernetes' clients hold three short headers. */
const MAX_BLOCK_BYTES = 64 * 1024

function prefixed(text: string): Buffer {
  const bytes = Buffer.from(text)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

export class HeaderWriter {
  readonly #deflate: Deflate = createDeflate({ dictionary: DICTIONARY })
  #out: Buffer[] = []

  constructor() {
    this.#deflate.on('data', (chunk: Buffer) => this.#out.push(chunk))
  }

  /** One block; calls must not overlap. */
  encode(pairs: HeaderPairs): Promise<Buffer> {
    const entries = Object.entries(pairs)
    const count = Buffer.alloc(4)
    count.writeUInt32BE(entries.length)
    const plain = Buffer.concat([count, ...entries.flatMap(([name, value]) => [prefixed(name.toLowerCase()), prefixed(value)])])
    return new Promise((resolve, reject) => {
      this.#deflate.once('error', reject)
      this.#deflate.write(plain)
      this.#deflate.flush(constants.Z_SYNC_FLUSH, () => {
        this.#deflate.off('error', reject)
        resolve(Buffer.concat(this.#out.splice(0)))
      })
    })
  }

  close(): void {
    this.#deflate.destroy()
  }
}

export class HeaderReader {
  readonly #inflate: Inflate = createInflate({ dictionary: DICTIONARY })
  #out: Buffer[] = []
  #bytes = 0

  constructor() {
    this.#inflate.on('data', (chunk: Buffer) => {
      this.#bytes += chunk.length
      if (this.#bytes <= MAX_BLOCK_BYTES) this.#out.push(chunk)
      else this.#inflate.destroy(new Error('a header block is too large'))
    })
  }

  /** The pairs of one block; calls must not overlap. Rejects for what is no such block. */
  decode(block: Buffer): Promise<HeaderPairs> {
    return new Promise((resolve, reject) => {
      this.#inflate.once('error', reject)
      this.#inflate.write(block, () => {
        this.#inflate.off('error', reject)
        this.#bytes = 0
        try {
          resolve(parsePairs(Buffer.concat(this.#out.splice(0))))
        } catch (error) {
          reject(error as Error)
        }
      })
    })
  }

  close(): void {
    this.#inflate.destroy()
  }
}

/** @throws RangeError for a block that ends early */
function parsePairs(block: Buffer): HeaderPairs {
  let at = 4
  const text = (): string => {
    const length = block.readUInt32BE(at)
    at += 4 + length
    if (at > block.length) throw new RangeError('a header block ends early')
    return block.toString('utf8', at - length, at)
  }
  const pairs: HeaderPairs = {}
  for (let left = block.readUInt32BE(0); left > 0; left--) pairs[text().toLowerCase()] = text()
  return pairs
}
