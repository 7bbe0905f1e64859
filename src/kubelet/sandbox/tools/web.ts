/** Tools that talk to others: wget, nc, ping, ip. Models busybox's networking and curl. */
import type { Duplex } from 'node:stream'
import { formatCIDR, parseCIDR } from '../../../apimachinery/ip-address.ts'
import { NetworkError } from '../../../network/network.ts'
import { getopt, splitOnce } from '../getopt.ts'
import { headerLines, requestUrl, save } from '../web-request.ts'
import { duplexEnd } from '../io.ts'
import { addressOf, ownAddress } from '../lookup.ts'
import { FsError } from '../nodes.ts'
import { Exited, type Process, type Program } from '../process.ts'

async function wget(process: Process): Promise<number> {
  const { has, value, values, rest } = await getopt(process, 'qO:T:t:SscP:U:Y: timeout= tries= header= post-data= post-file= spider no-check-certificate quiet output-document= server-response')
  const [target] = rest
  if (target === undefined) {
    await process.err('wget: missing URL\n')
    return 1
  }
  const quiet = has('q', 'quiet')
  const output = value('O', 'output-document')
  const timeoutMs = Number(value('T', 'timeout') ?? '900') * 1000
  const post = value('post-data')
  const headers = Object.fromEntries(values('header').map((h) => splitOnce(h, ':')).map(([k, v = '']) => [k, v.trim()]))
  const url = new URL(/^\w+:\/\//.test(target) ? target : `http://${target}`)
  const where = `${url.hostname}:${url.port || (url.protocol === 'https:' ? 443 : 80)}`
  let ip = url.hostname
  try {
    ip = (await addressOf(process, ip)) ?? ip
    if (!quiet) await process.err(`Connecting to ${where} (${ip}:${where.split(':')[1]})\n`)
    const { result } = await requestUrl(process, { url: url.href, method: post === undefined ? 'GET' : 'POST', headers: { 'User-Agent': 'Wget', Accept: '*/*', ...headers, ...(post === undefined ? {} : { 'Content-Type': 'application/x-www-form-urlencoded' }) }, ...(post === undefined ? {} : { body: Buffer.from(post) }), timeoutMs, follows: true })
    if (has('S', 'server-response')) await process.err(`  HTTP/1.1 ${result.status} ${result.statusText}\n${headerLines(result).map((h) => `  ${h}\n`).join('')}`)
    if (result.status >= 400) {
      await process.err(`wget: server returned error: HTTP/1.1 ${result.status} ${result.statusText}\n`)
      return 1
    }
    if (has('spider')) {
      if (!quiet) await process.err('remote file exists\n')
      return 0
    }
    const file = output ?? (url.pathname.split('/').at(-1) || 'index.html')
    if (file === '-') await process.out(result.body)
    else await save(process, file, result.body)
    if (!quiet) await process.err(file === '-' ? `writing to stdout\n-                    100% |********************************| ${String(result.body.length).padStart(5)}  0:00:00 ETA\nwritten to stdout\n` : `saving to '${file}'\n${file.padEnd(20)} 100% |********************************| ${String(result.body.length).padStart(5)}  0:00:00 ETA\n'${file}' saved\n`)
    return 0
  } catch (error) {
    await process.err(`wget: ${wgetText(error, ip, url)}\n`)
    return 1
  }
}

function wgetText(error: unknown, ip: string, url: URL): string {
  if (error instanceof Exited || error instanceof FsError) throw error
  const code = error instanceof NetworkError ? error.code : undefined
  if (code === 'ENOTFOUND') return `bad address '${url.host}'`
  if (code === 'ECONNREFUSED') return `can't connect to remote host (${ip}): Connection refused`
  if (code === 'EHOSTUNREACH') return `can't connect to remote host (${ip}): Host is unreachable`
  return 'download timed out'
}

async function nc(process: Process): Promise<number> {
  const { has, value, rest } = await getopt(process, 'lvzuktdw:p:q:e:ni:N46')
  const { network, party } = process.sandbox
  const protocol = has('u') ? 'UDP' : 'TCP'
  const timeoutMs = Number(value('w') ?? '30') * 1000
  if (has('l')) {
    const port = Number(value('p') ?? rest.at(-1) ?? '0')
    do {
      let accept: (stream: Duplex) => void = () => {}
      const accepted = new Promise<Duplex>((resolve) => (accept = resolve))
      const listener = process.sandbox.listen(port, protocol, ({ stream }) => accept(stream))
      const stream = await process.block(accepted)
      // Datagrams go on by the socket they came by.
      if (protocol === 'TCP') listener.close()
      const code = await converse(process, stream, { command: value('e'), idleMs: undefined })
      listener.close()
      if (!has('k')) return code
    } while (has('k'))
  }
  const [host = '', port = ''] = rest
  try {
    const stream = await process.block(network.connect(party, { host, port: Number(port) }, { timeoutMs, protocol }))
    if (has('z')) {
      stream.on('error', () => {})
      stream.destroy()
      if (has('v')) await process.err(`${host} (${host}:${port}) open\n`)
      return 0
    }
    if (has('v')) await process.err(`${host} (${host}:${port}) open\n`)
    return await converse(process, stream, { command: undefined, idleMs: value('w') === undefined ? undefined : timeoutMs })
  } catch (error) {
    if (!(error instanceof NetworkError)) throw error
    await process.err(error.code === 'ENOTFOUND' ? `nc: bad address '${host}'\n` : `nc: ${host} (${host}:${port}): ${error.code === 'ECONNREFUSED' ? 'Connection refused' : error.code === 'EHOSTUNREACH' ? 'Host is unreachable' : 'Connection timed out'}\n`)
    return 1
  }
}

/** Carries both ways until the other side has ended, or nothing came for so long (datagrams have no end). */
async function converse(process: Process, stream: Duplex, { command, idleMs }: { command: string | undefined; idleMs: number | undefined }): Promise<number> {
  stream.on('error', () => stream.destroy())
  if (command !== undefined) {
    const end = duplexEnd(stream)
    const started = process.sandbox.start({ argv: ['/bin/sh', '-c', command], env: process.env, cwd: process.cwd, cred: process.cred, fds: new Map([[0, end], [1, end]]) })
    if ('process' in started) await process.block(started.process.exited)
    stream.end()
    return 0
  }
  const sent = (async () => {
    for (let chunk = await process.read(0); chunk; chunk = await process.read(0)) stream.write(chunk)
    stream.end()
  })()
  sent.catch(() => stream.destroy())
  process.setFd(9, duplexEnd(stream))
  const watch = () => (idleMs === undefined ? undefined : process.clock.after(idleMs, () => stream.destroy()))
  let silence = watch()
  for (let chunk = await process.read(9); chunk; chunk = await process.read(9)) {
    silence?.cancel()
    await process.out(chunk)
    silence = watch()
  }
  silence?.cancel()
  return 0
}

async function ping(process: Process): Promise<number> {
  const { value, rest } = await getopt(process, 'c:w:W:i:q4s:')
  const [host = ''] = rest
  const count = Number(value('c') ?? Infinity)
  let ip: string | undefined
  try {
    ip = await addressOf(process, host)
  } catch (error) {
    if (!(error instanceof NetworkError)) throw error
  }
  if (ip === undefined) {
    await process.err(`ping: bad address '${host}'\n`)
    return 1
  }
  await process.out(`PING ${host} (${ip}): 56 data bytes\n`)
  let received = 0
  for (let i = 0; i < count; i++) {
    const isThere = await reachable(process, ip)
    if (isThere) {
      received++
      await process.out(`64 bytes from ${ip}: seq=${i} ttl=64 time=0.050 ms\n`)
    }
    if (i + 1 < count) await process.sleep(1000)
  }
  await process.out(`\n--- ${host} ping statistics ---\n${count} packets transmitted, ${received} packets received, ${Math.round((100 * (count - received)) / count)}% packet loss\n`)
  return received > 0 ? 0 : 1
}

/** Who refuses a connection is there. */
async function reachable(process: Process, ip: string): Promise<boolean> {
  try {
    const stream = await process.block(process.sandbox.network.connect(process.sandbox.party, { host: ip, port: 7 }, { timeoutMs: 1000 }))
    stream.destroy()
    return true
  } catch (error) {
    if (!(error instanceof NetworkError)) throw error
    return error.code === 'ECONNREFUSED'
  }
}

async function ip(process: Process): Promise<number> {
  const { party } = process.sandbox
  const [what = ''] = process.args.filter((a) => !a.startsWith('-'))
  if (what.startsWith('l') && process.args.some((a) => /^(?:add|del|set)/.test(a))) {
    if (process.sandbox.options.privileged) return 0
    await process.err('ip: RTNETLINK answers: Operation not permitted\n')
    return 2
  }
  const [four, six] = [ownAddress(party, 'IPv4'), ownAddress(party, 'IPv6')]
  const only = process.args.includes('-6') ? 'IPv6' : process.args.includes('-4') ? 'IPv4' : undefined
  if (what.startsWith('r')) {
    if (four && only !== 'IPv6') await process.out(`default via ${four.replace(/\d+$/, '1')} dev eth0\n${four.replace(/\d+$/, '0')}/24 dev eth0 scope link  src ${four}\n`)
    if (six && only === 'IPv6') await process.out(`${blockOf(six)} dev eth0  metric 256\ndefault via ${blockOf(six).replace(/\/64$/, '1')} dev eth0  metric 1024\n`)
    return 0
  }
  const lines = (family: 'IPv4' | 'IPv6', ...all: string[]) => (only === undefined || only === family ? all.join('') : '')
  await process.out(`1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue qlen 1000\n${lines('IPv4', '    inet 127.0.0.1/8 scope host lo\n')}${six ? lines('IPv6', '    inet6 ::1/128 scope host \n') : ''}`)
  await process.out(`2: eth0@if3: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue \n${four ? lines('IPv4', `    inet ${four}/24 brd ${four.replace(/\d+$/, '255')} scope global eth0\n`) : ''}${six ? lines('IPv6', `    inet6 ${six}/64 scope global \n`) : ''}`)
  return 0
}

/** The block of 64 bits around an address. */
function blockOf(ip: string): string {
  const prefix = parseCIDR(`${ip}/64`)
  return prefix ? formatCIDR(prefix) : ''
}

export default { wget, nc, netcat: nc, ping, ip } satisfies Record<string, Program>
