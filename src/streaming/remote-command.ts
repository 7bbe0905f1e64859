/** `exec` and `attach`. Models ServeExec and ServeAttach of k8s.io/cri-streaming/pkg/streaming/remotecommand. */
import type { Readable, Writable } from 'node:stream'
import { containerOf } from '../../api/core/v1/_pod-connect.ts'
import { isTrue } from '../apiserver/write-options.ts'
import { isUpgradeRequest, type ApiResponse } from '../apiserver/request.ts'
import type { Connection, Connector } from '../apiserver/subresources/create.ts'
import type { Clock } from '../clock.ts'
import { badRequest, isStatusError } from '../errors.ts'
import type { Pod } from '../../schemas/types.ts'
import { authorizeCreate } from './authorize-create.ts'
import { connectedPod } from './connected-pod.ts'
import type { ExitStatus, NodeApi, Streams, TerminalSize } from './node-api.ts'
import { openRemoteStreams, type FinalStatus, type RemoteStreams, type Wanted } from './remote-streams.ts'

interface Command {
  pod: Pod
  container: string
  /** Empty for attach. */
  command: readonly string[]
}

type Run = (command: Command, streams: Streams) => Promise<ExitStatus>

export interface RemoteCommand {
  node: NodeApi
  clock: Clock
  command: Command
  wanted: Wanted
  headers: Readonly<Record<string, string | undefined>>
}

export function exec(node: NodeApi): Connector {
  return remoteCommand(node, answerExec)
}

export function attach(node: NodeApi): Connector {
  return remoteCommand(node, answerAttach)
}

export function answerExec({ node, ...rest }: RemoteCommand): ApiResponse {
  return answer({ ...rest, run: ({ pod, container, command }, streams) => node.exec(pod, container, { command, streams }), tellsExit: true })
}

export function answerAttach({ node, ...rest }: RemoteCommand): ApiResponse {
  return answer({ ...rest, run: ({ pod, container }, streams) => node.attach(pod, container, streams), tellsExit: false })
}

function answer({ run, clock, command, wanted, headers, tellsExit }: Omit<RemoteCommand, 'node'> & { run: Run; tellsExit: boolean }): ApiResponse {
  return openRemoteStreams(headers, { wanted, clock, serve: (streams) => void serve(run, command, { streams, wanted, tellsExit }) })
}

function remoteCommand(node: NodeApi, respond: (command: RemoteCommand) => ApiResponse): Connector {
  return async (connection: Connection): Promise<ApiResponse> => {
    await authorizeCreate(connection)
    const { request, api } = connection
    const pod = connectedPod(connection)
    if (!isUpgradeRequest(request)) throw badRequest('Upgrade request required')
    const command = { pod, container: containerOf(pod, request.query.get('container') ?? ''), command: request.query.getAll('command') }
    const { query } = request
    const wanted = wantedStreams((name) => query.has(name) && isTrue(query.get(name)))
    return respond({ node, clock: api.clock, command, wanted, headers: request.headers })
  }
}

/** Exec has only what it asks for; attach as well. @throws StatusError 400 */
export function wantedStreams(is: (name: string) => boolean): Wanted {
  const tty = is('tty')
  // A terminal has one output.
  const wanted = { stdin: is('stdin'), stdout: is('stdout'), stderr: is('stderr') && !tty, tty }
  if (!wanted.stdin && !wanted.stdout && !wanted.stderr) throw badRequest('you must specify at least 1 of stdin, stdout, stderr')
  return wanted
}

interface Serving {
  streams: RemoteStreams
  wanted: Wanted
  tellsExit: boolean
}

/** Never rejects. */
async function serve(run: Run, command: Command, { streams, wanted, tellsExit }: Serving): Promise<void> {
  const gone = new AbortController()
  void streams.closed.then(() => gone.abort())
  const { stdin, stdout, stderr, resize } = streams
  try {
    const exit = await run(command, {
      tty: wanted.tty,
      signal: gone.signal,
      ...(stdin ? { stdin } : {}),
      ...(stdout ? { stdout } : {}),
      ...(stderr ? { stderr } : {}),
      ...(resize ? { resize: (listener) => void readSizes(resize, listener) } : {}),
    })
    await Promise.all([flushed(stdout), flushed(stderr)])
    await streams.tell(tellsExit ? exitStatus(command, exit) : { status: 'Success' })
  } catch (error) {
    await streams.tell(failure(error))
  }
  streams.close()
}

function exitStatus({ command }: Command, { code }: ExitStatus): FinalStatus {
  if (code === 0) return { status: 'Success' }
  return {
    status: 'Failure',
    message: `command terminated with non-zero exit code: error executing command [${command.join(' ')}], exit code ${code}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(code) }] },
  }
}

/** A container that is not there is upstream's kubelet refusing the connection. */
function failure(error: unknown): FinalStatus {
  const text = error instanceof Error ? error.message : String(error)
  const message = isStatusError(error, 'InternalError') ? text : `Internal error occurred: ${isStatusError(error) ? `unable to upgrade connection: ${text}` : text}`
  return { status: 'Failure', message, reason: 'InternalError', details: { causes: [] }, code: 500 }
}

/** Settles when all that was written to an end is sent, or nobody reads it any more. */
function flushed(stream: Writable | undefined): Promise<void> | undefined {
  if (!stream || stream.writableFinished || stream.destroyed) return undefined
  return new Promise((resolve) => {
    stream.once('finish', resolve)
    stream.once('close', resolve)
    if (!stream.writableEnded) stream.end()
  })
}

/** Texts longer than this without an end are no sizes. */
const MAX_SIZE_TEXT = 1024

async function readSizes(resize: Readable, listener: (size: TerminalSize) => void): Promise<void> {
  let text = ''
  try {
    for await (const chunk of resize as AsyncIterable<Buffer>) {
      text += chunk.toString()
      for (let end = text.indexOf('}'); end >= 0; end = text.indexOf('}')) {
        const size = parseSize(text.slice(0, end + 1))
        text = text.slice(end + 1)
        if (size) listener(size)
      }
      if (text.length > MAX_SIZE_TEXT) return
    }
  } catch {
    // The client has gone.
  }
}

function parseSize(text: string): TerminalSize | undefined {
  try {
    const { Width, Height } = JSON.parse(text) as { Width?: unknown; Height?: unknown }
    return typeof Width === 'number' && typeof Height === 'number' ? { width: Width, height: Height } : undefined
  } catch {
    return undefined
  }
}
