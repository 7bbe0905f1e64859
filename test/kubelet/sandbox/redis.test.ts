/** Redis' protocol in pieces, its commands, and its client against its server. */
import t from 'tap'
import { commands, type Store } from '../../../src/kubelet/sandbox/redis/commands.ts'
import { encode, Reader, showReply } from '../../../src/kubelet/sandbox/redis/protocol.ts'
import { SeededRandom } from '../../../src/clock.ts'
import { script } from '../../helpers/sandbox.ts'

t.test('requests arrive in pieces', async (t) => {
  const reader = new Reader(1000)
  const bytes = Buffer.from('*2\r\n$3\r\nGET\r\n$1\r\na\r\nPING\r\n*1\r\n$4\r\nPI')
  const got: string[][] = []
  for (const byte of bytes) got.push(...reader.take(Buffer.from([byte])))
  t.same(got, [['GET', 'a'], ['PING']])
  t.throws(() => [...new Reader(4).take(Buffer.from('*1\r\n$9'))], /too big/)
  t.throws(() => [...new Reader(100).take(Buffer.from('*1\r\n?x\r\n'))], /expected/)
})

t.test('commands', async (t) => {
  let now = 0
  const store: Store = { values: new Map(), expires: new Map(), channels: new Map(), now: () => now, startedMs: 0, port: 6379, random: new SeededRandom(1), holds: () => {} }
  const run = (line: string) => {
    const [name = '', ...args] = line.split(' ')
    return showReply(commands.get(name.toUpperCase())?.run(store, args), true)
  }
  const cases: readonly (readonly [string, string])[] = [
    ['ping', 'PONG'], ['set a 1', 'OK'], ['incr a', '2'], ['get a', '2'], ['get none', ''], ['rpush l x y z', '3'], ['lrange l 0 -1', 'x\ny\nz'], ['lpop l', 'x'],
    ['hset h f 1 g 2', '2'], ['hgetall h', 'f\n1\ng\n2'], ['sadd s a b a', '2'], ['scard s', '2'], ['type h', 'hash'], ['get h', 'WRONGTYPE Operation against a key holding the wrong kind of value'],
    ['set t v ex 10', 'OK'], ['ttl t', '10'], ['del a l', '2'], ['exists a h', '1'], ['keys h*', 'h'],
  ]
  for (const [line, reply] of cases) t.equal(run(line), reply, line)
  now = 10_000
  t.equal(run('exists t'), '0', 'it has expired')
  t.equal(encode(['a', 1, null, { status: 'OK' }]), '*4\r\n$1\r\na\r\n:1\r\n$-1\r\n+OK\r\n')
})

t.test('client and server', async (t) => {
  const text = 'docker-entrypoint.sh --requirepass secret >log & until nc -z localhost 6379; do sleep 1; done 2>nc.log; redis-cli ping; redis-cli -a secret set k "a b"; redis-cli -a secret get k; printf "incr n\\nincr n\\n" | redis-cli -a secret; redis-cli -p 1 ping || echo failed'
  t.equal(await script(text, { image: 'redis:7' }), 'NOAUTH Authentication required.\nOK\na b\n1\n2\nfailed\n!Could not connect to Redis at 127.0.0.1:1: Connection refused\n')
})
