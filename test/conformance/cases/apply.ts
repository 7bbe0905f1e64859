/** Cases of the family in the file name. */
import { APPLY, apps, configMap, container, core, deployment, MERGE, type Family, type Step } from '../_case.ts'

/** Of a class that no controller minds. */
const LOAD_BALANCER = { type: 'LoadBalancer', loadBalancerClass: 'example.com/none', ports: [{ port: 80 }] }

export default {
  family: 'apply',
  cases: [
    {
      name: 'two appliers: owning, conflicting, forcing, letting go',
      steps: ({ ns }) => {
        const apply = (manager: string, data: unknown, force = false): Omit<Step, 'status'> => ({ call: `PATCH ${core(ns, 'configmaps/a')}?fieldManager=${manager}${force ? '&force=true' : ''}`, headers: APPLY, body: configMap('a', { data }) })
        return [
          { ...apply('a', { x: '1', y: '2' }), status: 201, managers: ['apply a v1 {"f:data":{"f:x":{},"f:y":{}}}'] },
          { ...apply('b', { x: '1' }), managers: ['apply a v1 {"f:data":{"f:x":{},"f:y":{}}}', 'apply b v1 {"f:data":{"f:x":{}}}'] },
          { ...apply('b', { y: '9' }), status: 409, match: { reason: 'Conflict', message: 'Apply failed with 1 conflict: conflict with "a": .data.y', details: { causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "a"', field: '.data.y' }] } } },
          { ...apply('b', { y: '9' }, true), match: { data: { x: '1', y: '9' } } },
          { ...apply('a', {}), match: { data: { y: '9' } }, managers: ['apply a v1 {"f:data":{}}', 'apply b v1 {"f:data":{"f:y":{}}}'] },
        ]
      },
    },
    {
      name: 'updates and applies',
      steps: ({ ns }) => {
        const at = core(ns, 'configmaps/a')
        return [
          { call: `POST ${core(ns, 'configmaps')}?fieldManager=u`, body: configMap('a', { data: { x: '1' } }), managers: ['update u v1 {"f:data":{".":{},"f:x":{}}}'] },
          { call: `PATCH ${at}?fieldManager=a`, headers: APPLY, body: configMap('a', { data: { x: '2' } }), status: 409, match: { message: 'Apply failed with 1 conflict: conflict with "u" using v1: .data.x' } },
          { call: `PATCH ${at}?fieldManager=a&force=true`, headers: APPLY, body: configMap('a', { data: { x: '2' } }), managers: ['apply a v1 {"f:data":{"f:x":{}}}', 'update u v1 {"f:data":{}}'] },
          { call: `PATCH ${at}?fieldManager=u`, headers: MERGE, body: { data: { x: '3' } }, managers: ['update u v1 {"f:data":{".":{},"f:x":{}}}'] },
        ]
      },
    },
    {
      name: 'lists by key, sets, defaulted keys',
      steps: ({ ns }) => {
        const service = (manager: string, ports: unknown): Step => ({ call: `PATCH ${core(ns, 'services/s')}?fieldManager=${manager}`, headers: APPLY, body: { apiVersion: 'v1', kind: 'Service', metadata: { name: 's' }, spec: { ports } } })
        const containers = (manager: string, list: unknown): Step => ({ call: `PATCH ${apps(ns, 'deployments/d')}?fieldManager=${manager}`, headers: APPLY, body: { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd' }, spec: { template: { spec: { containers: list } } } } })
        return [
          { ...service('a', [{ name: 'p', port: 80 }]), status: 201, managers: ['apply a v1 {"f:spec":{"f:ports":{"k:{\\"port\\":80,\\"protocol\\":\\"TCP\\"}":{".":{},"f:name":{},"f:port":{}}}}}'] },
          { ...service('b', [{ name: 'q', port: 80, protocol: 'UDP' }]), match: { spec: { ports: [{ port: 80, protocol: 'TCP' }, { port: 80, protocol: 'UDP' }] } } },
          { ...service('b', []), match: { spec: { ports: [{ name: 'p', protocol: 'TCP' }] } } },
          { call: `POST ${apps(ns, 'deployments')}?fieldManager=u`, body: deployment('d') },
          { ...containers('a', [container('side')]), match: { spec: { template: { spec: { containers: [{ name: 'c' }, { name: 'side' }] } } } } },
          { ...containers('a', []), match: { spec: { template: { spec: { containers: [{ name: 'c' }] } } } } },
        ]
      },
    },
    {
      name: 'status and what the endpoint cannot set',
      steps: ({ ns }) => [
        { call: `POST ${core(ns, 'services')}?fieldManager=u`, body: { apiVersion: 'v1', kind: 'Service', metadata: { name: 's' }, spec: LOAD_BALANCER } },
        { call: `PATCH ${core(ns, 'services/s/status')}?fieldManager=st`, headers: APPLY, body: { apiVersion: 'v1', kind: 'Service', metadata: { name: 's' }, spec: { sessionAffinity: 'ClientIP' }, status: { loadBalancer: { ingress: [{ ip: '10.1.2.3' }] } } }, match: { spec: { sessionAffinity: 'None' }, metadata: { managedFields: [{ manager: 'st', operation: 'Apply', subresource: 'status', fieldsV1: { 'f:status': { 'f:loadBalancer': { 'f:ingress': {} } } } }] } } },
      ],
    },
    {
      name: 'what an apply refuses',
      steps: ({ ns }) => {
        const apply = (body: unknown, query = '?fieldManager=a') => ({ call: `PATCH ${core(ns, 'configmaps/a')}${query}`, headers: APPLY, body })
        return [
          { ...apply(configMap('a'), ''), status: 422, match: { message: /fieldManager: Required value: is required for apply patch/ } },
          { ...apply({ ...configMap('a'), apiVersion: 'v2' }), status: 400, match: { message: 'invalid object type: /v2, Kind=ConfigMap' } },
          { ...apply(configMap('a', { nope: 1 })), status: 500, match: { message: /failed to create typed patch object .*: .nope: field not declared in schema/ } },
          { ...apply(configMap('a', { metadata: { managedFields: [{}] } })), status: 400, match: { message: 'metadata.managedFields must be nil' } },
          { ...apply('- a'), status: 400, match: { message: /^error decoding YAML: / } },
        ]
      },
    },
  ],
} satisfies Family
