/** `kubectl explain`: types, what is required, enums and descriptions, of built-in kinds, flat and recursive. */
import t from 'tap'
import { Kubectl, startTestCluster } from '../helpers/cluster.ts'
import { kubectlVersions } from '../helpers/kubectl.ts'

const target = await startTestCluster(t, { nodes: 0 })

/** The fields of a recursive answer by their path. */
function fieldsOf(said: string): Map<string, string> {
  const lines = said.slice(said.indexOf('FIELDS:\n')).split('\n').slice(1)
  const path: string[] = []
  const found = new Map<string, string>()
  for (const line of lines) {
    const [, indent = '', name, type = ''] = /^( +)([\w$-]+)\t(<.*)$/.exec(line) ?? []
    if (name === undefined) {
      const enumeration = /^ +enum: (.*)$/.exec(line)?.[1]
      if (enumeration) found.set(path.join('.'), `${found.get(path.join('.'))} ${enumeration}`)
      continue
    }
    path.splice(indent.length / 2 - 1, Infinity, name)
    found.set(path.join('.'), type)
  }
  return found
}

for (const version of kubectlVersions) {
  const k = new Kubectl(version, target)

  t.test(`recursive, kubectl ${version}`, async (t) => {
    const fields = fieldsOf(await k.run('explain pod.spec --recursive'))
    const wanted: [string, string | RegExp][] = [
      ['containers', '<[]Container> -required-'],
      ['containers.name', '<string> -required-'],
      ['containers.ports.containerPort', '<integer> -required-'],
      ['containers.resources.limits', '<map[string]Quantity>'],
      ['containers.imagePullPolicy', /^<string> Always, IfNotPresent, Never$/],
      ['containers.livenessProbe.httpGet.port', '<IntOrString> -required-'],
      ['affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution.topologyKey', '<string> -required-'],
      ['hostNetwork', '<boolean>'],
      ['volumes.projected.sources.serviceAccountToken.path', '<string> -required-'],
    ]
    for (const [field, type] of wanted) t.match(fields.get(field), type, field)
    t.ok(fields.size > 900, `${fields.size} fields`)
  })

  t.test(`descriptions, kubectl ${version}`, async (t) => {
    // A few words of each suffice: the sentences are another's.
    const wanted: [string, RegExp][] = [
      ['pod', /^DESCRIPTION:\n {4}Pod is a collection of containers/m],
      ['pod', /^ {2}status\t<PodStatus>\n {4}Most recently observed status/m],
      ['pod.spec', /^FIELD: spec <PodSpec>\n\n\nDESCRIPTION:\n {4}Specification of .*\n[^]*PodSpec is a description of a pod\./m],
      ['pod.spec.nodeSelector', /^FIELD: nodeSelector <map\[string\]string>\n\n\nDESCRIPTION:\n {4}NodeSelector is a selector/m],
      ['deployment.spec.strategy.type', /^ENUM:\n {4}Recreate\n {4}RollingUpdate\n\nDESCRIPTION:\n {4}Type of deployment\./m],
      ['deployment.metadata.labels', /^DESCRIPTION:\n {4}Map of string keys and values/m],
      ['networkpolicy.spec.ingress.from', /^DESCRIPTION:\n {4}from is a list of sources/m],
      ['crd.spec.versions.schema.openAPIV3Schema.default', /^DESCRIPTION:\n {4}default is a default value/m],
      ['configmap.data', /^DESCRIPTION:\n {4}Data contains the configuration data/m],
    ]
    for (const [path, text] of wanted) t.match(await k.run(`explain ${path}`), text, path)
    t.match(await k.run('explain pod.spec.restartPolicy'), /^ {4}Possible enum values:\n {5}- `"Always"`\n {5}- `"Never"`\n {5}- `"OnFailure"`$/m)
    t.match(await k.run('explain pod.spec.containers --output plaintext-openapiv2'), /^DESCRIPTION:\n {5}List of containers belonging to the pod/m)
  })
}
