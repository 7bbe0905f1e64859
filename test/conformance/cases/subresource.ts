/** Cases of the family in the file name. */
import { apps, core, deployment, MERGE, pod, type Family } from '../_case.ts'

const gated = (name: string) => ({ ...pod(name, { schedulingGates: [{ name: 'example.com/wait' }] }), metadata: { name, labels: { app: 'x' } } })
/** Of a class that no controller minds. */
const LOAD_BALANCER = { type: 'LoadBalancer', loadBalancerClass: 'example.com/none', ports: [{ port: 80 }] }
const EVICTION = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'p' } }

export default {
  family: 'subresource',
  cases: [
    {
      name: 'scale',
      steps: ({ ns }) => [
        { call: `POST ${apps(ns, 'statefulsets')}`, body: { ...deployment('d'), kind: 'StatefulSet' } },
        { call: `GET ${apps(ns, 'statefulsets/d/scale')}`, match: { kind: 'Scale', apiVersion: 'autoscaling/v1', spec: {}, status: { replicas: 0, selector: 'app=d' } } },
        { call: `PATCH ${apps(ns, 'statefulsets/d/scale')}?dryRun=All`, headers: MERGE, body: { spec: { replicas: 3 } }, match: { spec: { replicas: 3 } } },
        { call: `PATCH ${apps(ns, 'statefulsets/d/scale')}`, headers: MERGE, body: { spec: { replicas: -1 } }, status: 422, match: { message: /spec.replicas: Invalid value: -1: must be greater than or equal to 0/ } },
        { call: `GET ${apps(ns, 'daemonsets/d/scale')}`, status: 404, match: { message: 'the server could not find the requested resource' } },
      ],
    },
    {
      name: 'status is apart from the rest',
      steps: ({ ns }) => [
        { call: `POST ${core(ns, 'services')}`, body: { apiVersion: 'v1', kind: 'Service', metadata: { name: 's' }, spec: LOAD_BALANCER, status: { loadBalancer: { ingress: [{ ip: '10.0.0.9' }] } } }, match: { status: { loadBalancer: { ingress: undefined } } } },
        { call: `PATCH ${core(ns, 'services/s/status')}`, headers: MERGE, body: { spec: { sessionAffinity: 'ClientIP' }, status: { loadBalancer: { ingress: [{ ip: '10.0.0.9' }] } } }, match: { spec: { sessionAffinity: 'None' }, status: { loadBalancer: { ingress: [{ ip: '10.0.0.9' }] } } } },
        { call: `PATCH ${core(ns, 'services/s')}`, headers: MERGE, body: { status: { loadBalancer: null } }, match: { status: { loadBalancer: { ingress: [{ ip: '10.0.0.9' }] } } } },
      ],
    },
    {
      name: 'eviction and its budget',
      steps: ({ ns }) => [
        { call: `POST ${core(ns, 'pods')}`, body: gated('p') },
        { call: `POST ${core(ns, 'pods/none/eviction')}`, body: { ...EVICTION, metadata: { name: 'none' } }, status: 404 },
        { call: `POST ${core(ns, 'pods/p/eviction')}`, body: { ...EVICTION, metadata: { name: 'q' } }, status: 400 },
        { call: `POST ${core(ns, 'pods/p/eviction')}?dryRun=All`, body: EVICTION, match: { kind: 'Status', status: 'Success', code: 201 } },
        { call: `POST ${core(ns, 'pods/p/eviction')}`, body: EVICTION, match: { status: 'Success' } },
        { call: `GET ${core(ns, 'pods/p')}`, status: 404 },
      ],
    },
    {
      name: 'binding and tokens',
      steps: ({ ns }) => [
        { call: `POST ${core(ns, 'pods')}`, body: gated('p') },
        { call: `POST ${core(ns, 'pods/p/binding')}`, body: { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'p' }, target: { kind: 'Node', name: 'n' } }, status: 409 },
        { call: `POST ${core(ns, 'serviceaccounts/default/token')}`, body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 600 } }, match: { kind: 'TokenRequest', spec: { expirationSeconds: 600 }, status: { token: /^[\w-]+\.[\w-]+\.[\w-]+$/, expirationTimestamp: String } } },
        { call: `POST ${core(ns, 'serviceaccounts/default/token')}`, body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 5 } }, status: 422 },
        { call: `GET ${core(ns, 'serviceaccounts/default/token')}`, status: 405 },
      ],
    },
    {
      name: 'ephemeral containers',
      steps: ({ ns }) => [
        { call: `POST ${core(ns, 'pods')}`, body: gated('p') },
        { call: `PATCH ${core(ns, 'pods/p')}`, headers: MERGE, body: { spec: { ephemeralContainers: [{ name: 'e', image: 'x' }] } }, status: 422 },
        { call: `PATCH ${core(ns, 'pods/p/ephemeralcontainers')}`, headers: MERGE, body: { spec: { ephemeralContainers: [{ name: 'e', image: 'registry.example/debug:1' }] } }, match: { spec: { ephemeralContainers: [{ name: 'e', terminationMessagePolicy: 'File' }] } } },
        { call: `PATCH ${core(ns, 'pods/p/ephemeralcontainers')}`, headers: MERGE, body: { spec: { ephemeralContainers: [] } }, status: 422, match: { message: /existing ephemeral containers "e" may not be removed/ } },
      ],
    },
  ],
} satisfies Family
