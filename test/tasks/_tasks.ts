/**
 * The tasks of the Kubernetes documentation, done with manifests and steps of our own. A file of this folder holds the tasks of
 * one chapter; a task has the page it is about, what it shows, what is applied first and the commands that follow.
 */
import fs from 'node:fs'
import path from 'node:path'
import { parse } from 'yaml'
import { assetPath } from '../../src/assets.ts'
import { isRecord } from '../../src/apimachinery/json.ts'

export interface Task {
  /** Its file. */
  chapter: string
  /** Below https://kubernetes.io/docs/. */
  page: string
  /** What is shown to work. */
  does: string
  /** What of the page does not work here. */
  but?: string
  /** It is not for a cluster that others use meanwhile. */
  alone: boolean
  apply: string
  /** A command of kubectl and what it prints; one that begins with `!` must fail. `apply` has a manifest in place of the pattern. */
  steps: readonly (readonly [string, string])[]
}

/** A page that is not done, and why. */
export interface Missing {
  page: string
  why: string
}

const directory = assetPath('test/tasks')
const KEYS = new Set(['page', 'does', 'but', 'alone', 'apply', 'steps'])

export function readTasks(): { tasks: Task[]; missing: Missing[] } {
  const tasks: Task[] = []
  const missing: Missing[] = []
  for (const file of fs.readdirSync(directory).filter((name) => name.endsWith('.yaml')).sort()) {
    const content: unknown = parse(fs.readFileSync(path.join(directory, file), 'utf8'))
    for (const entry of Array.isArray(content) ? content : []) {
      if (!isRecord(entry) || typeof entry.page !== 'string') throw new Error(`${file}: a task needs a page`)
      if (typeof entry.why === 'string') missing.push({ page: entry.page, why: entry.why })
      else tasks.push(taskOf(entry, file))
    }
  }
  return { tasks, missing }
}

function taskOf(entry: Record<string, unknown>, file: string): Task {
  const { page = '', does, but, alone, apply, steps } = entry
  const unknown = Object.keys(entry).find((key) => !KEYS.has(key))
  if (unknown !== undefined || typeof does !== 'string' || !Array.isArray(steps) || steps.length === 0) throw new Error(`${file}: ${String(page)}: ${unknown ? `unknown key ${unknown}` : 'a task needs does and steps'}`)
  return {
    chapter: file.replace(/\.yaml$/, ''),
    page: String(page),
    does,
    ...(typeof but === 'string' ? { but } : {}),
    alone: alone === true,
    apply: typeof apply === 'string' ? apply : '',
    steps: steps.flatMap((step: unknown) => (isRecord(step) ? Object.entries(step).map(([command, pattern]): [string, string] => [command, String(pattern)]) : [])),
  }
}

/** The words of a command line, quotes taken off. */
export function words(line: string): string[] {
  return [...line.matchAll(/(?:[^\s'"]|'[^']*'|"[^"]*")+/g)].map(([word]) => word.replace(/'([^']*)'|"([^"]*)"/g, (_, a?: string, b?: string) => a ?? b ?? ''))
}

/** docs/tasks.md. */
export function tasksPage({ tasks, missing }: { tasks: readonly Task[]; missing: readonly Missing[] }): string {
  const link = (page: string) => `[${page.replace(/^(?:tasks|tutorials)\//, '').replace(/\/$/, '')}](https://kubernetes.io/docs/${page}/)`
  const byPage = (a: { page: string }, b: { page: string }) => (a.page < b.page ? -1 : 1)
  const rows = [...tasks].sort(byPage).map(({ page, does, but }) => `| ${link(page)} | ${does} | ${but ?? ''} |`)
  return `# Tasks of the Kubernetes documentation

What the pages of https://kubernetes.io/docs/tasks and https://kubernetes.io/docs/tutorials show, done on Orrery with manifests and steps
of our own. They are in [test/tasks](../test/tasks) and run with the tests; this page is written from them.

| page | works | does not |
|---|---|---|
${rows.join('\n')}

Not done here:

| page | why |
|---|---|
${[...missing].sort(byPage).map(({ page, why }) => `| ${link(page)} | ${why} |`).join('\n')}
`
}
