/** Plays what an image's file says a program does: what it prints, when it listens, what it answers, how it ends. */
import { quantityMilliValue } from '../apimachinery/quantity.ts'
import type { Container, Node, Pod } from '../../schemas/types.ts'
import type { Accepted } from '../network/network.ts'
import { answer } from './behaviour-http.ts'
import { answerReview } from './behaviour-review.ts'
import { durationMs, use, type Using } from './behaviour-use.ts'
import { fill, valuesOf, type Lookup } from './behaviour-values.ts'
import { UNKNOWN_IMAGE, type Behaviour, type Image, type LogLine, type Server } from './images.ts'
import { serveAnyProtocol } from './sandbox/any-protocol.ts'
import { serveHttp } from './sandbox/http-server.ts'
import { SIGNALS, type Process, type Program } from './sandbox/process.ts'

export interface BehaviourContext {
  pod: Pod
  node: Node
  container: Container
  image: Image
  isTask: boolean
  /** What the program is told to do by now: what images are said to do may change while they run. */
  latest(): Behaviour
}

/** The signals that a behaviour ends at, in order and with 0. */
export const ENDING: ReadonlySet<number> = new Set([SIGNALS.TERM, SIGNALS.INT, SIGNALS.QUIT, SIGNALS.HUP].filter((signal) => signal !== undefined))

/** Does nothing but wait for one of those. */
export function waitsForever({ logs, errors, startAfter, serves, exitAfter, stopAfter, completes, cpu, memory }: Behaviour, isTask: boolean): boolean {
  const isBusy = typeof cpu === 'object' || quantityMilliValue(String(cpu ?? 0)) > 0 || typeof memory === 'object'
  return !isBusy && !logs?.length && !errors?.length && !serves?.length && startAfter === undefined && exitAfter === undefined && stopAfter === undefined && !(completes && isTask)
}

export function behaviourProgram(behaviour: Behaviour, context: BehaviourContext): Program {
  return async (process) => {
    const { image, container, isTask } = context
    if (image.name === UNKNOWN_IMAGE) await process.out(`Orrery knows no image ${container.image}: it runs nothing${portsOf(container).length > 0 && !isTask ? ', and answers 200 on its declared ports' : ''}\n`)
    const values = valuesOf(context, process)
    const timers = await print(behaviour, process, values)
    if (behaviour.completes && isTask) return 0
    const ended = new Promise<number>((resolve) => {
      const end = () => void (behaviour.stopAfter ? process.clock.after(durationMs(behaviour.stopAfter), () => resolve(0)) : resolve(0))
      for (const signal of ENDING) process.handlers.set(signal, end)
    })
    const using = use(behaviour, process)
    try {
      if (behaviour.startAfter) await process.sleep(durationMs(behaviour.startAfter))
      for (const [index, server] of (behaviour.serves ?? []).entries()) listen(server, { index, context, process, using, values })
      if (behaviour.exitAfter === undefined) return await process.block(ended)
      await Promise.race([process.block(ended), process.sleep(durationMs(behaviour.exitAfter))])
      return behaviour.exitCode ?? 0
    } finally {
      using.close()
      for (const timer of timers) timer.cancel()
    }
  }
}

interface Cancellable {
  cancel(): void
}

/** Lines of the start at once, the others in their time. @returns what must be cancelled at the end */
async function print({ logs = [], errors = [] }: Behaviour, process: Process, values: Lookup): Promise<Cancellable[]> {
  const timers: Cancellable[] = []
  for (const [fd, lines] of [[1, logs], [2, errors]] as const) {
    for (const line of lines) {
      if (typeof line === 'string') await process.write(fd, `${fill(line, values)}\n`)
      else timers.push(later(line, process, (text) => process.fds.get(fd)?.end.put?.(Buffer.from(`${fill(text, values)}\n`))))
    }
  }
  return timers
}

function later({ line, after, every }: Exclude<LogLine, string>, { clock }: Process, write: (line: string) => void): Cancellable {
  const say = () => {
    write(line)
    if (every !== undefined) timer = clock.after(Math.max(1, durationMs(every)), say)
  }
  let timer = clock.after(durationMs(after ?? every ?? '0'), say)
  return { cancel: () => timer.cancel() }
}

interface Serving {
  /** Which of the behaviour's servers it is. */
  index: number
  context: BehaviourContext
  process: Process
  using: Using
  values: Lookup
}

function listen(server: Server, { index, context, process, using, values }: Serving): void {
  const own = server.port === undefined ? portsOf(context.container) : [{ port: server.port, protocol: server.protocol ?? 'TCP' }]
  const now = () => context.latest().serves?.[index] ?? server
  for (const { port, protocol } of own) {
    if (protocol === 'UDP') process.sandbox.listen(port, 'UDP', ({ stream }) => stream.pipe(stream))
    else if (server.http) {
      const isUnknown = context.image.name === UNKNOWN_IMAGE
      const serve = isUnknown ? serveAnyProtocol : serveHttp
      serve(process.sandbox, port, async (request, response) => {
        using.requested()
        const review = isUnknown ? await answerReview(request, response).catch(() => void response.destroy()) : undefined
        if (review) return process.fds.get(1)?.end.put?.(Buffer.from(`Orrery knows no image ${context.container.image}: a request of ${request.url} (${review}) is taken to go well\n`))
        answer(now().http ?? [], { request, response, process, values, isLogged: context.latest().accessLog ?? false }).catch(() => response.destroy())
      })
    } else process.sandbox.listen(port, protocol === 'SCTP' ? 'SCTP' : 'TCP', (accepted) => {
      using.requested()
      plain(now(), accepted, values)
    })
  }
}

/** Those that are declared, and those that probes and hooks ask at: many a program's health has a port that is not declared. */
function portsOf({ ports = [], livenessProbe, readinessProbe, startupProbe, lifecycle }: Container): { port: number; protocol: string }[] {
  const declared = ports.map((p) => ({ port: p.containerPort ?? 0, protocol: p.protocol ?? 'TCP' }))
  const probes = [livenessProbe, readinessProbe, startupProbe]
  const asked = [...probes, lifecycle?.postStart, lifecycle?.preStop].flatMap((handler) => [handler?.httpGet?.port, handler?.tcpSocket?.port])
  const numbers = [...asked, ...probes.map((probe) => probe?.grpc?.port)].filter((port) => typeof port === 'number')
  const others = new Set(numbers.filter((port) => !declared.some((d) => d.port === port && d.protocol === 'TCP')))
  return [...declared, ...[...others].map((port) => ({ port, protocol: 'TCP' }))]
}

function plain({ echo, banner }: Server, { stream }: Accepted, values: Lookup): void {
  stream.on('error', () => stream.destroy())
  if (banner !== undefined) stream.write(fill(banner, values))
  if (echo) stream.pipe(stream)
  else stream.resume()
  stream.on('end', () => stream.end())
}
