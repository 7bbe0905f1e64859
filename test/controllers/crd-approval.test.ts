import t from 'tap'
import approval from '../../controllers/crd-approval.ts'
import type { CustomResourceDefinition } from '../../schemas/types.ts'
import { conditionsOf, definition, specOf, version } from '../helpers/definitions.ts'
import { FakeCluster } from '../helpers/fake-client.ts'
import { ControllerRun } from '../helpers/run-controller.ts'

const CRD = 'apiextensions.k8s.io/v1/CustomResourceDefinition'
const TYPE = 'KubernetesAPIApprovalPolicyConformant'
const SEE = 'see https://github.com/kubernetes/enhancements/pull/1111'
const RULE = 'protected groups must have approval annotation "api-approved.kubernetes.io"'

const inGroup = (group: string, annotation?: string): CustomResourceDefinition => {
  const crd = definition('Widget', [version('v1', specOf({}))], { group })
  return { ...crd, metadata: { ...crd.metadata, ...(annotation === undefined ? {} : { annotations: { 'api-approved.kubernetes.io': annotation } }) } }
}

t.test('groups of the community', async (t) => {
  const cases: [group: string, annotation: string | undefined, conditions: string[]][] = [
    ['example.com', undefined, []],
    ['notk8s.io', undefined, []],
    ['x.k8s.io', undefined, [`${TYPE}=False MissingAnnotation: ${RULE}, ${SEE}`]],
    ['x.kubernetes.io', '', [`${TYPE}=False MissingAnnotation: ${RULE}, ${SEE}`]],
    ['x.k8s.io', 'unapproved, just a test', [`${TYPE}=False UnapprovedAnnotation: not approved: "unapproved, just a test"`]],
    ['x.k8s.io', 'https://github.com/a/b/pull/1', [`${TYPE}=True ApprovedAnnotation: approved in https://github.com/a/b/pull/1`]],
    ['x.k8s.io', 'nonsense', [`${TYPE}=False InvalidAnnotation: ${RULE} with either a URL or a reason starting with "unapproved", ${SEE}`]],
  ]
  for (const [group, annotation, conditions] of cases) {
    const cluster = new FakeCluster()
    const run = new ControllerRun(cluster, approval)
    cluster.seed(inGroup(group, annotation))
    await run.settle()
    await run.settle()
    t.same(conditionsOf(cluster.read<CustomResourceDefinition>(CRD, `widgets.${group}`)), conditions, `${group} ${annotation}`)
    t.equal(cluster.writes.length, conditions.length)
  }
})

t.test('a later approval', async (t) => {
  const cluster = new FakeCluster()
  const run = new ControllerRun(cluster, approval)
  cluster.seed(inGroup('x.k8s.io', 'unapproved'))
  await run.settle()
  cluster.edit<CustomResourceDefinition>(CRD, 'widgets.x.k8s.io', (copy) => void (copy.metadata.annotations = { 'api-approved.kubernetes.io': 'https://a.b' }))
  await run.settle()
  t.same(conditionsOf(cluster.read<CustomResourceDefinition>(CRD, 'widgets.x.k8s.io')), [`${TYPE}=True ApprovedAnnotation: approved in https://a.b`])
})
