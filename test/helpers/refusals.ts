/**
 * Tables of what a kind refuses: each case sets members of a valid object, named by their paths (`spec.rules[0].verbs`), and
 * gives the lines that come back. A member set to undefined is removed.
 */
import type { Test } from 'tap'
import { startApi, type TestApi } from './in-process-api.ts'

type Changes = Readonly<Record<string, unknown>>
export type Refusal = [name: string, changes: Changes, ...lines: string[]]
type Base = Parameters<TestApi['create']>[0]
type Members = Record<string, unknown>

/** Sets a member of an object, making what leads there. `[*]` cannot be used. */
export function setAt(object: object, path: string, value: unknown): void {
  const steps = path.split(/[.[\]]+/).filter((step) => step !== '')
  const last = steps.pop() ?? ''
  let at = object as Members
  steps.forEach((step, i) => {
    const next = steps[i + 1] ?? last
    at = (at[step] ??= /^\d+$/.test(next) ? [] : {}) as Members
  })
  if (value === undefined) delete at[last]
  else at[last] = value
}

function changed<T extends object>(object: T, changes: Changes): T {
  for (const [path, value] of Object.entries(changes)) setAt(object, path, value)
  return object
}

export async function checkRefusals(t: Test, base: Base, cases: readonly Refusal[]): Promise<void> {
  const { refused } = await startApi(t)
  t.same(await refused(structuredClone(base)), [], 'the object itself is accepted')
  for (const [name, changes, ...lines] of cases) t.same(await refused(changed(structuredClone(base), changes)), lines, name)
}

/** The same for changes of an object that is there. */
export async function checkUpdateRefusals(t: Test, base: Base, cases: readonly Refusal[], { subresource = '' } = {}): Promise<void> {
  const { create, refusedUpdate } = await startApi(t)
  const stored = await create(structuredClone(base))
  for (const [name, changes, ...lines] of cases) t.same(await refusedUpdate(stored, (copy) => void changed(copy, changes), { subresource }), lines, name)
}

/** What defaults and the write path make of an object. */
export async function stored(t: Test, object: Base): Promise<Members> {
  const { create } = await startApi(t)
  return { ...(await create(object)) }
}
