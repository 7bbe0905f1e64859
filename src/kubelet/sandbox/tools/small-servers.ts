/** Small servers that people deploy first, where what they answer is told by their arguments: http-echo, python's and php's own servers. */
import { parseFlags } from '../agnhost/flags.ts'
import { forever, reply, say, serve, untilSignal } from '../agnhost/web.ts'
import { answer } from '../../behaviour-http.ts'
import type { Process, Program } from '../process.ts'

/** Models hashicorp/http-echo. */
async function httpEcho(process: Process): Promise<number> {
  const flags = parseFlags(process.args, ['version'])
  const text = flags.get('text') ?? process.env.get('ECHO_TEXT') ?? ''
  if (flags.is('version')) {
    await process.out('http-echo v1.0.0\n')
    return 0
  }
  if (text === '') {
    await process.err('Missing -text option or ECHO_TEXT env variable!\n')
    return 127
  }
  const listen = flags.get('listen') ?? ':5678'
  const status = flags.number('status-code', 200)
  serve(process, Number(listen.slice(listen.lastIndexOf(':') + 1)), {
    '/health': ({ response }) => reply(response, 200, '{"status":"ok"}\n', { 'Content-Type': 'application/json' }),
    '/': ({ request, response }) => {
      reply(response, status, `${text}\n`, { 'X-App-Name': 'http-echo', 'X-App-Version': '1.0.0' })
      say(process, `${request.headers.host} ${String((request.socket as { remoteAddress?: string }).remoteAddress)} "${request.method} ${request.url} HTTP/1.1" ${status} ${text.length + 1}`)
    },
  })
  say(process, `[INFO] server is listening on ${listen}`)
  return untilSignal(process)
}

/** `python -m http.server [PORT] [--directory DIR]`; no Python is interpreted. */
async function python(process: Process): Promise<number> {
  const { args } = process
  if (args.some((a) => a === '-V' || a === '--version')) {
    await process.out('Python 3.13.7\n')
    return 0
  }
  const module = args[args.indexOf('-m') + 1]
  if (!args.includes('-m') || module !== 'http.server') {
    await process.err(`python: Orrery interprets no Python${args.length > 0 ? `: ${args.join(' ')}` : ''}\n`)
    return 1
  }
  const rest = args.slice(args.indexOf('-m') + 2)
  const dirAt = rest.findIndex((a) => a === '-d' || a === '--directory')
  const root = process.path(dirAt < 0 ? '.' : (rest[dirAt + 1] ?? '.'))
  const port = Number(rest.find((a, i) => /^\d+$/.test(a) && i !== dirAt + 1) ?? '8000')
  serve(process, port, { '/': ({ request, response }) => answer([{ root, headers: { Server: 'SimpleHTTP/0.6 Python/3.13.7' } }], { request, response, process, values: () => undefined, isLogged: false }) })
  await process.err(`Serving HTTP on 0.0.0.0 port ${port} (http://0.0.0.0:${port}/) ...\n`)
  return forever(process)
}

export default { 'http-echo': httpEcho, python } satisfies Record<string, Program>
