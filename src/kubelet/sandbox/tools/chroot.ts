/** chroot: a program in a sandbox whose files begin elsewhere, with the descriptors and the numbers of the one it is in. */
import type { End } from '../io.ts'
import { FsError } from '../nodes.ts'
import type { Process, Program } from '../process.ts'
import { Sandbox } from '../sandbox.ts'
import { FileSystem } from '../vfs.ts'

async function chroot(process: Process): Promise<number> {
  const [dir = '', ...command] = process.args
  const { sandbox, cred, env } = process
  if (process.args.length === 0 || cred.uid !== 0) {
    await process.err(process.args.length === 0 ? 'BusyBox v1.37.0 multi-call binary.\n\nUsage: chroot NEWROOT [PROG ARGS]\n' : `chroot: can't change root directory to '${dir}': Operation not permitted\n`)
    return 1
  }
  const { node, mount } = sandbox.fs.resolve(process.path(dir), { cred })
  if (node.kind !== 'dir') throw new FsError('ENOTDIR')
  const fs = new FileSystem({ ...mount, node }, { now: () => process.clock.now(), ledger: sandbox.fs.ledger })
  const inner = new Sandbox({ ...sandbox.options, fs, pids: sandbox.pids, onExit: () => {} })
  const argv = command.length > 0 ? command : [env.get('SHELL') ?? '/bin/sh', '-i']
  const fds = new Map([...process.fds].map(([fd, open]): [number, End] => [fd, { ...open.end, close: undefined }]))
  const started = inner.start({ argv, env, cwd: '/', cred, fds })
  if ('problem' in started) {
    await process.err(`chroot: can't execute '${argv[0]}': ${started.problem.replace(/^.*: /, '')}\n`)
    return started.status
  }
  try {
    return await process.block(started.process.exited)
  } finally {
    inner.close()
  }
}

export default { chroot } satisfies Record<string, Program>
