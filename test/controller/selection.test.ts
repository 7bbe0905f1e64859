/** `--controllers`, as kube-controller-manager reads it. */
import t from 'tap'
import { selectControllers } from '../../src/controller/selection.ts'

const all = [{ name: 'deployment' }, { name: 'job' }, { name: 'ttl' }, { name: 'crd-naming', user: 'system:apiserver' }]

const cases: readonly (readonly [string, string])[] = [
  ['*', 'deployment job ttl crd-naming'],
  ['*,-job-controller', 'deployment ttl crd-naming'],
  ['-job-controller,*', 'deployment ttl crd-naming'],
  ['job-controller', 'job crd-naming'],
  ['job-controller,-job-controller', 'job crd-naming'],
  ['-job-controller,job-controller,*', 'deployment ttl crd-naming'],
  ['-*', 'crd-naming'],
]
for (const [list, running] of cases) t.equal(selectControllers(all, list.split(',')).map((d) => d.name).join(' '), running, list)
for (const list of ['*,nothing', 'crd-naming-controller', '*,-deployment']) t.throws(() => selectControllers(all, list.split(',')), { message: `"${list.split(',').at(-1)?.replace('-deployment', 'deployment')}" is not in the list of known controllers` }, list)
