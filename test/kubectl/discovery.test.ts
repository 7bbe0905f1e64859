/** What a cluster says of itself: api-resources, api-versions, explain, version, cluster-info, config. */
import fs from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { Kubectl, startTestCluster } from '../helpers/cluster.ts'
import { kubectlVersions } from '../helpers/kubectl.ts'

const target = await startTestCluster(t, { nodes: 0 })

for (const version of kubectlVersions) {
  const k = new Kubectl(version, target)

  t.test(`api-resources and api-versions, kubectl ${version}`, async (t) => {
    const lines = (await k.run('api-resources')).trimEnd().split('\n').map((line) => line.trim().split(/\s+/))
    t.same(lines[0], ['NAME', 'SHORTNAMES', 'APIVERSION', 'NAMESPACED', 'KIND'])
    for (const row of [['pods', 'po', 'v1', 'true', 'Pod'], ['deployments', 'deploy', 'apps/v1', 'true', 'Deployment'], ['nodes', 'no', 'v1', 'false', 'Node'], ['cronjobs', 'cj', 'batch/v1', 'true', 'CronJob']]) {
      t.same(lines.find(([name]) => name === row[0]), row)
    }
    t.ok(lines.length > 55, `${lines.length} resources`)
    const namespaced = (await k.run('api-resources --namespaced=false -o name')).trimEnd().split('\n')
    t.ok(namespaced.includes('clusterroles.rbac.authorization.k8s.io'))
    t.notOk(namespaced.includes('pods'))
    t.match(await k.run('api-resources --api-group=apps -o wide'), /^deployments .* create,delete,deletecollection,get,list,patch,update,watch +all$/m)
    t.match(await k.run('api-resources --verbs=get,list --categories=all -o name'), /^pods$/m)
    const versions = (await k.run('api-versions')).trimEnd().split('\n')
    for (const served of ['v1', 'apps/v1', 'batch/v1', 'networking.k8s.io/v1', 'rbac.authorization.k8s.io/v1', 'apiextensions.k8s.io/v1']) t.ok(versions.includes(served), served)
  })

  t.test(`explain, kubectl ${version}`, async (t) => {
    t.match(await k.run('explain pod'), /^KIND: +Pod\nVERSION: +v1\n/)
    t.match(await k.run('explain pod'), /^ {2}spec\t<PodSpec>$/m)
    t.match(await k.run('explain deployment.spec.template.spec.containers'), /^FIELD: containers <\[\]Container>$/m)
    t.match(await k.run('explain deployment.spec.template.spec.containers'), /^ {2}name\t<string> -required-$/m)
    t.match(await k.run('explain service.spec.type'), /^FIELD: type <string>\nENUM:\n {4}ClusterIP\n {4}ExternalName\n {4}LoadBalancer\n {4}NodePort\n/m)
    t.match(await k.run('explain cronjob.spec --recursive'), /^ {2}schedule\t<string> -required-$/m)
    t.match(await k.run('explain hpa --api-version=autoscaling/v2'), /^GROUP: +autoscaling\nKIND: +HorizontalPodAutoscaler\nVERSION: +v2\n/)
    t.match(await k.fails('explain pod.spec.nonsense'), /field "nonsense" does not exist/)
    t.match(await k.fails('explain nonsense'), /the server doesn't have a resource type "nonsense"/)
  })

  t.test(`version, cluster-info and raw paths, kubectl ${version}`, async (t) => {
    const said = await k.run('version')
    t.match(said, new RegExp(`^Client Version: v${version.replace('.', '\\.')}\\.`))
    t.match(said, /^Server Version: v1\.36\.\d+$/m)
    const { serverVersion } = await k.json<{ serverVersion: { major: string; minor: string } }>('version')
    t.match(serverVersion, { major: '1', minor: '36' })
    t.match(await k.run('cluster-info'), `Kubernetes control plane is running at ${target.cluster.url}`)
    t.equal(await k.run('get --raw /readyz'), 'ok')
    t.match(await k.run('get --raw /livez?verbose'), /livez check passed/)
    t.match(await k.run(['get', '--raw', '/apis/apps/v1']), '"kind":"APIResourceList"')
  })

  t.test(`config, kubectl ${version}`, async (t) => {
    const kubeconfig = path.join(target.dir, `copy-${version}`)
    fs.copyFileSync(target.kubeconfig, kubeconfig)
    t.equal(await k.run('config current-context', { kubeconfig }), 'orrery\n')
    t.match(await k.run('config get-contexts', { kubeconfig }), /^\* +orrery +orrery +orrery/m)
    t.match(await k.run('config view', { kubeconfig }), /certificate-authority-data: DATA\+OMITTED/)
    t.match(await k.run('config set-context --current --namespace=kube-system', { kubeconfig }), 'Context "orrery" modified.')
    const { stdout } = await k.try(['config', 'view', '--minify', '-o', 'jsonpath={..namespace}'], { kubeconfig })
    t.equal(stdout, 'kube-system')
    await k.run('config set-credentials other --token=abc', { kubeconfig })
    await k.run('config set-context other --cluster=orrery --user=other', { kubeconfig })
    await k.run('config use-context other', { kubeconfig })
    t.match(await k.fails('get namespaces', { kubeconfig }), /You must be logged in to the server|Unauthorized/)
  })

  t.test(`auth, kubectl ${version}`, async (t) => {
    t.equal(await k.run('auth can-i create deployments'), 'yes\n')
    t.match(await k.run('auth whoami'), /^Username +kubernetes-admin$/m)
  })
}
