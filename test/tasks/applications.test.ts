/** Running applications and reaching them. */
import { performTasks } from './_perform.ts'

await performTasks(['access-application', 'run-application'])
