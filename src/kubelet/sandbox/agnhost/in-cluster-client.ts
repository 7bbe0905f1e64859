/** `agnhost inclusterclient`: asks for /healthz again and again, and tells tokens apart by their hash. Models test/images/agnhost/inclusterclient. */
import { createHash } from 'node:crypto'
import { inCluster } from '../in-cluster.ts'
import type { Process } from '../process.ts'
import { parseFlags } from './flags.ts'
import { klog } from './klog.ts'

const PLACE = 'main.go'

export async function inClusterClient(process: Process): Promise<number> {
  const seconds = parseFlags(process.args).number('poll-interval', 30)
  const note = (message: string, severity?: 'E') => process.err(klog(process, message, { place: PLACE, ...(severity ? { severity } : {}) }))
  await note('started')
  const api = await inCluster(process)
  for (;;) {
    await process.sleep(seconds * 1000)
    await note('calling /healthz')
    let hash = ''
    const problem = await process.block(api.call({ path: '/healthz', onToken: (authorization) => (hash = createHash('sha256').update(`salt|${authorization}`).digest('base64url')) })).then(
      ({ status, body }) => (status < 400 ? undefined : body.toString()),
      (error: Error) => error.message,
    )
    await note(`authz_header=${hash}`)
    if (problem === undefined) continue
    await note('status=failed', 'E')
    await note(`error checking /healthz: ${problem}`, 'E')
  }
}
