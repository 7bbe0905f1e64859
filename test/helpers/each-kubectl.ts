/** Runs the same test with each kubectl that is supported, in a namespace of its own. */
import type { Test } from 'tap'
import { Kubectl, type TestCluster } from './cluster.ts'
import { kubectlVersions } from './kubectl.ts'

export type KubectlTest = (t: Test, k: Kubectl) => Promise<void>

/** The namespace is named after `name`, and gone when the test ends only with its cluster. */
export function eachKubectl(t: Test, target: TestCluster, { name, test }: { name: string; test: KubectlTest }): void {
  for (const version of kubectlVersions) {
    t.test(`${name}, kubectl ${version}`, async (t) => {
      const namespace = `${name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}-${version.replace('.', '-')}`
      const k = new Kubectl(version, target, namespace)
      await k.run(['create', 'namespace', namespace])
      await test(t, k)
    })
  }
}
