/** `--controllers`, as kube-controller-manager reads it. */
import t from 'tap'
import { selectControllers } from '../../src/controller/selection.ts'

const all = [{ name: 'deployment' }, { name: 'job' }, { name: 'ttl' }, { name: 'provisioner', program: 'provisioner' }, { name: 'crd-naming', user: 'system:apiserver' }]

const cases: readonly (readonly [string, string])[] = [
  ['*', 'deployment job ttl provisioner crd-naming'],
  ['*,-job-controller', 'deployment ttl provisioner crd-naming'],
  ['-job-controller,*', 'deployment ttl provisioner crd-naming'],
  ['job-controller', 'job provisioner crd-naming'],
  ['job-controller,-job-controller', 'job provisioner crd-naming'],
  ['-job-controller,job-controller,*', 'deployment ttl provisioner crd-naming'],
  ['-*', 'provisioner crd-naming'],
  ['-*,-provisioner-controller', 'crd-naming'],
]
for (const [list, running] of cases) t.equal(selectControllers(all, list.split(',')).map((d) => d.name).join(' '), running, list)
for (const list of ['*,nothing', 'crd-naming-controller', '*,-deployment']) t.throws(() => selectControllers(all, list.split(',')), { message: `"${list.split(',').at(-1)?.replace('-deployment', 'deployment')}" is not in the list of known controllers` }, list)
