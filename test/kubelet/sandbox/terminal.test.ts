import t from 'tap'
import { cooked, Terminal } from '../../../src/kubelet/sandbox/terminal.ts'

function typing() {
  const shown: Buffer[] = []
  const signals: number[] = []
  const terminal = new Terminal({ show: (bytes) => shown.push(bytes), signal: (number) => signals.push(number) })
  const read = () => terminal.reader.take?.(1000)?.toString() ?? (terminal.reader.take ? 'nothing' : '')
  return { terminal, signals, read, shown: () => Buffer.concat(shown).toString() }
}

t.test('what is typed is echoed, and read line by line', async (t) => {
  const { terminal, read, shown } = typing()
  terminal.type(Buffer.from('ecjo\x7f\x7fho h'))
  t.equal(terminal.reader.take?.(10), undefined, 'not before the line has its end')
  terminal.type(Buffer.from('é\x7fi\rnext\n'))
  t.equal(read(), 'echo hi\n')
  t.equal(read(), 'next\n')
  t.equal(shown(), 'ecjo\b \b\b \bho h\u00e9\b \bi\r\nnext\r\n')
})

t.test('keys that do something', async (t) => {
  const { terminal, signals, read, shown } = typing()
  terminal.type(Buffer.from('half\x03\x1b[Aall\x15whole\r\x04rest\x04'))
  t.same(signals, [2])
  t.equal(read(), 'whole\n', 'arrows do nothing, and a line can be taken back')
  t.equal(terminal.reader.take?.(10), null, 'an end, once')
  t.equal(read(), 'rest', 'a line without its end')
  t.equal(terminal.reader.take?.(10), undefined)
  t.equal(shown(), 'half^C\r\nall\b \b\b \b\b \bwhole\r\nrest')
  terminal.echoes = false
  terminal.type(Buffer.from('secret\r'))
  t.notMatch(shown(), /secret/)
  terminal.hangUp()
  t.equal(read(), 'secret\n')
  t.equal(terminal.reader.take?.(10), null)
})

t.test('lines as a terminal wants them', async (t) => {
  t.equal(cooked(Buffer.from('a\nb\r\n\u00e9')).toString(), 'a\r\nb\r\n\u00e9')
})
