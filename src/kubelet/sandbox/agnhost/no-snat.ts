/** `agnhost no-snat-test` and its proxy: whether a peer sees the pod's own address. Models test/images/agnhost/no-snat-test. */
import type { Process } from '../process.ts'
import { parseFlags } from './flags.ts'
import { fetchText, forever, peerOf, reply, serve } from './web.ts'

function targetOf(text: string): { host: string; port: number } {
  const [host = '', port = '80'] = text.split(':')
  return { host, port: Number(port) }
}

export async function noSnatTest(process: Process): Promise<number> {
  const [podIP, nodeIP] = [process.env.get('POD_IP'), process.env.get('NODE_IP')]
  for (const [name, value] of [['POD_IP', podIP], ['NODE_IP', nodeIP]]) {
    if (value !== undefined && /^[\d.]+$|:/.test(value)) continue
    await process.err(value === undefined ? `${name} env var was not present in the environment\n` : `${name} env var contained "${value}", which is not an IP address\n`)
    return 1
  }
  const check = async (ip: string) => {
    try {
      const { text } = await fetchText(process, targetOf(ip), 'whoami')
      const [seen] = text.split(':')
      if (seen === podIP) return undefined
      return seen === nodeIP ? `Returned ip "${seen}" != my Pod ip "${podIP}", == my Node ip "${nodeIP}" - SNAT` : `Returned ip "${seen}" != my Pod ip "${podIP}" or my Node ip "${nodeIP}" - SNAT to unexpected ip (possible SNAT through unexpected interface on the way into another node)`
    } catch (error) {
      return `Get "http://${ip}/whoami": ${(error as Error).message}`
    }
  }
  serve(process, parseFlags(process.args).number('port', 8080), {
    '/whoami': ({ request, response }) => reply(response, 200, peerOf(request)),
    '/checknosnat': async ({ response, query }) => {
      const problems = (await Promise.all((query.get('ips') ?? '').split(',').map(check))).filter((p) => p !== undefined)
      reply(response, problems.length > 0 ? 500 : 200, problems.join(', '))
    },
  })
  return forever(process)
}

export async function noSnatTestProxy(process: Process): Promise<number> {
  serve(process, parseFlags(process.args).number('port', 31_235), {
    '/checknosnat': async ({ response, query }) => {
      const [target, ips] = [query.get('target') ?? '', query.get('ips') ?? '']
      try {
        const { status, text } = await fetchText(process, targetOf(target), `checknosnat?ips=${ips}`)
        reply(response, status, text)
      } catch (error) {
        reply(response, 500, `error querying "http://${target}/checknosnat?ips=${ips}", err: ${(error as Error).message}`)
      }
    },
  })
  return forever(process)
}
