/** PEM blocks as Go's encoding/pem finds them: what surrounds a block is skipped, a broken block too. */

export interface PemBlock {
  type: string
  headers: Record<string, string>
  bytes: Buffer
}

const BLOCK = /(?:^|\n)-----BEGIN ([^\n]*?)-----[ \t\r]*\n((?:(?!-----(?:BEGIN|END) )[\s\S])*)-----END \1-----[ \t\r]*(?=\n|$)/g
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/

export function decodePem(text: string): PemBlock[] {
  const blocks: PemBlock[] = []
  for (const [, type = '', inside = ''] of text.matchAll(BLOCK)) {
    const headers: Record<string, string> = {}
    const lines = inside.split('\n')
    while (lines[0]?.includes(':')) {
      const [name = '', ...value] = (lines.shift() ?? '').split(':')
      headers[name.trim()] = value.join(':').trim()
    }
    const base64 = lines.join('').replace(/\s/g, '')
    if (BASE64.test(base64) && base64.length % 4 === 0) blocks.push({ type, headers, bytes: Buffer.from(base64, 'base64') })
  }
  return blocks
}

export function encodePem(type: string, bytes: Uint8Array): string {
  const lines = Buffer.from(bytes).toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN ${type}-----\n${lines.join('\n')}\n-----END ${type}-----\n`
}
