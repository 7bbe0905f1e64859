/** All plugins of the scheduler. Models pkg/scheduler/framework/plugins/registry.go. */
import folder from 'folder:src/scheduler/plugins'
import { isRecord } from '../apimachinery/json.ts'
import type { Plugin } from './framework.ts'

export const plugins: readonly Plugin[] = folder.filter(isPlugin)

function isPlugin(value: unknown): value is Plugin {
  return isRecord(value) && typeof value.name === 'string' && typeof value.order === 'number'
}
