/**
 * A terminal's line discipline: what is typed comes back as an echo and reaches programs line by line; keys that edit, interrupt or
 * end are taken out. Models the kernel's n_tty in its usual (canonical) mode.
 */
import { Bell, type End } from './io.ts'
import { SIGNALS } from './process.ts'

/** What is typed ahead and not read. */
const MAX_BYTES = 65_536

export interface TerminalOptions {
  /** Shows the echo to who types. */
  show(bytes: Buffer): void
  /** A key that sends a signal to what runs in the foreground. */
  signal(number: number): void
}

/** Ends of lines as a terminal wants them. */
export function cooked(bytes: Buffer): Buffer {
  return bytes.includes(10) ? Buffer.from(bytes.toString('latin1').replace(/\r?\n/g, '\r\n'), 'latin1') : bytes
}

export class Terminal {
  rows = 24
  columns = 80
  echoes = true
  readonly #options: TerminalOptions
  readonly #bell = new Bell()
  /** Lines, and ends of input, which are read once each. */
  readonly #ready: (Buffer | 'end')[] = []
  #line: number[] = []
  #bytes = 0
  #isOver = false
  /** In the middle of what a key such as an arrow sends. */
  #escape = ''

  constructor(options: TerminalOptions) {
    this.#options = options
  }

  readonly reader: End = {
    isTTY: true,
    terminal: this,
    take: (max) => this.#take(max),
    readable: () => this.#bell.wait(),
    close: () => {},
  }

  /** What programs write, on its way to who looks. */
  writer(end: End): End {
    return { ...end, isTTY: true, terminal: this, put: (bytes) => end.put?.(cooked(bytes)) }
  }

  resize({ width, height }: { width: number; height: number }): void {
    this.columns = width
    this.rows = height
  }

  type(bytes: Buffer): void {
    for (const byte of bytes) this.#key(byte)
  }

  /** Nobody types any more. */
  hangUp(): void {
    this.#isOver = true
    this.#bell.ring()
  }

  #take(max: number): Buffer | null | undefined {
    const next = this.#ready.shift()
    if (next === undefined) return this.#isOver ? null : undefined
    if (next === 'end') return null
    if (next.length > max) this.#ready.unshift(next.subarray(max))
    const taken = next.subarray(0, max)
    this.#bytes -= taken.length
    return taken
  }

  #key(byte: number): void {
    if (this.#isPartOfEscape(byte)) return
    switch (byte) {
      case 0x03:
      case 0x1c:
        this.#line = []
        this.#echo(byte === 0x03 ? '^C\r\n' : '^\\\r\n')
        return this.#options.signal((byte === 0x03 ? SIGNALS.INT : SIGNALS.QUIT) ?? 0)
      case 0x04:
        return this.#line.length > 0 ? this.#deliver() : this.#push('end')
      case 0x08:
      case 0x7f:
        return this.#erase(1)
      case 0x15:
        return this.#erase(this.#line.length)
      case 0x0a:
      case 0x0d:
        this.#line.push(0x0a)
        this.#echo('\r\n')
        return this.#deliver()
      default:
        if (this.#line.length + this.#bytes >= MAX_BYTES) return
        this.#line.push(byte)
        if (this.echoes) this.#options.show(Buffer.from([byte]))
    }
  }

  /** Arrows and their like do nothing here. */
  #isPartOfEscape(byte: number): boolean {
    if (this.#escape === '' && byte !== 0x1b) return false
    this.#escape += String.fromCharCode(byte)
    if (/^\x1b(?:[^[O]|\[[\d;]*[^\d;[]|O.)/.test(this.#escape)) this.#escape = ''
    return true
  }

  #erase(count: number): void {
    let left = count
    for (; left > 0 && this.#line.length > 0; left--) {
      // The bytes of one character go together.
      while (((this.#line.at(-1) ?? 0) & 0xc0) === 0x80) this.#line.pop()
      this.#line.pop()
      this.#echo('\b \b')
    }
  }

  #deliver(): void {
    this.#push(Buffer.from(this.#line))
    this.#line = []
  }

  #push(item: Buffer | 'end'): void {
    this.#ready.push(item)
    if (item !== 'end') this.#bytes += item.length
    this.#bell.ring()
  }

  #echo(text: string): void {
    if (this.echoes) this.#options.show(Buffer.from(text))
  }
}
