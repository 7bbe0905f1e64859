/** Configuring pods. */
import { performTasks } from './_perform.ts'

await performTasks(['configure-pods'])
