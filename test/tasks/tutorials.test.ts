/** Jobs and tutorials. */
import { performTasks } from './_perform.ts'

await performTasks(['jobs', 'tutorials'])
