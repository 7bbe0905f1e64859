/** Cases of the family in the file name. */
import { configMap, core, MERGE, pod, type Family } from '../_case.ts'

export default {
  family: 'delete',
  cases: [
    {
      name: 'answers and preconditions',
      steps: ({ ns }) => [
        { call: `POST ${core(ns, 'configmaps')}`, body: configMap('a') },
        { call: `DELETE ${core(ns, 'configmaps/a')}?dryRun=All`, match: { kind: 'Status', status: 'Success' } },
        { call: `DELETE ${core(ns, 'configmaps/a')}`, body: { preconditions: { uid: '11111111-1111-1111-1111-111111111111' } }, status: 409, match: { message: /^Operation cannot be fulfilled on ConfigMap "a": the UID in the precondition \(1{8}-.*\) does not match the UID in record/ } },
        { call: `DELETE ${core(ns, 'configmaps/a')}`, body: { propagationPolicy: 'Odd' }, status: 422 },
        { call: `DELETE ${core(ns, 'configmaps/a')}`, match: { status: 'Success', details: { name: 'a', kind: 'configmaps', uid: String } } },
        { call: `DELETE ${core(ns, 'configmaps/a')}`, status: 404 },
        { call: `POST ${core(ns, 'serviceaccounts')}`, body: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 's' } } },
        { call: `DELETE ${core(ns, 'serviceaccounts/s')}`, match: { kind: 'ServiceAccount', metadata: { name: 's' } } },
      ],
    },
    {
      name: 'finalizers hold',
      steps: ({ ns }) => [
        { call: `POST ${core(ns, 'configmaps')}`, body: configMap('a', { metadata: { finalizers: ['example.com/hold'] } }) },
        { call: `DELETE ${core(ns, 'configmaps/a')}`, match: { kind: 'ConfigMap', metadata: { deletionTimestamp: String, deletionGracePeriodSeconds: 0, finalizers: ['example.com/hold'] } } },
        { call: `POST ${core(ns, 'configmaps')}`, body: configMap('a'), status: 409, match: { message: 'object is being deleted: configmaps "a" already exists' } },
        { call: `PATCH ${core(ns, 'configmaps/a')}`, headers: MERGE, body: { metadata: { finalizers: ['example.com/hold', 'example.com/more'] } }, status: 422, match: { message: /no new finalizers can be added if the object is being deleted/ } },
        { call: `PATCH ${core(ns, 'configmaps/a')}`, headers: MERGE, body: { metadata: { finalizers: null } }, match: { metadata: { name: 'a' } } },
        { call: `GET ${core(ns, 'configmaps/a')}`, status: 404 },
      ],
    },
    {
      name: 'propagation, warnings',
      steps: ({ ns }) => [
        { call: `POST ${core(ns, 'configmaps')}`, body: configMap('a') },
        { call: `PATCH ${core(ns, 'configmaps/a')}`, headers: MERGE, body: { metadata: { finalizers: ['example.com/hold'] } } },
        { call: `DELETE ${core(ns, 'configmaps/a')}?propagationPolicy=Foreground`, match: { metadata: { finalizers: ['example.com/hold', 'foregroundDeletion'] } } },
        { call: `PATCH ${core(ns, 'configmaps/a')}`, headers: MERGE, body: { metadata: { finalizers: null } } },
        { call: `DELETE /apis/batch/v1/namespaces/${ns}/jobs/none`, status: 404, warnings: ['child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning'] },
        { call: `DELETE /apis/batch/v1/namespaces/${ns}/jobs/none?propagationPolicy=Background`, status: 404, warnings: [] },
      ],
    },
    {
      name: 'collections and graceful ends',
      async run({ t, ns, client, make }) {
        for (const name of ['a', 'b']) await make(core(ns, 'configmaps'), configMap(name, { metadata: { labels: { which: name } } }))
        t.match(await client.call(`DELETE ${core(ns, 'configmaps')}?labelSelector=which=a`), { status: 200, body: { kind: 'ConfigMapList', items: [{ metadata: { name: 'a' } }] } })
        t.equal((await client.call(`GET ${core(ns, 'configmaps/a')}`)).status, 404)
        t.equal((await client.call(`GET ${core(ns, 'configmaps/b')}`)).status, 200)
        await make(core(ns, 'pods'), pod('p', { schedulingGates: [{ name: 'example.com/wait' }] }))
        t.match(await client.call(`DELETE ${core(ns, 'pods/p')}`), { status: 200, body: { kind: 'Pod', metadata: { deletionGracePeriodSeconds: 0 } } }, 'a pod on no node goes at once')
        t.equal((await client.call(`GET ${core(ns, 'pods/p')}`)).status, 404)
      },
    },
  ],
} satisfies Family
