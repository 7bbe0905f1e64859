/** Tools that tell of addresses, routes and ports: ifconfig, route, netstat, ss. Models busybox's and iproute2's. */
import { getopt } from '../getopt.ts'
import { ownAddress } from '../lookup.ts'
import type { Process, Program } from '../process.ts'

const gatewayOf = (ip: string) => ip.replace(/\d+$/, '1')
const networkOf = (ip: string) => ip.replace(/\d+$/, '0')
const broadcastOf = (ip: string) => ip.replace(/\d+$/, '255')
const hardwareOf = (ip: string) => `0a:58:${ip.split('.').map((n) => Number(n).toString(16).padStart(2, '0')).join(':')}`

async function ifconfig(process: Process): Promise<number> {
  const ip = ownAddress(process.sandbox.party, 'IPv4') ?? ''
  const wanted = process.args.find((a) => !a.startsWith('-'))
  const counters = '          RX packets:0 errors:0 dropped:0 overruns:0 frame:0\n          TX packets:0 errors:0 dropped:0 overruns:0 carrier:0\n          collisions:0 txqueuelen:0\n          RX bytes:0 (0.0 B)  TX bytes:0 (0.0 B)\n\n'
  const known: Readonly<Record<string, string>> = {
    eth0: `eth0      Link encap:Ethernet  HWaddr ${hardwareOf(ip).toUpperCase()}\n          inet addr:${ip}  Bcast:${broadcastOf(ip)}  Mask:255.255.255.0\n          UP BROADCAST RUNNING MULTICAST  MTU:1500  Metric:1\n${counters}`,
    lo: `lo        Link encap:Local Loopback\n          inet addr:127.0.0.1  Mask:255.0.0.0\n          UP LOOPBACK RUNNING  MTU:65536  Metric:1\n${counters}`,
  }
  const shown = wanted === undefined ? Object.values(known).join('') : known[wanted]
  if (shown === undefined) {
    await process.err(`ifconfig: ${wanted}: error fetching interface information: Device not found\n`)
    return 1
  }
  await process.out(shown)
  return 0
}

async function route(process: Process): Promise<number> {
  const ip = ownAddress(process.sandbox.party, 'IPv4') ?? ''
  const row = (cells: readonly string[]) => `${cells.map((cell, i) => cell.padEnd([16, 16, 16, 6, 7, 7, 5, 5][i] ?? 0)).join('')}`.trimEnd()
  const rows = [['Destination', 'Gateway', 'Genmask', 'Flags', 'Metric', 'Ref', 'Use', 'Iface'], ['0.0.0.0', gatewayOf(ip), '0.0.0.0', 'UG', '0', '0', '0', 'eth0'], [networkOf(ip), '0.0.0.0', '255.255.255.0', 'U', '0', '0', '0', 'eth0']]
  await process.out(`Kernel IP routing table\n${rows.map((r) => `${row(r)}\n`).join('')}`)
  return 0
}

/** Which ports are listened on: all that ss and netstat are asked for in containers. */
async function ports(process: Process): Promise<number> {
  const { has } = await getopt(process, 'tulnpaeWwrxs46Ho')
  if (has('r')) return route(process)
  const isSs = process.name === 'ss'
  const protocols = has('t', 'u') ? [...(has('t') ? ['TCP'] : []), ...(has('u') ? ['UDP'] : [])] : ['TCP', 'UDP']
  const open = process.sandbox.listening().filter(({ protocol }) => protocols.includes(protocol))
  const program = process.sandbox.processes()[0]
  const users = has('p') && program ? (isSs ? `users:(("${program.name}",pid=${program.pid},fd=3))` : `${program.pid}/${program.name}`) : ''
  if (isSs) {
    if (!has('H')) await process.out('Netid State  Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n')
    for (const { port, protocol } of open) await process.out(`${protocol.toLowerCase().padEnd(5)} ${(protocol === 'TCP' ? 'LISTEN' : 'UNCONN').padEnd(6)} 0      ${(protocol === 'TCP' ? '4096' : '0').padEnd(6)} ${`0.0.0.0:${port}`.padEnd(18)} 0.0.0.0:*         ${users}`.trimEnd() + '\n')
    return 0
  }
  await process.out(`Active Internet connections (${has('a') ? 'servers and established' : 'only servers'})\nProto Recv-Q Send-Q Local Address           Foreign Address         State       ${has('p') ? 'PID/Program name' : ''}`.trimEnd() + '\n')
  for (const { port, protocol } of open) await process.out(`${protocol.toLowerCase().padEnd(5)}      0      0 ${`0.0.0.0:${port}`.padEnd(23)} ${'0.0.0.0:*'.padEnd(23)} ${(protocol === 'TCP' ? 'LISTEN' : '').padEnd(11)} ${users}`.trimEnd() + '\n')
  return 0
}

async function arp(process: Process): Promise<number> {
  const ip = ownAddress(process.sandbox.party, 'IPv4') ?? ''
  await process.out(`? (${gatewayOf(ip)}) at ${hardwareOf(gatewayOf(ip))} [ether]  on eth0\n`)
  return 0
}

export default { ifconfig, route, netstat: ports, ss: ports, arp } satisfies Record<string, Program>
