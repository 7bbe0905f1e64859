/** What the columns of a kind show of an object, by their names; ages as the time they are counted from. */
import type { KindDefinition, KubeObject } from '../../src/registry/kind.ts'

export function cells<T extends KubeObject>({ columns = [] }: Pick<KindDefinition<T>, 'columns'>, object: T): Record<string, string | number | boolean | null> {
  const ctx = { nowMs: 0, age: (time: string | undefined) => time ?? '<unknown>' }
  return Object.fromEntries(columns.map((column) => [column.name, column.value(object, ctx)]))
}
