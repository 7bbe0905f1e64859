/** Cases of the family in the file name. */
import { apps, container, core, deployment, pod, type Family } from '../_case.ts'

export default {
  family: 'defaulting',
  cases: [
    {
      name: 'workloads',
      steps: ({ ns }) => [
        {
          call: `POST ${apps(ns, 'deployments')}`, body: deployment('d'),
          match: { metadata: { generation: 1 }, spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' } }, revisionHistoryLimit: 10, progressDeadlineSeconds: 600, template: { spec: { restartPolicy: 'Always', dnsPolicy: 'ClusterFirst', terminationGracePeriodSeconds: 30, containers: [{ imagePullPolicy: 'IfNotPresent', terminationMessagePath: '/dev/termination-log' }] } } } },
        },
        {
          call: `POST /apis/batch/v1/namespaces/${ns}/jobs`, body: { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'j' }, spec: { suspend: true, template: { spec: { restartPolicy: 'Never', containers: [container('c')] } } } },
          match: { spec: { parallelism: 1, completions: 1, backoffLimit: 6, completionMode: 'NonIndexed', manualSelector: false, podReplacementPolicy: 'TerminatingOrFailed' } },
        },
      ],
    },
    {
      name: 'pods: probes, ports, volumes',
      steps: ({ ns }) => [
        {
          call: `POST ${core(ns, 'pods')}`,
          body: pod('p', { schedulingGates: [{ name: 'example.com/wait' }], containers: [container('c', { image: 'registry.example/app', ports: [{ containerPort: 80 }], readinessProbe: { httpGet: { port: 80 } }, resources: { limits: { cpu: '1000m' } } })], volumes: [{ name: 's', secret: { secretName: 'x' } }] }),
          match: { spec: { containers: [{ imagePullPolicy: 'Always', ports: [{ protocol: 'TCP' }], readinessProbe: { httpGet: { path: '/', scheme: 'HTTP' }, timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 }, resources: { limits: { cpu: '1' }, requests: { cpu: '1' } } }], volumes: [{ secret: { defaultMode: 420 } }], tolerations: [{ key: 'node.kubernetes.io/not-ready' }, { key: 'node.kubernetes.io/unreachable' }] }, status: { phase: 'Pending', qosClass: 'Burstable' } },
        },
      ],
    },
    {
      name: 'services get addresses and ports',
      steps: ({ ns }) => [
        { call: `POST ${core(ns, 'services')}`, body: { apiVersion: 'v1', kind: 'Service', metadata: { name: 'n' }, spec: { type: 'NodePort', ports: [{ port: 80 }] } }, match: { spec: { clusterIP: /^\d+\./, clusterIPs: [/^\d+\./], sessionAffinity: 'None', externalTrafficPolicy: 'Cluster', internalTrafficPolicy: 'Cluster', ipFamilyPolicy: 'SingleStack', ports: [{ protocol: 'TCP', targetPort: 80, nodePort: Number }] } } },
        { call: `POST ${core(ns, 'services')}`, body: { apiVersion: 'v1', kind: 'Service', metadata: { name: 'h' }, spec: { clusterIP: 'None', selector: { a: 'b' } } }, match: { spec: { clusterIP: 'None', clusterIPs: ['None'] } } },
      ],
    },
    {
      name: 'names and strings',
      steps: ({ ns }) => [
        { call: `POST ${core(ns, 'configmaps')}`, body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'made-' } }, match: { metadata: { name: /^made-[a-z0-9]{5}$/, generateName: 'made-' } } },
        { call: `POST ${core(ns, 'secrets')}`, body: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, stringData: { a: 'b' } }, match: { type: 'Opaque', data: { a: 'Yg==' } } },
      ],
    },
  ],
} satisfies Family
