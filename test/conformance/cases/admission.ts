/** Cases of the family in the file name. */
import { container, core, pod, type Family } from '../_case.ts'

export default {
  family: 'admission',
  cases: [
    {
      name: 'limits fill in and refuse',
      steps: ({ ns }) => [
        { call: `POST ${core(ns, 'limitranges')}`, body: { apiVersion: 'v1', kind: 'LimitRange', metadata: { name: 'l' }, spec: { limits: [{ type: 'Container', max: { cpu: '2' }, default: { cpu: '1' }, defaultRequest: { cpu: '500m' } }] } } },
        { call: `POST ${core(ns, 'pods')}`, body: pod('p', { schedulingGates: [{ name: 'example.com/wait' }] }), match: { metadata: { annotations: { 'kubernetes.io/limit-ranger': 'LimitRanger plugin set: cpu request for container c; cpu limit for container c' } }, spec: { containers: [{ resources: { limits: { cpu: '1' }, requests: { cpu: '500m' } } }] } } },
        { call: `POST ${core(ns, 'pods')}`, body: pod('q', { containers: [container('c', { resources: { limits: { cpu: '3' } } })] }), status: 403, match: { reason: 'Forbidden', message: 'pods "q" is forbidden: maximum cpu usage per Container is 2, but limit is 3' } },
      ],
    },
    {
      name: 'accounts, priorities, pod security',
      steps: ({ ns, id }) => [
        { call: `POST ${core(ns, 'pods')}`, body: pod('p', { serviceAccountName: 'none' }), status: 403, match: { message: 'pods "p" is forbidden: error looking up service account ' + ns + '/none: serviceaccount "none" not found' } },
        { call: `POST ${core(ns, 'pods')}`, body: pod('p', { priorityClassName: `none-${id}` }), status: 403, match: { message: `pods "p" is forbidden: no PriorityClass with name none-${id} was found` } },
        { call: `PATCH /api/v1/namespaces/${ns}`, headers: { 'content-type': 'application/merge-patch+json' }, body: { metadata: { labels: { 'pod-security.kubernetes.io/enforce': 'baseline' } } } },
        { call: `POST ${core(ns, 'pods')}`, body: pod('p', { hostNetwork: true }), status: 403, match: { message: 'pods "p" is forbidden: violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true)' } },
      ],
    },
  ],
} satisfies Family
