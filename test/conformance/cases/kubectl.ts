/** Cases of the family in the file name. */
import { configMap, deployment, type Family } from '../_case.ts'

const file = (object: unknown) => ({ stdin: JSON.stringify(object) })

export default {
  family: 'kubectl',
  cases: [
    {
      name: 'apply, get, change, delete',
      async run({ t, kubectl }) {
        t.match(await kubectl('apply -f -', file(configMap('a', { data: { x: '1' } }))), { code: 0, stdout: 'configmap/a created\n' })
        t.match(await kubectl('apply -f -', file(configMap('a', { data: { x: '1' } }))), { stdout: 'configmap/a unchanged\n' })
        t.match(await kubectl('apply -f -', file(configMap('a', { data: { x: '2' } }))), { stdout: 'configmap/a configured\n' })
        t.match((await kubectl('get configmap a')).stdout, /^NAME +DATA +AGE\na +1 +\S+\n$/)
        t.match(await kubectl('get configmap a -o jsonpath={.data.x}'), { stdout: '2' })
        t.match(await kubectl('label configmap a tier=web'), { stdout: 'configmap/a labeled\n' })
        t.match((await kubectl('get configmap -l tier=web -o name')).stdout, 'configmap/a\n')
        t.match(await kubectl('delete configmap a'), { stdout: /^configmap "a" deleted/ })
        t.match(await kubectl('get configmap a'), { code: 1, stderr: 'Error from server (NotFound): configmaps "a" not found\n' })
      },
    },
    {
      name: 'server-side apply and its conflicts',
      async run({ t, kubectl }) {
        t.match(await kubectl('apply --server-side -f -', file(configMap('a', { data: { x: '1' } }))), { stdout: 'configmap/a serverside-applied\n' })
        const other = await kubectl('apply --server-side --field-manager=other -f -', file(configMap('a', { data: { x: '2' } })))
        t.match(other, { code: 1, stderr: /Apply failed with 1 conflict: conflict with "kubectl": .data.x/ })
        t.match(await kubectl('apply --server-side --field-manager=other --force-conflicts -f -', file(configMap('a', { data: { x: '2' } }))), { code: 0 })
      },
    },
    {
      name: 'workloads: scale, set, describe, explain',
      async run({ t, kubectl }) {
        t.match(await kubectl('create -f -', file(deployment('d'))), { stdout: 'deployment.apps/d created\n' })
        t.match(await kubectl('set image deployment/d c=registry.example/app:2'), { stdout: 'deployment.apps/d image updated\n' })
        t.match(await kubectl('annotate deployment/d note=x'), { stdout: 'deployment.apps/d annotated\n' })
        t.match(await kubectl('patch deployment d -p {"spec":{"paused":true}}'), { stdout: 'deployment.apps/d patched\n' })
        t.match((await kubectl('describe deployment d')).stdout, /\nReplicas: +0 desired \| .* total\b.*\n[^]*\n +Image: +registry.example\/app:2\n/)
        t.match((await kubectl('explain deployment.spec.strategy.type')).stdout, /^GROUP: +apps\nKIND: +Deployment\nVERSION: +v1\n\nFIELD: type <string>\nENUM:\n {4}Recreate\n {4}RollingUpdate\n/)
        t.match((await kubectl('api-resources --api-group=batch --no-headers')).stdout, /^cronjobs +cj +batch\/v1 +true +CronJob\njobs +batch\/v1 +true +Job\n$/)
        t.match(await kubectl('auth can-i create pods'), { stdout: 'yes\n' })
      },
    },
  ],
} satisfies Family
