/** Administering the cluster, and its objects. */
import { performTasks } from './_perform.ts'

await performTasks(['administer'])
