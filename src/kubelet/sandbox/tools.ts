/** The programs there are: every file of tools/ brings some, by name. */
import files from 'folder:src/kubelet/sandbox/tools'
import type { Program } from './process.ts'
import { sh } from './shell/sh.ts'

export type Tools = Readonly<Record<string, Program>>

const shells: Tools = { sh, ash: sh, bash: sh, dash: sh }

export const tools: ReadonlyMap<string, Program> = new Map([...Object.entries(shells), ...(files as Tools[]).flatMap((f) => Object.entries(f))])
