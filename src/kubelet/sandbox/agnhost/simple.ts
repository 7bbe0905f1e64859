/** Subcommands of agnhost that serve nothing. Models test/images/agnhost. */
import type { Duplex } from 'node:stream'
import { FsError } from '../nodes.ts'
import { SIGNALS, type Process } from '../process.ts'
import { klog } from './klog.ts'
import { parseFlags } from './flags.ts'
import { parseDuration } from '../../../apimachinery/go-duration.ts'

export async function pause(process: Process): Promise<number> {
  await process.out('Paused\nSignals registered\n')
  const signal = await process.block(new Promise<'interrupt' | 'terminated'>((resolve) => {
    process.handlers.set(SIGNALS.INT ?? 2, () => resolve('interrupt'))
    process.handlers.set(SIGNALS.TERM ?? 15, () => resolve('terminated'))
  }))
  const message = `exiting because of signal "${signal}"\n`
  try {
    process.sandbox.fs.writeFile(process.env.get('TERMINATION_MESSAGE_PATH') || '/dev/termination-log', message, { cred: process.cred })
  } catch (error) {
    if (!(error instanceof FsError)) throw error
  }
  await process.out(message)
  return signal === 'interrupt' ? 1 : 2
}

const METHODS = ['POST', 'GET', 'PUT']
const NAMESPACES = ['kube-system', 'default', 'ns']

export async function logsGenerator(process: Process): Promise<number> {
  const flags = parseFlags(process.args)
  const lines = flags.number('log-lines-total', flags.number('t', 0))
  const totalMs = Number(parseDuration(flags.get('run-duration') ?? flags.get('d') ?? '0')) / 1e6
  const { random } = process.sandbox
  if (lines <= 0 || totalMs <= 0) {
    await process.err(klog(process, `Invalid ${lines <= 0 ? `total number of lines: ${lines}` : `duration: 0s`}`, { place: 'logs_generator.go:80' }))
    return 255
  }
  for (let i = 0; i < lines; i++) {
    const url = `/api/v1/namespaces/${NAMESPACES[random.int(3)]}/pods/${random.suffix(3 + random.int(2))}`
    await process.err(klog(process, `${i} ${METHODS[random.int(3)]} ${url} ${200 + random.int(400)}`, { place: 'logs_generator.go:87' }))
    await process.sleep(totalMs / lines)
  }
  return 0
}

export async function dnsSuffix(process: Process): Promise<number> {
  const text = (await process.sandbox.fs.readFile('/etc/resolv.conf')).toString()
  await process.out(`${/^search (.*)$/m.exec(text)?.[1]?.split(' ').join(',') ?? ''}\n`)
  return 0
}

export async function dnsServerList(process: Process): Promise<number> {
  const text = (await process.sandbox.fs.readFile('/etc/resolv.conf')).toString()
  await process.out(`${[...text.matchAll(/^nameserver (.*)$/gm)].map((m) => m[1]).join(',')}\n`)
  return 0
}

export async function etcHosts(process: Process): Promise<number> {
  await process.out(`${(await process.sandbox.fs.readFile('/etc/hosts')).toString()}\n`)
  return 0
}

export async function connect(process: Process): Promise<number> {
  const flags = parseFlags(process.args)
  const [target = ''] = flags.rest
  const at = target.lastIndexOf(':')
  const timeoutMs = Number(parseDuration(flags.get('timeout') ?? '30s')) / 1e6
  const protocol = (flags.get('protocol') ?? 'tcp').toUpperCase()
  const { network, party } = process.sandbox
  try {
    const stream = await process.block(network.connect(party, { host: target.slice(0, at), port: Number(target.slice(at + 1)) }, { timeoutMs, protocol: protocol === 'UDP' || protocol === 'SCTP' ? protocol : 'TCP' }))
    stream.on('error', () => {})
    if (protocol === 'UDP') return await udpAnswer(process, stream, timeoutMs)
    stream.destroy()
    return 0
  } catch (error) {
    const code = (error as { code?: string }).code
    if (code === undefined) throw error
    await process.err(`${code === 'ECONNREFUSED' ? 'REFUSED' : code === 'ETIMEDOUT' || code === 'EHOSTUNREACH' ? 'TIMEOUT' : code === 'ENOTFOUND' ? 'DNS' : 'OTHER'}\n`)
    return 1
  }
}

/** Only an answer tells that somebody is there. */
async function udpAnswer(process: Process, stream: Duplex, timeoutMs: number): Promise<number> {
  stream.write(Buffer.from('hostname\n'))
  const answered = await process.block(Promise.race([new Promise<boolean>((resolve) => stream.once('data', () => resolve(true))), process.clock.sleep(timeoutMs).then(() => false)]))
  stream.destroy()
  if (answered) return 0
  await process.err('TIMEOUT\n')
  return 1
}
