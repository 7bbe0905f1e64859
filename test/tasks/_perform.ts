/** Does tasks with real kubectl on one cluster, each in a namespace of its own. */
import t, { type Test } from 'tap'
import { Kubectl, eventually, startTestCluster } from '../helpers/cluster.ts'
import { readTasks, words, type Task } from './_tasks.ts'

const SIDE_BY_SIDE = 4
/** What is only looked at is looked at again until it shows. */
const READS = new Set(['get', 'describe', 'logs', 'exec', 'top', 'events', 'auth', 'explain', 'diff'])
const ZONES = ['zone-a', 'zone-b', 'zone-c']

/** @param chapters the files of this folder, without their ending */
export async function performTasks(chapters: readonly string[]): Promise<void> {
  const only = process.env.TASK
  const tasks = readTasks().tasks.filter(({ chapter, page }) => chapters.includes(chapter) && (!only || page.includes(only)))
  const target = await startTestCluster(t, { nodes: ZONES.map((zone, i) => ({ name: `node-${i + 1}`, labels: { 'topology.kubernetes.io/zone': zone } })), addresses: { serviceCIDRs: ['10.96.0.0/16', 'fd00:10:96::/112'] }, hostAccess: { ingressPort: 0, ingressTlsPort: 0 }, logLevel: 'silent' })
  const kubectlFor = ({ page }: Task) => new Kubectl('1.36', target, `t-${page.split('/').at(-1)?.slice(0, 50)}`)
  await t.test('tasks', async (t) => {
    const waiting = tasks.filter(({ alone }) => !alone)
    const work = async () => {
      for (let task = waiting.shift(); task; task = waiting.shift()) await run(t, task, kubectlFor(task))
    }
    await Promise.all(Array.from({ length: SIDE_BY_SIDE }, work))
    for (const task of tasks) if (task.alone) await run(t, task, kubectlFor(task))
  })
}

async function perform(k: Kubectl, command: string, pattern: string): Promise<void> {
  const fails = command.startsWith('!')
  const args = words(fails ? command.slice(1) : command)
  if (args[0] === 'apply' || args[0] === 'replace') {
    const { code, stdout, stderr } = await k.try([...args, '-f', '-'], { stdin: pattern.replaceAll('$NAMESPACE', k.namespace) })
    if (fails === (code === 0)) throw new Error(`${args[0]} ended with ${code}\n${stdout}${stderr}`)
    return
  }
  const wanted = new RegExp(pattern, 'm')
  const once = async () => {
    const { code, stdout, stderr } = await k.try(args.map((word) => word.replaceAll('$NAMESPACE', k.namespace)))
    if (fails === (code === 0) || !wanted.test(stdout + stderr)) throw new Error(`kubectl ${args.join(' ')} ended with ${code}, and not with ${pattern}:\n${stdout}${stderr}`)
  }
  await (READS.has(args[0] ?? '') ? eventually(async () => (await once(), true)) : once())
}

async function run(t: Test, task: Task, k: Kubectl): Promise<void> {
  try {
    await k.run(['create', 'namespace', k.namespace])
    if (task.apply) await k.apply(task.apply.replaceAll('$NAMESPACE', k.namespace))
    for (const [command, pattern] of task.steps) await perform(k, command, pattern)
    t.pass(task.page)
  } catch (error) {
    t.fail(`${task.page}: ${error instanceof Error ? error.message : String(error)}`)
  }
  await k.try(['delete', 'namespace', k.namespace, '--wait=false'])
}
