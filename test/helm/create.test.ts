/** The chart that `helm create` writes, as most charts begin: installed, scaled by its autoscaler's rules, tested, gone. */
import t from 'tap'
import type { HorizontalPodAutoscaler, Ingress, Pod } from '../../schemas/types.ts'
import { startTestCluster } from '../helpers/cluster.ts'
import { Helm, helmVersions } from '../helpers/helm.ts'

const target = await startTestCluster(t, { nodes: 1 })

for (const version of helmVersions) {
  t.test(`helm ${version}`, async (t) => {
    const h = new Helm(version, target, `created-${version.replace('.', '-')}`)
    const chart = `${target.dir}/${h.namespace}`
    await h.run(`create ${chart}`)
    t.match(await h.run(`lint ${chart}`), '1 chart(s) linted, 0 chart(s) failed')
    const extras = 'autoscaling.enabled=true,autoscaling.minReplicas=2,ingress.enabled=true'
    const said = await h.run(`upgrade --install web ${chart} --create-namespace --wait --timeout 40s --set ${extras}`)
    t.match(said, /^Release "web" does not exist\. Installing it now\.$/m)
    const k = h.kubectl
    t.match((await k.json<HorizontalPodAutoscaler>(`get hpa web-${h.namespace}`)).spec, { minReplicas: 2, maxReplicas: 100, scaleTargetRef: { kind: 'Deployment' } })
    t.equal((await k.json<Ingress>(`get ingress web-${h.namespace}`)).spec?.rules?.[0]?.host, 'chart-example.local')
    t.match(await h.run('test web --timeout 40s'), /^Phase: +Succeeded$/m)
    t.equal((await k.json<Pod>(`get pod web-${h.namespace}-test-connection`)).status?.phase, 'Succeeded')
    await h.run('uninstall web --wait --timeout 40s')
    t.equal(await k.run('get deployments,services,ingresses,hpa,serviceaccounts -l app.kubernetes.io/instance=web -o name'), '')
  })
}
