/** `--controllers`, as kube-controller-manager reads it. */
import t from 'tap'
import { selectControllers } from '../../src/controller/selection.ts'

const all = [{ name: 'deployment' }, { name: 'job' }, { name: 'ttl' }, { name: 'provisioner', program: 'provisioner' }, { name: 'crd-naming', user: 'system:apiserver' }, { name: 'pod-garbage-collector' }]

const cases: readonly (readonly [string, string])[] = [
  ['*', 'deployment job ttl provisioner crd-naming pod-garbage-collector'],
  ['*,-job-controller', 'deployment ttl provisioner crd-naming pod-garbage-collector'],
  ['-job-controller,*', 'deployment ttl provisioner crd-naming pod-garbage-collector'],
  ['job-controller', 'job provisioner crd-naming'],
  ['job-controller,-job-controller', 'job provisioner crd-naming'],
  ['-job-controller,job-controller,*', 'deployment ttl provisioner crd-naming pod-garbage-collector'],
  ['-*', 'provisioner crd-naming'],
  ['*,-deployment,-ttl', 'job provisioner crd-naming pod-garbage-collector'],
  ['podgc', 'provisioner crd-naming pod-garbage-collector'],
  ['-*,-provisioner-controller', 'crd-naming'],
]
for (const [list, running] of cases) t.equal(selectControllers(all, list.split(',')).map((d) => d.name).join(' '), running, list)
for (const list of ['*,nothing', 'crd-naming-controller', '*,-nothing']) t.throws(() => selectControllers(all, list.split(',')), { message: `"${list.split(',').at(-1)?.replace(/^-/, '')}" is not in the list of known controllers` }, list)
