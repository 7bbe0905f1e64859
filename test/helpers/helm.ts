/** The real helm, unchanged, for one cluster and namespace; it comes with the same packages as kubectl. */
import { assetPath } from '../../src/assets.ts'
import { Kubectl, type TestCluster } from './cluster.ts'
import { type Finished, type KubectlVersion, programPath, runProgram } from './kubectl.ts'

export type HelmVersion = '3.17' | '4.2'
export const helmVersions: readonly HelmVersion[] = ['3.17', '4.2']
const besideKubectl: Readonly<Record<HelmVersion, KubectlVersion>> = { '3.17': '1.32', '4.2': '1.36' }

export interface Revision {
  revision: number
  status: string
  description: string
}

export class Helm {
  readonly kubectl: Kubectl

  constructor(
    readonly version: HelmVersion,
    readonly target: TestCluster,
    readonly namespace: string,
  ) {
    this.kubectl = new Kubectl(besideKubectl[version], target, namespace)
  }

  /** Runs a command line, split at spaces, in the folder of the tests with Helm. */
  try(command: string): Promise<Finished> {
    const { kubeconfig } = this.target
    return runProgram(programPath('helm', besideKubectl[this.version]), ['--namespace', this.namespace, ...command.split(' ')], { kubeconfig, cwd: assetPath('test/helm') })
  }

  async run(command: string): Promise<string> {
    const { code, stdout, stderr } = await this.try(command)
    if (code === 0) return stdout
    throw new Error(`helm ${this.version}: ${command} ended with ${code}\n${stderr}${stdout}`)
  }

  /** The standard error of a command that must fail. */
  async fails(command: string): Promise<string> {
    const { code, stdout, stderr } = await this.try(command)
    if (code !== 0) return stderr
    throw new Error(`helm ${this.version}: ${command} succeeded\n${stdout}`)
  }

  /** What is told of each revision, the oldest first. */
  async history(release: string): Promise<Revision[]> {
    const told = JSON.parse(await this.run(`history ${release} -o json`)) as Revision[]
    return told.map(({ revision, status, description }) => ({ revision, status, description }))
  }
}
