/** Programs that use resources when told: resource-consumer, its controller in agnhost, and `agnhost stress`. Models test/images/resource-consumer. */
import { parseDuration } from '../../../apimachinery/go-duration.ts'
import { quantityValue } from '../../../apimachinery/quantity.ts'
import { getopt } from '../getopt.ts'
import type { Process } from '../process.ts'
import { parseFlags } from './flags.ts'
import { fetchText, forever, formOf, reply, say, serve, type Exchange } from './web.ts'

const MEGABYTE = 1024 * 1024
const NOT_GIVEN = 'not given function argument\n'
const INCORRECT = 'incorrect function argument\n'
const MAX_METRICS = 1000

type Form = URLSearchParams
type Argument = number | string

/** The form's values as numbers, or what is wrong with them. */
function numbersOf(form: Form, names: readonly string[]): number[] | Argument {
  const texts = names.map((name) => form.get(name) ?? '')
  if (texts.includes('')) return NOT_GIVEN
  const numbers = texts.map(Number)
  return numbers.some((n) => !Number.isFinite(n)) ? INCORRECT : numbers
}

/** Uses up processor time, memory, or shows a metric, for so many seconds. */
export async function resourceConsumer(process: Process): Promise<number> {
  const metrics = new Map<string, number>()
  serve(process, parseFlags(process.args).number('port', 8080), {
    '/metrics': ({ response }) => reply(response, 200, [...metrics].map(([name, value]) => `# HELP ${name} info message.\n# TYPE ${name} gauge\n${name} ${value.toFixed(6)}\n`).join('')),
    '/': async (exchange) => {
      const { request, response, url } = exchange
      if (request.method !== 'POST') return reply(response, 400, 'Bad request. Not a POST request\n')
      consume(process, metrics, { exchange, form: await formOf(exchange), name: url.pathname.slice(1) })
    },
  })
  return forever(process)
}

function consume(process: Process, metrics: Map<string, number>, { exchange: { response, url }, form, name }: { exchange: Exchange; form: Form; name: string }): void {
  const { claims } = process.sandbox
  const answer = (...lines: string[]) => reply(response, 200, lines.map((line) => `${line}\n`).join(''))
  const hold = (seconds: number, release: () => void) => void process.clock.after(seconds * 1000, release)
  if (name === 'GetCurrentStatus') return reply(response, 200, 'Warning: not implemented!\nGetCurrentStatus')
  const unit = { ConsumeCPU: 'millicores', ConsumeMem: 'megabytes', BumpMetric: 'delta' }[name]
  if (unit === undefined) return reply(response, 404, `unknown function: ${url.pathname}\n`)
  const numbers = numbersOf(form, [unit, 'durationSec'])
  const metric = form.get('metric') ?? ''
  if (!Array.isArray(numbers)) return reply(response, 400, String(numbers))
  const [amount = 0, seconds = 0] = numbers
  if (name === 'BumpMetric') {
    if (metric === '') return reply(response, 400, NOT_GIVEN)
    if (metrics.size >= MAX_METRICS && !metrics.has(metric)) return reply(response, 400, INCORRECT)
    metrics.set(metric, (metrics.get(metric) ?? 0) + amount)
    hold(seconds, () => metrics.set(metric, (metrics.get(metric) ?? 0) - amount))
    return answer(name, `${metric} metric`, `${amount} ${unit}`, `${seconds} durationSec`)
  }
  if (name === 'ConsumeMem') say(process, `ConsumeMem megabytes: ${amount}, durationSec: ${seconds}`)
  hold(seconds, claims.claim(name === 'ConsumeCPU' ? { millicores: amount } : { bytes: amount * MEGABYTE }))
  process.sandbox.checkMemory()
  answer(name, `${amount} ${unit}`, `${seconds} durationSec`)
}

interface Spread {
  path: string
  amount: string
  size: string
  one(amount: number): string
  words: string
}

const SPREADS: readonly Spread[] = [
  { path: '/ConsumeCPU', amount: 'millicores', size: 'requestSizeMillicores', one: (n) => `Consumed ${n} millicores`, words: 'consume' },
  { path: '/ConsumeMem', amount: 'megabytes', size: 'requestSizeMegabytes', one: (n) => `Consumed ${n} megabytes`, words: 'consume' },
  { path: '/BumpMetric', amount: 'delta', size: 'requestSizeMetrics', one: (n) => `Bumped metric by ${n}`, words: 'bump custom metric by' },
]

/** Splits what shall be used among the consumers behind a Service. */
export async function resourceConsumerController(process: Process): Promise<number> {
  const flags = parseFlags(process.args)
  const host = `${flags.get('consumer-service-name') ?? 'resource-consumer'}.${flags.get('consumer-service-namespace') ?? 'default'}.svc.cluster.local`
  const target = { host, port: flags.number('consumer-port', 8080) }
  serve(process, flags.number('port', 8080), {
    '/': async (exchange) => {
      const { request, response, url } = exchange
      if (request.method !== 'POST') return reply(response, 400, 'Bad request. Not a POST request\n')
      const spread = SPREADS.find(({ path }) => path === url.pathname)
      if (!spread) return reply(response, 404, `unknown function: ${url.pathname}\n`)
      await spreadOut(process, spread, { exchange, form: await formOf(exchange), target })
    },
  })
  return forever(process)
}

async function spreadOut(process: Process, { path, amount, size, one, words }: Spread, { exchange: { response }, form, target }: { exchange: Exchange; form: Form; target: { host: string; port: number } }): Promise<void> {
  const numbers = numbersOf(form, [amount, size, 'durationSec'])
  if (!Array.isArray(numbers)) return reply(response, 400, String(numbers))
  const [total = 0, each = 0, seconds = 0] = numbers
  if (each <= 0) return reply(response, 400, INCORRECT)
  const count = Math.min(1000, Math.floor(total / each))
  const rest = total - count * each
  const portions = [...new Array<number>(count).fill(each), ...(rest > 0 ? [rest] : [])]
  const lines = await Promise.all(
    portions.map(async (portion) => {
      const body = new URLSearchParams({ [amount]: String(portion), durationSec: String(seconds), ...(form.has('metric') ? { metric: form.get('metric') ?? '' } : {}) }).toString()
      return fetchText(process, target, path.slice(1), { body, contentType: 'application/x-www-form-urlencoded' }).then(() => one(portion), (error: Error) => `Failed to connect to consumer: ${error.message}`)
    }),
  )
  reply(response, 200, `RC manager: sending ${count} requests to ${words} ${each} ${amount} each and 1 request to consume ${rest} ${amount}\n${lines.join('\n')}\n`)
}

/** Takes memory in steps, and processors. Models github.com/vishh/stress. */
export async function allocatingStress(process: Process): Promise<number> {
  const flags = parseFlags(process.args, ['logtostderr'])
  const total = quantityValue(flags.get('mem-total') ?? '0')
  const step = Math.max(1, quantityValue(flags.get('mem-alloc-size') ?? '4Ki'))
  const pauseMs = Number(parseDuration(flags.get('mem-alloc-sleep') ?? '1ms')) / 1e6
  const cpus = flags.number('cpus', 0)
  const { claims } = process.sandbox
  await process.err(`Allocating "${total}" memory, in "${step}" chunks, with a ${flags.get('mem-alloc-sleep') ?? '1ms'} sleep between allocations\n`)
  if (cpus > 0) claims.claim({ millicores: cpus * 1000 })
  for (let held = 0; held < total; held += step) {
    claims.claim({ bytes: step })
    process.sandbox.checkMemory()
    await process.sleep(pauseMs)
  }
  await process.err(`Allocated "${total}" memory\n`)
  return forever(process)
}

const SUFFIXES: Readonly<Record<string, number>> = { '': 1, B: 1, K: 1024, M: MEGABYTE, G: 1024 * MEGABYTE }

/** Workers that compute or hold memory. Models stress(1) of Amos Waterland. */
export async function stress(process: Process): Promise<number> {
  const { value, has } = await getopt(process, 'c:i:m:d:t:qv cpu= io= vm= vm-bytes= vm-stride= vm-hang= vm-keep hdd= hdd-bytes= timeout= backoff= quiet verbose')
  const [cpu, io, vm, hdd] = (['cpu', 'io', 'vm', 'hdd'] as const).map((name) => Number(value(name, name === 'vm' ? 'm' : name.charAt(0)) ?? 0))
  const [, number = '256', suffix = 'M'] = /^(\d+)([BKMG]?)$/i.exec(value('vm-bytes') ?? '256M') ?? []
  const { claims } = process.sandbox
  if (!has('q', 'quiet')) await process.out(`stress: info: [${process.pid}] dispatching hogs: ${cpu} cpu, ${io} io, ${vm} vm, ${hdd} hdd\n`)
  const release = claims.claim({ millicores: 1000 * ((cpu ?? 0) + (vm ?? 0)), bytes: (vm ?? 0) * Number(number) * (SUFFIXES[suffix.toUpperCase()] ?? 1) })
  process.sandbox.checkMemory()
  const limit = value('timeout', 't')
  const [, amount, unit = 's'] = /^(\d+)([smhdy]?)$/.exec(limit ?? '') ?? []
  if (amount === undefined) return forever(process)
  await process.sleep(Number(amount) * 1000 * ({ m: 60, h: 3600, d: 86_400, y: 31_536_000 }[unit] ?? 1))
  release()
  await process.out(`stress: info: [${process.pid}] successful run completed in ${amount}s\n`)
  return 0
}
