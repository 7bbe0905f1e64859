/** Giving containers data, and looking for what is wrong with them. */
import { performTasks } from './_perform.ts'

await performTasks(['debug', 'inject-data'])
