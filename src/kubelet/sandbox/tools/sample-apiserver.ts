/** The program of upstream's sample API server. */
import type { Program } from '../process.ts'
import { sampleApiserver } from '../sample-apiserver/server.ts'

export default { 'sample-apiserver': sampleApiserver } satisfies Record<string, Program>
